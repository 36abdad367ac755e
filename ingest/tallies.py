"""Totals written beside the events, so that no page ever counts the events themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from django.db import connection

from events import bulk
from events.kinds import Kind
from ingest.protocol import jsons

Key = tuple[int | None, int | None, int | None, str, str, int]  # day, court, match, kind, status, minute
HourKey = tuple[int | None, int | None, str, int]  # day, court, status, hour
_K = TypeVar("_K", bound=tuple[Any, ...])

MINUTE_NS = 60_000_000_000
_POINT = Kind.POINT.value

# Keys of the last minutes on every court; older ones are not written again.
_REMEMBERED = 20_000


class ChangedMeanwhile(Exception):
    """A row is not as the importer left it: events were moved, read anew or deleted meanwhile."""


class Tallies:
    """The totals by minute and by hour."""

    def __init__(self) -> None:
        self._minutes = _Rows[Key](
            "events_eventtally", ("day_id", "court_id", "match_id", "kind", "status", "minute"), ("events",)
        )
        self._hours = _Rows[HourKey](
            "events_hourtally", ("day_id", "court_id", "status", "hour"), ("events", "points"), 60
        )

    def write(self, counts: Mapping[Key, Sequence[float]]) -> None:
        """Adds `key -> [events, sum of processing ms, greatest]` to the totals, in four statements."""
        self._minutes.write(counts)
        self._hours.write(_by_hour(counts))


def _by_hour(counts: Mapping[Key, Sequence[float]]) -> dict[HourKey, list[float]]:
    """key -> [events, points, sum of processing ms, greatest]"""
    hours: dict[HourKey, list[float]] = {}
    for (day_id, court_id, _, kind, status, minute), (events, ms_sum, ms_max) in counts.items():
        key = (day_id, court_id, status, minute // 60)
        points = events if kind == _POINT else 0
        if (hour := hours.get(key)) is None:
            hours[key] = [events, points, ms_sum, ms_max]
        else:
            hour[0] += events
            hour[1] += points
            hour[2] += ms_sum
            hour[3] = max(hour[3], ms_max)
    return hours


class _Rows(Generic[_K]):
    """One table of totals; the last column of a key is a time, in units of so many minutes."""

    def __init__(self, table: str, key: tuple[str, ...], counts: tuple[str, ...], minutes: int = 1) -> None:
        self._table = table
        self._unit_ns = minutes * MINUTE_NS
        columns = ("id", *key, *counts, "processing_ms_sum", "processing_ms_max")
        marks = ", ".join(["%s"] * len(columns))
        self._insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608  constants
        sums = (*counts, "processing_ms_sum")
        if connection.vendor == "sqlite":
            added = ", ".join(f"{name} = {name} + %s" for name in sums)
            self._add = (
                f"UPDATE {table} SET {added}, processing_ms_max = max(processing_ms_max, %s)"  # noqa: S608
                " WHERE id = %s"
            )
        else:
            added = ", ".join(f"{name} = tally.{name} + more.{name}" for name in sums)
            arrays = "%s::bigint[], " * len(counts) + "%s::float8[], %s::float8[], %s::bigint[]"
            self._add = (
                f"UPDATE {table} AS tally SET {added},"  # noqa: S608
                " processing_ms_max = greatest(tally.processing_ms_max, more.processing_ms_max)"
                f" FROM unnest({arrays}) AS more ({', '.join(sums)}, processing_ms_max, id)"
                " WHERE tally.id = more.id"
            )
        self._ids: dict[_K, int] = {}

    def write(self, counts: Mapping[_K, Sequence[float]]) -> None:
        known = [(*counts[key], pk) for key in counts if (pk := self._ids.get(key)) is not None]
        fresh = [key for key in counts if key not in self._ids]
        if known:
            with connection.cursor() as cursor:
                if connection.vendor == "sqlite":
                    cursor.executemany(self._add, known)
                else:
                    # One statement: each would be a message to the server and back.
                    cursor.execute(self._add, [list(column) for column in zip(*known, strict=True)])
                if cursor.rowcount != len(known):
                    raise ChangedMeanwhile
        if fresh:
            self._put(fresh, counts)

    def _put(self, keys: list[_K], counts: Mapping[_K, Sequence[float]]) -> None:
        if len(self._ids) + len(keys) > _REMEMBERED:
            self._ids.clear()
        # A match makes a hundred of them: through model instances they would take a tenth of all time.
        ids = bulk.next_ids(connection, self._table, len(keys))
        with connection.cursor() as cursor:
            cursor.executemany(
                self._insert,
                [
                    (pk, *key[:-1], bulk.time_text(key[-1] * self._unit_ns), *counts[key])
                    for pk, key in zip(ids, keys, strict=True)
                ],
            )
        self._ids.update(zip(keys, ids, strict=True))


_WORD = re.compile(r"[A-Za-z_]{1,12}\d{0,3}")
_NUMBER = re.compile(r"[+-]?\d+([.:]\d+)*")
_MAX_FIELDS = 12


def shape(raw: str) -> str:
    """What a message looks like: its code as it is, fields as N (number), A (text) or nothing.

    Bounded on purpose, so that a flood of noise makes few shapes: `foo1;12;abc;` is `foo1;N;A;`, and JSON
    `json;` with the name of its event.
    """
    if raw.startswith("{"):
        return jsons.shape(raw)
    code, *fields = raw.removesuffix("\\r\\n").split(";")
    if not _WORD.fullmatch(code):
        code = "(number)" if _NUMBER.fullmatch(code) else "(text)" if code else "(empty)"
    kinds = ["N" if _NUMBER.fullmatch(field) else "A" if field else "" for field in fields]
    if len(kinds) > _MAX_FIELDS:
        kinds[_MAX_FIELDS:] = ["…"]
    return ";".join([code, *kinds])


class UnknownShapes:
    """Counts messages nobody could read, by shape."""

    _UPSERT = (
        "INSERT INTO events_unknownmessage (shape, count, first_seen, last_seen, sample, notes)"
        " VALUES (%s, %s, %s, %s, %s, '') ON CONFLICT (shape) DO UPDATE SET"
        " count = events_unknownmessage.count + excluded.count, last_seen = excluded.last_seen"
    )

    def __init__(self) -> None:
        self._seen: dict[str, list[Any]] = {}

    def add(self, raw: str, received_ns: int) -> None:
        key = shape(raw)
        at = bulk.time_text(received_ns)
        entry = self._seen.setdefault(key, [key, 0, at, at, raw[:2000]])
        entry[1] += 1
        entry[3] = at

    def write(self) -> None:
        if self._seen:
            with connection.cursor() as cursor:
                cursor.executemany(self._UPSERT, list(self._seen.values()))
            self._seen.clear()
