"""What holds now: who is recording, which day is in force where, and what is wrong.

Read anew for each page, in five queries, so that a page never says what was true a minute ago.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from events.models import ListenerNode, UdpSession
from tournaments import announce
from tournaments.context import ContextTimeline
from tournaments.models import Court, TournamentDay

# A court that was heard within this time counts as sending.
HEARD = timedelta(seconds=60)
# A listener that has been gone for longer was taken away on purpose, if another one runs.
RETIRED = timedelta(days=1)
# So long nothing may have been heard before nothing counts as going on.
QUIET = timedelta(minutes=15)


@dataclass(frozen=True)
class InForce:
    """A day and where it holds; `courts` empty: everywhere."""

    day: TournamentDay
    courts: list[Court]

    @property
    def places(self) -> str:
        return announce.places(self.courts)

    @property
    def court_values(self) -> list[str]:
        """What the form that changes the context takes for these courts."""
        return [str(court.pk) for court in self.courts] or ["all"]


@dataclass(frozen=True)
class Problem:
    """A sentence for a banner, and the button that helps: a link, or a day to put in force.

    `kind`, `subject` and `name` are those of the alert that it becomes when it lasts; `alert_text` is what
    that alert says beneath its title, where `text` would say the title again.
    """

    text: str
    kind: str
    subject: str = ""
    name: str = ""
    alert_text: str = ""
    is_bad: bool = False
    url: str = ""
    label: str = ""
    day: TournamentDay | None = None
    courts: list[str] = field(default_factory=list)


class Situation:
    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or timezone.now()
        self.nodes = list(ListenerNode.objects.all())
        self.timeline = ContextTimeline.load()
        self.courts = list(Court.objects.filter(active=True))
        heard = UdpSession.objects.filter(ended_at=None, last_event_at__gte=self.now - HEARD)
        self.heard = set(heard.values_list("court", flat=True))
        self.in_force = self._in_force()

    @property
    def is_recording(self) -> bool:
        return any(node.is_recording(self.now) for node in self.nodes)

    def goes_on(self) -> bool:
        """Whether a day of these days is active, or something was heard a moment ago; one query."""
        # One that was left active when it was over goes on no longer.
        if any(
            item.day.date >= timezone.localdate(self.now, item.day.tournament.tz) for item in self.in_force
        ):
            return True
        return UdpSession.objects.filter(last_event_at__gt=self.now - QUIET).exists()

    def _in_force(self) -> list[InForce]:
        day_of = {court: self.timeline.day_id_at(court.pk, self.now) for court in self.courts}
        everywhere = self.timeline.day_id_at(None, self.now)
        by_day: dict[int, list[Court]] = {}
        for court, day_id in day_of.items():
            if day_id is not None:
                by_day.setdefault(day_id, []).append(court)
        if not self.courts and everywhere is not None:
            by_day[everywhere] = []
        days = TournamentDay.objects.select_related("tournament").in_bulk(by_day)
        found = [
            InForce(days[day_id], [] if len(courts) == len(self.courts) else courts)
            for day_id, courts in by_day.items()
        ]
        return sorted(found, key=lambda item: (-len(item.courts or self.courts), item.day.pk))

    def problems(self) -> list[Problem]:
        """The worst first."""
        return [*self._not_recording(), *self._without_a_day(), *self._another_day()]

    def _not_recording(self) -> list[Problem]:
        if not self.nodes:
            return [
                Problem(
                    "Nothing is being recorded: the listener has not run here yet. "
                    "Start it with “make run”, or “manage.py start”.",
                    "not_recording",
                    is_bad=True,
                )
            ]
        problems = []
        for node in self.nodes:
            # What its recorder says comes by way of the database: when that is away, ask here.
            if node.is_recording(self.now) or _records_here(node):
                if _is_older(node.importer_seen_at, self.now, timedelta(seconds=10)):
                    problems.append(
                        Problem(
                            f"Listener “{node.name}” records, but nothing gets into the database. "
                            f"{node.backlog:,} datagrams wait in its journal; none is lost.",
                            "not_storing",
                            node.name,
                            node.name,
                            is_bad=True,
                        )
                    )
            elif not (self.is_recording and _is_older(node.recorder_seen_at, self.now, RETIRED)):
                problems.append(
                    Problem(self._silent(node), "not_recording", node.name, node.name, is_bad=True)
                )
        return problems

    def _silent(self, node: ListenerNode) -> str:
        what = f"Nothing is being recorded by listener “{node.name}”"
        if node.recorder_seen_at is not None:
            seen = timezone.localtime(node.recorder_seen_at)
            same_date = seen.date() == timezone.localdate()
            what += f" since {seen:%H:%M:%S}" if same_date else f" since {date_format(seen, 'D j M, H:i')}"
        return f"{what}. Start it with “make run”, or “manage.py start”."

    def courts_without_day(self) -> list[Court | None]:
        """The courts that send while no day is in force there; None, at the end: a sender without a court."""
        lost = {court for court in self.heard if self.timeline.day_id_at(court, self.now) is None}
        courts: list[Court | None] = [*Court.objects.filter(pk__in=lost).order_by("number")] if lost else []
        return [*courts, None] if None in lost else courts

    def _without_a_day(self) -> list[Problem]:
        lost = self.courts_without_day()
        if not lost:
            return []
        names = [str(court) if court else "a sender without a court" for court in lost]
        *first, last = names
        who = f"{', '.join(first)} and {last}" if first else last
        return [
            Problem(
                f"Events arrive from {who}, but no tournament day is active there. "
                "They are kept, without a day.",
                "no_active_day",
                name=who,
                is_bad=True,
                url="context",
                label="Choose the day",
            )
        ]

    def _another_day(self) -> list[Problem]:
        wrong = [(item, text) for item in self.in_force if (text := announce.not_today(item.day))]
        days = TournamentDay.objects.filter(tournament__in={item.day.tournament_id for item, _ in wrong})
        by_date = {(day.tournament_id, day.date): day for day in days} if wrong else {}
        problems = []
        for item, text in wrong:
            tournament = item.day.tournament
            right = by_date.get((tournament.pk, tournament.today()))
            where = "" if not item.courts else f" on {item.places}"
            problems.append(
                Problem(
                    f"The active day{where} is not today. {tournament}: {text}",
                    "wrong_day",
                    f"day:{item.day.pk}",
                    str(item.day),
                    f"{tournament}: {text}",
                    url="context",
                    label="Change",
                    day=right,
                    courts=item.court_values,
                )
            )
        return problems


def _records_here(node: ListenerNode) -> bool:
    """Whether its recorder runs on this machine, whatever the database knows of it."""
    reader = import_module(settings.LEDGER_READER)
    return bool(reader.is_recording_here(node.name))


def _is_older(moment: datetime | None, now: datetime, age: timedelta) -> bool:
    return moment is None or now - moment > age
