"""Changing totals afterwards, when stored events move to another day or are read anew.

The importer only ever adds. Here counts also go down, and a row that reaches zero stays, since the
importer may be about to add to it. `processing_ms_max` of a minute that gave some of its events
away is an upper bound.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from django.db import connections

from events.models import EventTally

MINUTES_PER_QUERY = 500

_SHIFT = """
UPDATE events_eventtally SET
    processing_ms_sum = CASE WHEN events + %s = 0 THEN 0 ELSE processing_ms_sum + %s END,
    processing_ms_max = CASE WHEN events + %s = 0 THEN 0
        WHEN processing_ms_max > %s THEN processing_ms_max ELSE %s END,
    events = events + %s
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


class Amount(NamedTuple):
    """How many events, and of their processing time the sum and the maximum, in ms."""

    events: int
    ms_sum: float
    ms_max: float

    def plus(self, other: Amount) -> Amount:
        return Amount(self.events + other.events, self.ms_sum + other.ms_sum, max(self.ms_max, other.ms_max))

    def negative(self) -> Amount:
        return Amount(-self.events, -self.ms_sum, 0.0)


def minute_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def shift_tallies(changes: Mapping[Key, Amount], *, using: str = "default") -> None:
    """Adds the amounts, negative ones too, to the tallies. Call it in the transaction of the events.

    A few queries for each `MINUTES_PER_QUERY` different minutes.
    """
    changes = {key: amount for key, amount in changes.items() if amount.events}
    minutes = sorted({key.minute for key in changes})
    for first in range(0, len(minutes), MINUTES_PER_QUERY):
        chunk = set(minutes[first : first + MINUTES_PER_QUERY])
        _shift({key: amount for key, amount in changes.items() if key.minute in chunk}, chunk, using)


def _shift(changes: Mapping[Key, Amount], minutes: Collection[datetime], using: str) -> None:
    rows = _rows(changes, minutes, using)
    updates: list[tuple[float, ...]] = []
    missing: list[EventTally] = []
    for key, amount in changes.items():
        if amount.events > 0 and key not in rows:
            missing.append(
                EventTally(
                    **key._asdict(),
                    events=amount.events,
                    processing_ms_sum=amount.ms_sum,
                    processing_ms_max=amount.ms_max,
                )
            )
        else:
            updates.extend(_spread(amount, rows[key]))
    with connections[using].cursor() as cursor:
        cursor.executemany(_SHIFT, updates)
    EventTally.objects.using(using).bulk_create(missing)


def _rows(
    changes: Iterable[Key], minutes: Collection[datetime], using: str
) -> dict[Key, list[tuple[int, int]]]:
    """key -> (id, events) of its rows, locked; a key has one row for each listener that counted it."""
    found: dict[Key, list[tuple[int, int]]] = defaultdict(list)
    days = {key.day_id for key in changes}
    tallies = EventTally.objects.using(using).filter(
        minute__in=minutes,
        kind__in={key.kind for key in changes},
        status__in={key.status for key in changes},
    )
    in_days = tallies.filter(day_id__in=[day for day in days if day is not None])
    if None in days:
        in_days |= tallies.filter(day_id=None)
    columns = ("id", "events", "day_id", "court_id", "match_id", "kind", "status", "minute")
    for pk, events, *key in in_days.order_by("id").select_for_update().values_list(*columns):
        found[Key(*key)].append((pk, events))
    return dict(found)


def _spread(amount: Amount, rows: list[tuple[int, int]]) -> list[tuple[float, ...]]:
    """Parameters of `_SHIFT`: an addition goes to the first row, a loss to as many as it takes."""
    if amount.events > 0:
        shares = [(rows[0][0], amount.events)]
    else:
        shares, left = [], -amount.events
        for pk, events in rows:
            share = min(events, left)
            left -= share
            if share:
                shares.append((pk, -share))
        if left:
            raise ValueError(f"The totals hold {left} events less than are to be taken from them.")
    return [
        (n, amount.ms_sum * n / amount.events, n, amount.ms_max, amount.ms_max, n, pk) for pk, n in shares
    ]
