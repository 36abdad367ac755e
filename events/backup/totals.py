"""Totals that a restore adds.

A merge counts them from the events, since both sides counted the old ones. Those by the hour are in no
backup: they follow the totals by the minute.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import models

from events import figures
from events.backup.rows import Reader
from events.backup.rules import Part
from events.models import EventTally
from events.tallies import NOTHING, Amount, Key, shift_hours, shift_tallies

_AMOUNT = ("events", "processing_ms_sum", "processing_ms_max")
_NEEDED = ("day_id", "court_id", "match_id", "kind", "status", "received_at", "processing_ms")


class TotalsOf:
    """Counts rows that are events, of whatever table."""

    def __init__(self) -> None:
        self.amounts: dict[tuple[Any, ...], Amount] = {}

    def count(self, part: Part, reader: Reader, rows: list[list[Any]]) -> None:
        """Adds rows that are not yet converted for the database."""
        places = {column.name: n for n, column in enumerate(reader.columns)}
        kind_of = self._kinds_elsewhere(reader, places, rows)
        if kind_of is not None:
            places["kind"] = places["reading_id"]
        if not all(name in places for name in _NEEDED):
            return
        *key_places, when, took = (places[name] for name in _NEEDED)
        for row in rows:
            day, court, match, kind, status = (row[n] for n in key_places)
            kind = kind_of[kind] if kind_of is not None else kind
            key = (day, court, match, kind, status, row[when][:16])
            amount = Amount(1, row[took], row[took])
            before = self.amounts.get(key)
            self.amounts[key] = before.plus(amount) if before else amount

    def _kinds_elsewhere(
        self, reader: Reader, places: dict[str, int], rows: list[list[Any]]
    ) -> dict[int, str] | None:
        """reading -> kind, of archived events, whose kind is in their reading; None for others."""
        place = places.get("reading_id")
        if place is None or "kind" in places:
            return None
        readings = reader.columns[place].target
        assert readings is not None
        used = {row[place] for row in rows}
        kinds = readings._base_manager.using(reader.using).filter(pk__in=used)
        return dict(kinds.values_list("pk", "kind"))


def add_totals(totals: TotalsOf, using: str) -> None:
    """Adds them to the tallies and counts the matches' figures anew, in the caller's transaction."""
    changes = {}
    for (day, court, match, kind, status, minute), amount in totals.amounts.items():
        moment = datetime.fromisoformat(minute).replace(tzinfo=UTC)
        changes[Key(day, court, match, kind, status, moment)] = amount
    shift_tallies(changes, using=using)
    figures.count(
        {key.match_id for key in changes if key.match_id is not None and key.kind in figures.COUNTED},
        using=using,
    )


def add_hours(reader: Reader, rows: list[list[Any]], changes: dict[Key, Amount]) -> None:
    """Notes totals by the minute that are about to be stored, for `shift_hours`: summed by the hour."""
    places = {column.name: n for n, column in enumerate(reader.columns)}
    *key_places, minute = (places[name] for name in Key._fields)
    amount_places = [places[name] for name in _AMOUNT]
    for row in rows:
        moment = datetime.fromisoformat(row[minute]).replace(tzinfo=UTC)
        key = _of_hour(Key._make([*(row[n] for n in key_places), moment]))
        changes[key] = changes.get(key, NOTHING).plus(Amount(*(row[n] for n in amount_places)))


def take_hours(doomed: models.QuerySet[EventTally], using: str) -> None:
    """Takes totals by the minute that are about to be deleted from those by the hour."""
    changes: dict[Key, Amount] = {}
    for *values, events, ms_sum, ms_max in doomed.order_by().values_list(*Key._fields, *_AMOUNT).iterator():
        key = _of_hour(Key._make(values))
        changes[key] = changes.get(key, NOTHING).plus(Amount(events, ms_sum, ms_max).negative())
    shift_hours(changes, using=using)


def _of_hour(key: Key) -> Key:
    return key._replace(match_id=None, minute=key.minute.replace(minute=0))
