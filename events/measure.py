"""All that is measured, as it is now: what the health page shows, `/metrics` tells and alerts are decided by.

    measures = read()          # always the same number of queries
    measures.rate_now, measures.node("main").latency, measures.courts[0].silent

What is counted (received, stored, drops …) comes from the ledger, which is asked first-hand; what takes
time to be measured (latencies, memory) from the samples of the last minute. `None` is always "not
known", never zero: nobody has measured it within the last half minute.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from typing import Protocol, TypeVar, cast

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from events.history import SECONDS, STEPS
from events.latency import Percentiles, merged
from events.models import Backup, ListenerNode, ListenerSample, UdpSession, WebSample
from events.situation import RETIRED, Situation
from tournaments.models import Court, Tournament, TournamentDay

MINUTE = timedelta(minutes=1)
#: An older sample says nothing of now: two spans and some seconds for writing.
FRESH = timedelta(seconds=2 * SECONDS + 5)
#: The span of `rate_peak`.
PEAK = STEPS[0].kept

T = TypeVar("T", int, float)


class NodeLedger(Protocol):
    """One listener's figures, by whoever knows them first-hand; see `ingest.ledger.NodeLedger`."""

    @property
    def name(self) -> str: ...
    @property
    def listen(self) -> list[str]: ...
    @property
    def received(self) -> int: ...
    @property
    def stored(self) -> int: ...
    @property
    def backlog(self) -> int: ...
    @property
    def kernel_drops(self) -> int: ...
    @property
    def blind_ms(self) -> int: ...
    @property
    def damaged(self) -> int: ...
    @property
    def difference(self) -> int: ...
    @property
    def receive_buffer(self) -> int: ...
    @property
    def recording(self) -> bool: ...
    @property
    def importing(self) -> bool: ...
    @property
    def trouble(self) -> str: ...


class _LedgerReader(Protocol):
    def nodes(self) -> Sequence[NodeLedger]: ...
    def is_recording_here(self, name: str) -> bool: ...


@dataclass(frozen=True)
class NodeMeasures:
    """One listener. Bytes, datagrams, events a second, milliseconds; None: not known."""

    ledger: NodeLedger
    #: It was taken away long ago, and another one runs.
    is_retired: bool
    rate_now: float | None
    rate_minute: float | None
    rate_peak: float | None
    latency: Percentiles | None
    database: Percentiles | None
    error_rate: float | None
    #: Kernel drops that were told of within the last minute.
    drops_minute: int
    memory_bytes: int | None
    memory_percent: float | None
    disk_free: int | None

    @property
    def name(self) -> str:
        return self.ledger.name


@dataclass(frozen=True)
class CourtMeasures:
    """One active court. `rates` are events a second in each ten seconds, oldest first; None: not measured."""

    court: Court
    last_heard: datetime | None
    clock_running: bool
    rates: list[float | None]
    now: datetime

    @property
    def silent(self) -> timedelta | None:
        """How long nothing was heard; None: nothing ever was."""
        return None if self.last_heard is None else max(self.now - self.last_heard, timedelta(0))


@dataclass(frozen=True)
class DayMeasures:
    """A tournament day in force.

    `last_backup` is the newest verified backup of its tournament, `failed_backup` a newer attempt.
    """

    day: TournamentDay
    last_backup: Backup | None
    failed_backup: Backup | None

    @property
    def tournament(self) -> Tournament:
        return self.day.tournament


@dataclass(frozen=True)
class Measures:
    """Everything at `at`. Totals are over the listeners that are in use."""

    at: datetime
    nodes: list[NodeMeasures]
    courts: list[CourtMeasures]
    days: list[DayMeasures]
    sessions: int
    #: None when no web process has said so lately.
    viewers: int | None
    web_memory_bytes: int | None
    situation: Situation = field(repr=False)

    @property
    def in_use(self) -> list[NodeMeasures]:
        return [node for node in self.nodes if not node.is_retired]

    def node(self, name: str) -> NodeMeasures:
        """KeyError when there is none."""
        return {node.name: node for node in self.nodes}[name]

    @property
    def is_recording(self) -> bool:
        return any(node.ledger.recording for node in self.nodes)

    @property
    def rate_now(self) -> float | None:
        return _sum(node.rate_now for node in self.in_use)

    @property
    def rate_minute(self) -> float | None:
        return _sum(node.rate_minute for node in self.in_use)

    @property
    def rate_peak(self) -> float | None:
        """Of one listener: those of several were not at the same moment."""
        return max((node.rate_peak for node in self.in_use if node.rate_peak is not None), default=None)

    @property
    def backlog(self) -> int:
        return sum(node.ledger.backlog for node in self.in_use)

    @property
    def error_rate(self) -> float | None:
        """Part (0 to 1) of the last minute's events that could not be read, of the worst listener."""
        return max((node.error_rate for node in self.in_use if node.error_rate is not None), default=None)

    @property
    def memory_percent(self) -> float | None:
        """Of the machine's memory in use, of the fullest machine."""
        return max(
            (node.memory_percent for node in self.in_use if node.memory_percent is not None), default=None
        )

    @property
    def disk_free(self) -> int | None:
        """Bytes, on the fullest machine."""
        return min((node.disk_free for node in self.in_use if node.disk_free is not None), default=None)

    @property
    def receive_buffer(self) -> int | None:
        """Bytes, of the listener that has the smallest: that one drops first."""
        return min(
            (node.ledger.receive_buffer for node in self.in_use if node.ledger.receive_buffer), default=None
        )


