"""The loss ledger of courts and matches: what is stored of each, and what may be missing.

What is stored is counted exactly, and adds up: courts, senders without a court and test datagrams are
together what the listener stored. What is missing can only be bounded: the system drops a datagram before
anybody knows whose it is, and what was sent while no socket was open is not known at all. So every court and
every match that was heard around such a time is told "up to so many", and the others that no loss is known.
Nothing here ever says that all is there: what was lost before it reached this machine shows nowhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Max, Q, Sum
from django.utils import timezone

from events.measure import NodeLedger, ledger_reader
from events.models import EventTally, ListenerNode, Loss, Match, UdpSession
from events.words import duration_text
from tournaments.models import ContextChange, Court

Span = tuple[datetime, datetime]

#: Messages of a load come within this time, in any order.
_LOAD = timedelta(seconds=2)
#: An importer says each second that it lives.
_STANDS = timedelta(seconds=5)


@dataclass(frozen=True)
class Missed:
    """What may be missing of something: at most so many datagrams, and what was sent in so much time.

    `damaged`: places of the journal that could not be read; whose, and of when, is not known. `silent_ms`:
    the listener has not said that it records, until now; what it missed shows when it is back.
    `came_back`: from a backup, which holds no losses.
    """

    drops: int = 0
    blind_ms: int = 0
    damaged: int = 0
    silent_ms: int = 0
    came_back: bool = False

    def __bool__(self) -> bool:
        return bool(self.drops or self.blind_ms or self.damaged or self.silent_ms or self.came_back)

    @property
    def sentences(self) -> list[str]:
        said = []
        if self.drops:
            said.append(f"Up to {self.drops:,} datagrams were dropped by the system; whose is not known.")
        if self.blind_ms:
            said.append(
                f"For {duration_text(self.blind_ms)} nothing was listening; what was sent then is not known."
            )
        if self.damaged:
            places = "1 place" if self.damaged == 1 else f"{self.damaged:,} places"
            said.append(f"{places} of the journal could not be read; whose is not known.")
        if self.silent_ms:
            said.append(
                f"For {duration_text(self.silent_ms)} the listener has not said that it records; "
                "whether what was sent then is recorded is not known."
            )
        if self.came_back:
            said.append("It came from a backup, which does not hold what was missed where it was recorded.")
        return said


@dataclass(frozen=True)
class CourtLedger:
    """One court at one listener, in datagrams. `court` None: senders without one.

    `received` is None while some of the listener's wait to be stored: whose they are is not known yet.
    """

    court: Court | None
    stored: int
    received: int | None
    missed: Missed

    def as_dict(self) -> dict[str, Any]:
        """For `manage.py status --json`."""
        return {
            "court": self.court.number if self.court else None,
            "received": self.received,
            "stored": self.stored,
            "kernel_drops_up_to": self.missed.drops,
            "blind_seconds_up_to": round(self.missed.blind_ms / 1000, 3),
            "damaged_up_to": self.missed.damaged,
            "silent_seconds_up_to": round(self.missed.silent_ms / 1000, 3),
        }


@dataclass(frozen=True)
class ListenerLedger:
    """One listener over all its journals, in datagrams, by court.

    `elsewhere` is what it stored and no court shows: not zero where a tournament was deleted since, or
    brought in from a backup (then it may be negative), and a mistake otherwise.
    """

    node: NodeLedger
    stored: int
    tests: int
    courts: list[CourtLedger]

    @property
    def received(self) -> int:
        return self.stored + self.node.backlog + self.node.difference

    @property
    def elsewhere(self) -> int:
        return self.stored - self.tests - sum(court.stored for court in self.courts)

    def as_dict(self) -> dict[str, Any]:
        """For `manage.py status --json`."""
        return {
            "node": self.node.name,
            "received": self.received,
            "stored": self.stored,
            "backlog": self.node.backlog,
            "tests": self.tests,
            "elsewhere": self.elsewhere,
            "kernel_drops": self.node.kernel_drops,
            "blind_seconds": round(self.node.blind_ms / 1000, 3),
            "damaged": self.node.damaged,
            "courts": [court.as_dict() for court in self.courts],
        }


def read(now: datetime | None = None) -> list[ListenerLedger]:
    """Every listener that ever stored something, by court; five queries. DatabaseError as ever."""
    now = now or timezone.now()
    rows = {node.name: node for node in ListenerNode.objects.all()}
    courts = Court.objects.in_bulk()
    stored = UdpSession.objects.order_by().values_list("node__name", "court").annotate(Sum("datagrams"))
    by_node: dict[str, dict[int | None, int]] = {}
    for name, court, datagrams in stored:
        by_node.setdefault(name, {})[court] = datagrams or 0
    missed = _missed_by_court(now, _silences(rows.values(), now))
    return [
        _listener(ledger, rows[ledger.name], by_node.get(ledger.name, {}), courts, missed)
        for ledger in ledger_reader().nodes()
        if ledger.name in rows
    ]


def _listener(
    ledger: NodeLedger,
    row: ListenerNode,
    stored: dict[int | None, int],
    courts: dict[int, Court],
    missed: dict[tuple[str, int | None], Missed],
) -> ListenerLedger:
    def key(pk: int | None) -> tuple[bool, int]:
        return (pk is None, courts[pk].number if pk is not None else 0)

    whole = ledger.backlog == 0 and ledger.difference == 0
    return ListenerLedger(
        node=ledger,
        stored=ledger.stored + sum(place[3] for place in row.earlier.values()),
        tests=row.tests,
        courts=[
            CourtLedger(
                court=courts[pk] if pk is not None else None,
                stored=stored[pk],
                received=stored[pk] if whole else None,
                missed=_with_damage(missed.get((row.name, pk), Missed()), row.damaged),
            )
            for pk in sorted(stored, key=key)
        ],
    )


def _with_damage(missed: Missed, damaged: int) -> Missed:
    return replace(missed, damaged=damaged)


def _silences(rows: Iterable[ListenerNode], now: datetime) -> dict[str, datetime]:
    """Since when each listener that does not record now, as far as is known, has not said that it does."""
    reader = ledger_reader()
    return {
        row.name: row.recorder_seen_at
        for row in rows
        if row.recorder_seen_at is not None
        and not (row.is_recording(now) or reader.is_recording_here(row.name))
    }


def _missed_by_court(now: datetime, silences: dict[str, datetime]) -> dict[tuple[str, int | None], Missed]:
    """By listener and court. A court counts as heard from one idle time before to one after its sessions."""
    losses = list(Loss.objects.order_by("begin"))
    if not losses and not silences:
        return {}
    idle = timedelta(seconds=settings.SESSION_IDLE_S)
    earliest = min([*silences.values(), *(loss.begin for loss in losses[:1])])
    sessions = UdpSession.objects.filter(Q(ended_at=None) | Q(last_event_at__gte=earliest - idle))
    heard: dict[tuple[str, int | None], dict[int, list[Span]]] = {}
    columns = ("node__name", "court", "local_port", "started_at", "last_event_at", "ended_at")
    for name, court_id, local_port, started, last, ended in sessions.values_list(*columns).iterator():
        until = (last if ended else max(now, last)) + idle
        heard.setdefault((name, court_id), {}).setdefault(local_port, []).append((started - idle, until))
    found: dict[tuple[str, int | None], Missed] = {}
    for (node, court), ports in heard.items():
        merged = {port: _merged(spans) for port, spans in ports.items()}
        mine = [
            loss
            for loss in losses
            if loss.node == node
            and any(
                _meets(spans, loss.begin, loss.end)
                for port, spans in merged.items()
                if loss.port is None or loss.port == port
            )
        ]
        # A session that nobody has ended reaches until now; of others, what followed within an idle time.
        until = max(spans[-1][1] for spans in merged.values())
        found[node, court] = Missed(
            drops=sum(loss.datagrams for loss in mine),
            blind_ms=sum(loss.blind_ms for loss in mine),
            silent_ms=_milliseconds(silences.get(node, now), min(until, now)),
        )
    return found


def _milliseconds(begin: datetime, end: datetime) -> int:
    """From one moment to another; 0 when it is not later."""
    return max((end - begin) // timedelta(milliseconds=1), 0)


def _merged(spans: Iterable[Span]) -> list[Span]:
    """The same time in spans that do not touch, in order."""
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _meets(spans: list[Span], begin: datetime, end: datetime) -> bool:
    """Whether one of the spans, which are in order, has a moment in common with this one."""
    place = bisect_left(spans, begin, key=lambda span: span[1])
    return place < len(spans) and spans[place][0] <= end


# --- One match -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MatchLedger:
    """`stored`: messages of the match. `waiting`: datagrams not stored yet of which some may be its own."""

    stored: int
    waiting: int
    begin: datetime
    end: datetime
    is_over: bool
    missed: Missed


def of_match(match: Match, now: datetime | None = None) -> MatchLedger:
    """Always the same number of queries, and one more while an importer stands still.

    A match reaches from its load to the next one on its court, but no longer than an idle time after
    its end or its last message: what was said in between may have been its own.
    """
    now = now or timezone.now()
    idle = timedelta(seconds=settings.SESSION_IDLE_S)
    told = EventTally.objects.filter(match=match).aggregate(events=Sum("events"), last=Max("minute"))
    following = (
        Match.objects.filter(court=match.court_id, loaded_at__gt=match.loaded_at)
        .order_by("loaded_at")
        .values_list("loaded_at", flat=True)
        .first()
        if match.court_id is not None
        else None
    )
    last = told["last"] + timedelta(minutes=1) if told["last"] else match.loaded_at
    end = min(max(last, match.ended_at or last) + idle, following or now + idle)
    begin = match.loaded_at - _LOAD
    sessions = UdpSession.objects.filter(started_at__lte=end, last_event_at__gte=begin - idle)
    if match.court_id is not None:
        sessions = sessions.filter(court=match.court_id)
    heard = set(sessions.values_list("node__name", "local_port"))
    nodes = {name for name, _ in heard}
    losses = [
        loss
        for loss in Loss.objects.filter(node__in=nodes, begin__lte=end, end__gte=begin)
        if loss.port is None or (loss.node, loss.port) in heard
    ]
    named = ListenerNode.objects.filter(name__in=nodes)
    rows: list[Any] = list(named.annotate(heard=Max("sessions__last_event_at")))
    # Of an importer that stands still the journal knows better how much waits.
    standing = any(row.importer_seen_at is None or now - row.importer_seen_at > _STANDS for row in rows)
    backlogs = {row.name: row.backlog for row in rows}
    if standing:
        backlogs |= {ledger.name: ledger.backlog for ledger in ledger_reader().nodes()}
    return MatchLedger(
        stored=told["events"] or 0,
        # Stored in the order received: behind what was stored last nothing of an earlier time waits.
        waiting=sum(backlogs[row.name] for row in rows if row.heard is None or row.heard <= end),
        begin=begin,
        end=min(end, now),
        is_over=bool(match.ended_at or following),
        missed=Missed(
            drops=sum(loss.datagrams for loss in losses),
            blind_ms=sum(_blind_within(loss, [(begin, end)]) for loss in losses),
            damaged=sum(row.damaged for row in rows),
            silent_ms=max(
                (_milliseconds(max(since, begin), min(end, now)) for since in _silences(rows, now).values()),
                default=0,
            ),
            came_back=match.day_id is not None and _came_back([match.day_id]),
        ),
    )


def _came_back(days: Iterable[int]) -> bool:
    """Whether a tournament of these days was restored, here or on another machine."""
    restored = ContextChange.everything.filter(restored=True, day__tournament__days__in=list(days))
    return restored.exists()


def within(spans: Iterable[Span], days: Iterable[int]) -> Missed:
    """What may be missing of these days, sent in this time on any court; two queries at most."""
    merged = _merged(spans)
    if not merged:
        return Missed()
    losses = [
        loss
        for loss in Loss.objects.filter(begin__lte=merged[-1][1], end__gte=merged[0][0])
        if _meets(merged, loss.begin, loss.end)
    ]
    return Missed(
        drops=sum(loss.datagrams for loss in losses),
        blind_ms=sum(_blind_within(loss, merged) for loss in losses),
        came_back=_came_back(days),
    )


def _blind_within(loss: Loss, spans: Iterable[Span]) -> int:
    """Milliseconds of a blind time that can fall into these spans, which do not touch, at most."""
    common = sum(_milliseconds(max(loss.begin, begin), min(loss.end, end)) for begin, end in spans)
    return min(loss.blind_ms, common)
