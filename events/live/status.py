"""Whether all is well, once a second: recording, contexts, courts and their rates."""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime
from typing import Any

from events.alerts.showing import banner, live_status, open_alerts
from events.models import ListenerNode
from events.situation import Situation
from tournaments.models import TournamentDay


def epoch_ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


def read_status() -> dict[str, Any]:
    """What the database says; runs in the feed's worker thread. Times are epoch milliseconds.

    `nodes`: each listener; `courts`: the active ones with the day in force on each, by key; `day`:
    the day where no court has its own; `days`: every day mentioned; `problems`: the sentences of
    the banners; `alerts`: how many are open, and for which the page rings.
    """
    situation = Situation()
    now, timeline = situation.now, situation.timeline
    day_of = {court: timeline.day_id_at(court.pk, now) for court in situation.courts}
    everywhere = timeline.day_id_at(None, now)
    days = {item.day.pk: item.day for item in situation.in_force}
    if everywhere is not None and everywhere not in days:
        days[everywhere] = TournamentDay.objects.select_related("tournament").get(pk=everywhere)
    problems, alerts = situation.problems(), open_alerts()
    alert_banner = banner(alerts, problems, now)
    return {
        "nodes": [_node(node, now) for node in situation.nodes],
        "courts": {
            court.pk: {"number": court.number, "name": str(court), "day": day}
            for court, day in day_of.items()
        },
        "day": everywhere,
        "days": {pk: day_status(day) for pk, day in days.items()},
        "problems": [*(problem.text for problem in problems), *([alert_banner.text] if alert_banner else [])],
        "alerts": live_status(alerts, now),
    }


def day_status(day: TournamentDay) -> dict[str, Any]:
    """A day as `days` of the status has it."""
    return {
        "tournament": day.tournament_id,
        "name": day.tournament.name,
        "number": day.number,
        "date": day.date.isoformat(),
        "today": day.is_today(),
        "time_zone": day.tournament.time_zone,
    }


def _node(node: ListenerNode, now: datetime) -> dict[str, Any]:
    return {
        "name": node.name,
        "recording": node.is_recording(now),
        "seen": epoch_ms(node.recorder_seen_at),
        "received": node.received,
        "stored": node.stored,
        "backlog": node.backlog,
        "drops": node.kernel_drops,
        "blind_ms": node.blind_ms,
        "listen": node.listen,
    }


class Rates:
    """Events of each court over the last second and the last ten."""

    SECONDS = 10

    def __init__(self) -> None:
        self._seconds: deque[Counter[int | None]] = deque([Counter()], maxlen=self.SECONDS)

    def count(self, courts: Counter[int | None]) -> None:
        self._seconds[-1].update(courts)

    def tick(self) -> None:
        """A second has passed."""
        self._seconds.append(Counter())

    def of(self, court: int | None) -> list[float]:
        """[events in the last full second, events per second over the last ten]"""
        full = list(self._seconds)[:-1] or list(self._seconds)
        return [full[-1][court], round(sum(second[court] for second in full) / len(full), 1)]

    def total(self) -> list[float]:
        full = list(self._seconds)[:-1] or list(self._seconds)
        return [full[-1].total(), round(sum(second.total() for second in full) / len(full), 1)]