def ledger_reader() -> _LedgerReader:
    """The module that knows the journals, which this app may not import."""
    return cast(_LedgerReader, import_module(settings.LEDGER_READER))


def read(now: datetime | None = None, ledgers: Sequence[NodeLedger] | None = None) -> Measures:
    """What holds now. DatabaseError when the database does not answer.

    `ledgers`: of all listeners, for a caller who has read them a moment ago.
    """
    now = now or timezone.now()
    situation = Situation(now)
    since = now - timedelta(minutes=10)
    samples = list(ListenerSample.objects.filter(step=SECONDS, at__gt=since, at__lte=now).order_by("at"))
    web = list(WebSample.objects.filter(step=SECONDS, at__gt=now - FRESH).order_by("at"))
    newest_web = {sample.name: sample for sample in web}
    return Measures(
        at=now,
        nodes=_nodes(now, ledger_reader().nodes() if ledgers is None else ledgers, situation, samples),
        courts=_courts(now, situation, samples),
        days=_days(situation),
        sessions=UdpSession.objects.filter(ended_at=None).count(),
        viewers=_sum(sample.viewers for sample in newest_web.values()),
        web_memory_bytes=_sum(sample.memory_bytes for sample in newest_web.values()),
        situation=situation,
    )


def _nodes(
    now: datetime, ledgers: Sequence[NodeLedger], situation: Situation, samples: list[ListenerSample]
) -> list[NodeMeasures]:
    rows = {node.name: node for node in situation.nodes}
    peaks = dict(
        ListenerSample.objects.filter(step=STEPS[1].seconds, at__gt=now - PEAK, at__lte=now)
        .order_by()
        .values_list("name")
        .annotate(Max("peak"))
    )
    someone = any(ledger.recording for ledger in ledgers)
    return [
        _node(
            now,
            ledger,
            rows.get(ledger.name),
            [sample for sample in samples if sample.name == ledger.name],
            peaks.get(ledger.name),
            someone=someone,
        )
        for ledger in ledgers
    ]


def _node(
    now: datetime,
    ledger: NodeLedger,
    row: ListenerNode | None,
    samples: list[ListenerSample],
    peak: float | None,
    *,
    someone: bool,
) -> NodeMeasures:
    recent = [sample for sample in samples if sample.at > now - MINUTE - timedelta(seconds=SECONDS)]
    last = samples[-1] if samples and samples[-1].at > now - FRESH else None
    if last is None:
        recent = []
    events = sum(sample.events for sample in recent)
    covered_ms = sum(sample.covered_ms for sample in recent)
    seen = row.recorder_seen_at if row else None
    rate = row.rate if row and ledger.importing else None
    return NodeMeasures(
        ledger=ledger,
        is_retired=someone and not ledger.recording and (seen is None or now - seen > RETIRED),
        rate_now=rate,
        rate_minute=events * 1000 / covered_ms if covered_ms else None,
        # The minute that is not over yet has no row of its own.
        rate_peak=max(
            (value for value in (peak, rate, *(one.peak for one in recent)) if value is not None),
            default=None,
        ),
        latency=merged(sample.latency for sample in recent).percentiles(),
        database=merged(sample.database for sample in recent).percentiles(),
        error_rate=sum(sample.errors for sample in recent) / events if events else None,
        drops_minute=sum(sample.kernel_drops for sample in recent),
        memory_bytes=last.memory_bytes if last else None,
        memory_percent=last.memory_percent if last else None,
        disk_free=last.disk_free if last else None,
    )


def _courts(now: datetime, situation: Situation, samples: list[ListenerSample]) -> list[CourtMeasures]:
    heard = dict(UdpSession.objects.order_by().values_list("court").annotate(Max("last_event_at")))
    running = {court for node in situation.nodes for court in node.clocks}
    speaking = set(
        UdpSession.objects.filter(ended_at=None, court__in=running).values_list("court", flat=True)
    )
    spans = [now - timedelta(seconds=SECONDS * (n + 1)) for n in range(60)][::-1]
    first = int(spans[0].timestamp()) // SECONDS
    by_span: dict[int, Counter[str]] = {}
    for sample in samples:
        counts = by_span.setdefault(int(sample.at.timestamp()) // SECONDS, Counter())
        counts.update(sample.courts)
    found = []
    for court in situation.courts:
        key = str(court.pk)
        rates = [
            by_span[span][key] / SECONDS if span in by_span else None for span in range(first, first + 60)
        ]
        found.append(
            CourtMeasures(
                court=court,
                last_heard=heard.get(court.pk),
                # One whose session is over, by its word or by silence, plays no longer.
                clock_running=court.pk in running & speaking,
                rates=rates,
                now=now,
            )
        )
    return found


def _days(situation: Situation) -> list[DayMeasures]:
    verified: dict[str, Backup] = {}
    newest: dict[str, Backup] = {}
    slugs = {item.day.tournament.slug for item in situation.in_force}
    for backup in Backup.objects.filter(slug__in=slugs).order_by("made_at", "id"):
        newest[backup.slug] = backup
        if backup.verified_at is not None and not backup.error:
            verified[backup.slug] = backup
    measures = []
    for item in situation.in_force:
        slug = item.day.tournament.slug
        last, attempt = verified.get(slug), newest.get(slug)
        measures.append(
            DayMeasures(
                day=item.day,
                last_backup=last,
                failed_backup=attempt if attempt is not None and attempt.error and attempt != last else None,
            )
        )
    return measures


def _sum(values: Iterable[T | None]) -> T | None:
    """Of what is known; None when nothing is."""
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None
