"""Stored messages through the parser in force: what it understands better now is written.

Each slice is a transaction of its own: events, totals, the figures of matches and the counts of
unknown messages change together, while no importer stores. What else a match's row says is not folded
again, but by an importer that is following the match.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from events import figures
from events.kinds import Kind, Status
from events.match_json import STREAM
from events.models import ListenerNode, PssEvent, UnknownMessage
from events.reader import Reader, ReadMessage
from events.tallies import Amount, Key, minute_of, shift_tallies

SLICE = 1000
UNREAD = (Status.UNKNOWN, Status.MALFORMED)
# What the importer adds to the details of a message: hits to their point, points to their hit.
_LINKS = {Kind.POINT: "hits", Kind.HIT: "points"}
# What the parser decides. Round and clock are left to the importer, who knows what came before.
_FIELDS = ("stream", "kind", "athlete", "value", "round", "clock_ms", "details", "status", "error")


@dataclass
class Outcome:
    """What came of it; `became` counts (status before, status after) of the events that changed."""

    read: int = 0
    changed: int = 0
    became: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: Outcome) -> None:
        self.read += other.read
        self.changed += other.changed
        self.became.update(other.became)


def reparse(
    events: QuerySet[PssEvent],
    reader: Reader,
    *,
    dry_run: bool = False,
    progress: Callable[[Outcome], None] | None = None,
    slice_size: int = SLICE,
) -> Outcome:
    """Reads `events` anew, in the order of their keys. With `dry_run` writes nothing.

    `progress` is told the outcome so far after each slice; what it raises ends the work between two.
    """
    total = Outcome()
    last = 0
    while True:
        with transaction.atomic():
            if not dry_run:
                ListenerNode.objects.hold()
            rows = list(
                events.filter(pk__gt=last)
                .select_related("session")
                .order_by("pk")
                .select_for_update(of=("self",))[:slice_size]
            )
            if not rows:
                return total
            total.add(_reparse_slice(rows, reader, dry_run))
        last = rows[-1].pk
        if progress is not None:
            progress(total)


def _reparse_slice(rows: list[PssEvent], reader: Reader, dry_run: bool) -> Outcome:
    outcome = Outcome(read=len(rows))
    changed: list[PssEvent] = []
    totals: dict[Key, Amount] = defaultdict(lambda: Amount(0, 0.0, 0.0))
    shapes: dict[str, _Shape] = {}
    matches: set[int] = set()
    for event in rows:
        messages = reader.read(event.raw, event.session.dialect)
        # A row is one message. One that is now read as several stays what it is.
        if len(messages) != 1 or not _differs(event, messages[0]):
            continue
        before, key = event.status, _key(event)
        counted = event.kind in figures.COUNTED
        _take_over(event, messages[0])
        if event.match_id is not None and (counted or event.kind in figures.COUNTED):
            matches.add(event.match_id)
        changed.append(event)
        outcome.became[before, event.status] += 1
        amount = Amount(1, event.processing_ms, event.processing_ms)
        totals[key] = totals[key].plus(amount.negative())
        totals[_key(event)] = totals[_key(event)].plus(amount)
        step = (event.status in UNREAD) - (before in UNREAD)
        if step:
            shape = reader.shape(event.raw)
            shapes.setdefault(shape, _Shape(event.raw, event.received_at)).count(step, event.received_at)
    outcome.changed = len(changed)
    if not dry_run and changed:
        PssEvent.objects.bulk_update(changed, _FIELDS, batch_size=200)
        shift_tallies(totals)
        figures.count(matches)
        _count_shapes(shapes)
    return outcome


def _key(event: PssEvent) -> Key:
    minute = minute_of(event.received_at)
    return Key(event.day_id, event.court_id, event.match_id, event.kind, event.status, minute)


def _read_fields(event: PssEvent, message: ReadMessage) -> Iterator[tuple[str, Any]]:
    """The fields as they would be stored now."""
    same_kind = event.kind == message.kind
    details = dict(message.details)
    link = _LINKS.get(Kind(message.kind))
    if same_kind and link in event.details:
        details[link] = event.details[link]
    kind = message.kind
    if message.stream == STREAM and kind != Kind.UNKNOWN and event.kind in (Kind.ECHO, Kind.UNKNOWN):
        # Only the importer, who heard both outputs of the court, says that something counts.
        again = {"again": True} if event.details.get("again") else {}
        details = {**details, "kind": kind, **again}
        kind = Kind.ECHO.value
    # Whose gam-jeom it was the importer told from the totals before.
    told_by_totals = same_kind and message.kind == Kind.GAM_JEOM
    yield "stream", message.stream
    yield "kind", kind
    yield "athlete", event.athlete if told_by_totals else message.athlete
    yield "value", event.value if told_by_totals else message.value
    yield "round", event.round if message.round is None else message.round
    yield "clock_ms", event.clock_ms if message.clock_ms is None else message.clock_ms
    yield "details", details
    yield "status", message.status
    yield "error", message.error


def _differs(event: PssEvent, message: ReadMessage) -> bool:
    return any(getattr(event, name) != value for name, value in _read_fields(event, message))


def _take_over(event: PssEvent, message: ReadMessage) -> None:
    for name, value in list(_read_fields(event, message)):
        setattr(event, name, value)


class _Shape:
    """How many messages of one shape became unread (or, below zero, read), and when they came."""

    def __init__(self, sample: str, received_at: datetime) -> None:
        self.sample = sample
        self.step = 0
        self.first = self.last = received_at

    def count(self, step: int, received_at: datetime) -> None:
        self.step += step
        self.first = min(self.first, received_at)
        self.last = max(self.last, received_at)


def _count_shapes(shapes: dict[str, _Shape]) -> None:
    for name, shape in shapes.items():
        if shape.step < 0:
            known = UnknownMessage.objects.filter(shape=name)
            if not known.filter(count__gte=-shape.step).update(count=F("count") + shape.step):
                known.update(count=0)
        elif shape.step > 0:
            unknown, made = UnknownMessage.objects.get_or_create(
                shape=name,
                defaults={
                    "count": shape.step,
                    "first_seen": shape.first,
                    "last_seen": shape.last,
                    "sample": shape.sample[:2000],
                },
            )
            if not made:
                UnknownMessage.objects.filter(pk=unknown.pk).update(count=F("count") + shape.step)
