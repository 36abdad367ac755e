"""Changing totals afterwards, when stored events move to another day or are read anew.

The importer only ever adds. Here counts also go down, and a row that reaches zero stays, since the
importer may be about to add to it. `processing_ms_max` of a minute that gave some of its events
away is an upper bound. The totals by the hour follow those by the minute.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from django.db import connections
from django.db.models import Q

from events.kinds import Kind
from events.models import EventTally, HourTally

TIMES_PER_QUERY = 500

_SHIFT = """
UPDATE {table} SET
    processing_ms_sum = CASE WHEN events + %s = 0 THEN 0 ELSE processing_ms_sum + %s END,
    processing_ms_max = CASE WHEN events + %s = 0 THEN 0
        WHEN processing_ms_max > %s THEN processing_ms_max ELSE %s END,
    {sums}
WHERE id = %s
"""


class Key(NamedTuple):
    """What a tally counts; `minute` is the start of the minute, UTC."""

    day_id: int | None
    court_id: int | None
    match_id: int | None
    kind: str
    status: str
    minute: datetime


class HourKey(NamedTuple):
    """What an hourly tally counts; `hour` is the start of the hour, UTC."""

    day_id: int | None
    court_id: int | None
    status: str
    hour: datetime


class Amount(NamedTuple):
    """How many events, and of their processing time the sum and the maximum, in ms.

    `points` is how many of the events are of the kind point; only hourly tallies have it.
    """

    events: int
    ms_sum: float
    ms_max: float
    points: int = 0

    def plus(self, other: Amount) -> Amount:
        return Amount(
            self.events + other.events,
            self.ms_sum + other.ms_sum,
            max(self.ms_max, other.ms_max),
            self.points + other.points,
        )

    def negative(self) -> Amount:
        return Amount(-self.events, -self.ms_sum, 0.0, -self.points)


NOTHING: Final = Amount(0, 0.0, 0.0)
_Model = type[EventTally] | type[HourTally]
_AnyKey = Key | HourKey


def minute_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def shift_tallies(changes: Mapping[Key, Amount], *, using: str = "default") -> None:
    """Adds the amounts, negative ones too, to the tallies. Call it in the transaction of the events.

    A few queries for each `TIMES_PER_QUERY` different minutes.
    """
    _shift_all(EventTally, Key, changes, using)
    shift_hours(changes, using=using)


def shift_hours(changes: Mapping[Key, Amount], *, using: str = "default") -> None:
    """The same for the hourly tallies alone, where those by the minute have been changed already."""
    hours: dict[HourKey, Amount] = defaultdict(lambda: NOTHING)
    for key, amount in changes.items():
        points = amount.events if key.kind == Kind.POINT else 0
        hour = HourKey(key.day_id, key.court_id, key.status, key.minute.replace(minute=0))
        hours[hour] = hours[hour].plus(amount._replace(points=points))
    _shift_all(HourTally, HourKey, hours, using)


def _shift_all(model: _Model, made: type[_AnyKey], changes: Mapping[Any, Amount], using: str) -> None:
    changes = {key: amount for key, amount in changes.items() if amount.events or amount.points}
    times = sorted({key[-1] for key in changes})
    for first in range(0, len(times), TIMES_PER_QUERY):
        chunk = set(times[first : first + TIMES_PER_QUERY])
        _shift(model, made, {key: amount for key, amount in changes.items() if key[-1] in chunk}, using)


def _shift(model: _Model, made: type[_AnyKey], changes: Mapping[Any, Amount], using: str) -> None:
    counts = [name for name in ("events", "points") if hasattr(model, name)]
    rows = _rows(model, made, counts, changes, using)
    updates: list[tuple[float, ...]] = []
    missing: list[Any] = []
    for key, amount in changes.items():
        if amount.events > 0 and key not in rows:
            row = model(**key._asdict(), processing_ms_sum=amount.ms_sum, processing_ms_max=amount.ms_max)
            for name in counts:
                setattr(row, name, getattr(amount, name))
            missing.append(row)
        else:
            updates.extend(_spread(amount, rows.get(key, []), len(counts)))
    sums = ", ".join(f"{name} = {name} + %s" for name in counts)
    with connections[using].cursor() as cursor:
        cursor.executemany(_SHIFT.format(table=model._meta.db_table, sums=sums), updates)
    model._base_manager.using(using).bulk_create(missing)


def _rows(
    model: _Model, made: type[_AnyKey], counts: list[str], changes: Iterable[Any], using: str
) -> dict[Any, list[tuple[int, ...]]]:
    """key -> (id, *counts) of its rows, locked; a key has one row for each listener that counted it."""
    found: dict[Any, list[tuple[int, ...]]] = defaultdict(list)
    days = {key.day_id for key in changes}
    in_days = Q(day_id__in=days - {None})
    if None in days:
        in_days |= Q(day_id__isnull=True)
    # By what finds them quickly; of courts and matches there can be too many to name.
    named = [name for name in made._fields if name in ("kind", "status", "minute", "hour")]
    among = {f"{name}__in": {getattr(key, name) for key in changes} for name in named}
    rows = model._base_manager.using(using).filter(in_days, **among).order_by("id").select_for_update()
    for pk, *rest in rows.values_list("id", *counts, *made._fields):
        found[made(*rest[len(counts) :])].append((pk, *rest[: len(counts)]))
    return dict(found)


def _spread(amount: Amount, rows: list[tuple[int, ...]], counts: int) -> list[tuple[float, ...]]:
    """Parameters of `_SHIFT`: an addition goes to the first row, a loss to as many as it takes."""
    shares = [[0] * counts for _ in rows]
    for place, wanted in enumerate((amount.events, amount.points)[:counts]):
        if wanted > 0 and rows:
            shares[0][place] = wanted
            continue
        left = abs(wanted)
        for share, (_, *held) in zip(shares, rows, strict=True):
            share[place] = -min(held[place], left)
            left += share[place]
        if left:
            raise ValueError(f"The totals hold {left} events less than are to be taken from them.")
    return [
        (n, amount.ms_sum * n / amount.events if n else 0, n, amount.ms_max, amount.ms_max, n, *more, pk)
        for (n, *more), (pk, *_) in zip(shares, rows, strict=True)
        if n or any(more)
    ]
