"""Measuring: what every kind of alert looks at, from `events.measure` in a constant number of queries.

What changes slowly and costs more is read once a minute. A subject without a reading is in order.
"""

from __future__ import annotations

import shutil
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import psutil
from django.conf import settings
from django.db.models import Exists, Max, OuterRef

from events import measure
from events.alerts.kinds import KINDS
from events.kinds import Status
from events.measure import Measures
from events.models import Backup, EventTally, HourTally, PssEvent, UdpSession
from events.models_backup import BackupKind
from events.situation import Situation
from events.words import duration_text
from tournaments.models import Tournament, TournamentDay

#: A backlog that is no smaller than it was so long ago grows.
GROWS_OVER = timedelta(seconds=10)
#: Messages looked at for the share that cannot be read, and how many there must be to speak of one.
ERRORS_OVER = timedelta(minutes=5)
ENOUGH_MESSAGES = 200
#: What costs more is read this often.
SLOWLY = timedelta(seconds=60)
#: Datagrams that wait without anybody being behind: one batch on its way.
ON_THEIR_WAY = 1_000
_NOT_READ = (Status.UNKNOWN, Status.MALFORMED)


@dataclass(frozen=True, slots=True)
class Reading:
    """One kind measured on one subject; `value` in the unit of the kind, 1.0 where it is yes or no.

    `known` False: it cannot be told at the moment, so an alert about it stays as it is.
    """

    kind: str
    text: str = ""
    value: float = 1.0
    subject: str = ""
    name: str = ""
    known: bool = True


class Reader:
    """Reads again and again, and remembers a few seconds of what can only be told by how it changes."""

    def __init__(self) -> None:
        # When, and the datagrams that waited then, by listener.
        self._backlogs: deque[tuple[datetime, dict[str, int]]] = deque()
        self._slow: list[Reading] = []
        self._slow_at: datetime | None = None

    def read(self, now: datetime) -> list[Reading]:
        """All readings; between sessions those alone that matter then too.

        DatabaseError when the database does not answer.
        """
        measures = measure.read(now)
        situation = measures.situation
        if self._slow_at is None or not timedelta() <= now - self._slow_at < SLOWLY:
            self._slow = [*_full_days(), *_backups(situation)]
            self._slow_at = now
        readings = [
            *(Reading(p.kind, p.alert_text or p.text, 1.0, p.subject, p.name) for p in situation.problems()),
            *_courts(measures),
            *self._backlog(measures),
            *_listeners(measures),
            *_machines(measures),
            *_error_rate(now),
            *self._slow,
        ]
        if situation.goes_on():
            return readings
        return [reading for reading in readings if KINDS[reading.kind].always]

    def _backlog(self, measures: Measures) -> Iterator[Reading]:
        """What waits and does not get less; what does is being worked off."""
        remembered = self._backlogs
        while remembered and not timedelta() <= measures.at - remembered[0][0] <= GROWS_OVER:
            remembered.popleft()
        remembered.append((measures.at, {node.name: node.ledger.backlog for node in measures.in_use}))
        before = remembered[0][1]
        for node in measures.in_use:
            waiting = node.ledger.backlog
            if waiting and waiting >= before.get(node.name, 0):
                text = f"{waiting:,} datagrams wait to be stored at “{node.name}”, and no fewer than before."
                yield Reading("backlog", text, float(waiting), node.name, node.name)


def _courts(measures: Measures) -> Iterator[Reading]:
    """How long each court has been silent while its clock runs."""
    nodes = {node.name: node for node in measures.situation.nodes}
    # What waits in a journal is not silence, and neither is what nobody recorded.
    known = all(
        node.ledger.backlog < ON_THEIR_WAY
        and (row := nodes.get(node.name)) is not None
        and row.is_recording(measures.at)
        for node in measures.in_use
    )
    for court in measures.courts:
        if court.clock_running and court.silent is not None:
            silent = court.silent.total_seconds()
            lasted = duration_text(silent * 1000)
            text = f"{court.court} has sent nothing for {lasted}, but its match clock runs."
            yield Reading(
                "court_silent", text, silent, f"court:{court.court.pk}", str(court.court), known=known
            )


def _listeners(measures: Measures) -> Iterator[Reading]:
    rate = measures.rate_now
    yield Reading(
        "event_rate", f"{rate or 0:,.0f} events arrive each second.", rate or 0, known=rate is not None
    )
    for node in measures.in_use:
        about = node.name, node.name
        if node.ledger.trouble:
            yield Reading("not_recording", f"“{node.name}”: {node.ledger.trouble}", 1.0, *about)
        if node.drops_minute:
            text = f"The system dropped {node.drops_minute:,} datagrams before “{node.name}” could take them."
            yield Reading("kernel_drops", text, float(node.drops_minute), *about)
        if node.database is None:
            yield Reading("database_latency", "", 0.0, *about, known=False)
        else:
            text = f"The database takes {node.database.p95:,.0f} ms to write what “{node.name}” received."
            yield Reading("database_latency", text, node.database.p95, *about)


def _machines(measures: Measures) -> Iterator[Reading]:
    """Memory and disk of the listeners' machines, and of this one when it is none of them."""
    for node in measures.in_use:
        yield from _machine(node.name, f"the machine of “{node.name}”", node.memory_percent, node.disk_free)
    if settings.INGEST_NODE not in {node.name for node in measures.in_use}:
        free = None
        with suppress(OSError):
            free = shutil.disk_usage(settings.RESTRIKE_VAR).free
        yield from _machine("", socket.gethostname(), psutil.virtual_memory().percent, free)


def _machine(subject: str, name: str, memory: float | None, free: int | None) -> Iterator[Reading]:
    about = subject, subject or name
    if memory is None:
        yield Reading("memory", "", 0.0, *about, known=False)
    else:
        yield Reading("memory", f"{memory:.0f} % of the memory of {name} is in use.", memory, *about)
    if free is None:
        yield Reading("disk_low", "", 0.0, *about, known=False)
    else:
        text = f"{free / 1e9:,.1f} GB are left on the disk of {name}."
        yield Reading("disk_low", text, free / 1e9, *about)


def _error_rate(now: datetime) -> Iterator[Reading]:
    counts = EventTally.objects.filter(minute__gt=now - ERRORS_OVER).by("status")
    total, wrong = sum(counts.values()), sum(counts.get(status.value, 0) for status in _NOT_READ)
    # In fewer, one message that cannot be read would be a share worth telling.
    if total >= ENOUGH_MESSAGES:
        text = f"{wrong:,} of the last {total:,} messages cannot be read."
        yield Reading("error_rate", text, 100 * wrong / total)


# --- Slowly ------------------------------------------------------------------------------------------


def _full_days() -> Iterator[Reading]:
    """The fullest day of each tournament that still has events outside the archive."""
    totals = HourTally.objects.exclude(day=None).by("day")
    live = PssEvent.objects.filter(tournament=OuterRef("tournament"), day=OuterRef("pk"))
    days = TournamentDay.objects.filter(Exists(live), pk__in=totals).select_related("tournament")
    fullest: dict[int, TournamentDay] = {}
    for day in sorted(days, key=lambda day: totals[day.pk]):
        fullest[day.tournament_id] = day
    for pk, day in fullest.items():
        count = totals[day.pk]
        yield Reading(
            "day_events",
            f"{day.tournament} has {count:,} events on day {day.number}.",
            float(count),
            f"tournament:{pk}",
            str(day.tournament),
        )


def _backups(situation: Situation) -> Iterator[Reading]:
    """Whether the tournaments in force have a good backup of what was heard."""
    since: dict[Tournament, datetime] = {}
    first_set = {change.day_id: change.effective_at for change in reversed(situation.timeline.changes())}
    for item in situation.in_force:
        tournament, moment = item.day.tournament, first_set.get(item.day.pk, situation.now)
        since[tournament] = min(moment, since.get(tournament, moment))
    made = Backup.objects.filter(slug__in=[t.slug for t in since]).exclude(kind=BackupKind.UPLOADED)
    newest: dict[str, Backup] = {}
    good: dict[str, datetime] = {}
    for backup in made.order_by("made_at", "id").only("slug", "made_at", "verified_at", "error"):
        newest[backup.slug] = backup
        if backup.verified_at is not None:
            good[backup.slug] = backup.made_at
    heard = UdpSession.objects.aggregate(last=Max("last_event_at"))["last"]
    for tournament, moment in since.items():
        about = f"tournament:{tournament.pk}", str(tournament)
        last = good.get(tournament.slug)
        if heard is not None and heard > (last or moment):
            minutes = (situation.now - (last or moment)).total_seconds() / 60
            text = f"There is no good backup of {tournament} yet."
            if last is not None:
                text = f"The last good backup of {tournament} is {duration_text(minutes * 60_000)} old."
            yield Reading("backup_old", text, minutes, *about)
        attempt = newest.get(tournament.slug)
        if attempt is not None and attempt.verified_at is None:
            text = f"The last backup of {tournament} was not verified."
            if attempt.error:
                text = f"The last backup of {tournament} failed. {attempt.error}"
            yield Reading("backup_unverified", text, 1.0, *about)
