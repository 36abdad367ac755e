"""Totals written beside the events, so that no page ever counts the events themselves."""

from __future__ import annotations

import re
from typing import Any

from django.db import connection

from events import bulk

Key = tuple[int | None, int | None, int | None, str, str, int]  # day, court, match, kind, status, minute

_TABLE = "events_eventtally"
_INSERT = (
    f"INSERT INTO {_TABLE} (id, day_id, court_id, match_id, kind, status, minute,"  # noqa: S608  a constant
    " events, processing_ms_sum, processing_ms_max) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_MINUTE_NS = 60_000_000_000

# Keys of the last minutes on every court; older ones are not written again.
_REMEMBERED = 20_000


class RowGone(Exception):
    """A tally row that was expected is no longer there: events were moved meanwhile."""


class Tallies:
    def __init__(self) -> None:
        self._ids: dict[Key, int] = {}

    def write(self, counts: dict[Key, list[float]]) -> None:
        """Adds `key -> [events, sum of processing ms, greatest]` to the totals, in two statements."""
        known = [(*counts[key], pk) for key in counts if (pk := self._ids.get(key)) is not None]
        fresh = [key for key in counts if key not in self._ids]
        if known:
            greatest = "max" if connection.vendor == "sqlite" else "greatest"
            with connection.cursor() as cursor:
                cursor.executemany(
                    f"UPDATE {_TABLE} SET events = events + %s,"  # noqa: S608  a constant
                    " processing_ms_sum = processing_ms_sum + %s,"
                    f" processing_ms_max = {greatest}(processing_ms_max, %s) WHERE id = %s",
                    known,
                )
                if cursor.rowcount != len(known):
                    raise RowGone
        if fresh:
            self._insert(fresh, counts)

    def _insert(self, keys: list[Key], counts: dict[Key, list[float]]) -> None:
        if len(self._ids) + len(keys) > _REMEMBERED:
            self._ids.clear()
        # A match makes a hundred of them: through model instances they would take a tenth of all time.
        ids = bulk.next_ids(connection, _TABLE, len(keys))
        with connection.cursor() as cursor:
            cursor.executemany(
                _INSERT,
                [
                    (pk, *key[:5], bulk.time_text(key[5] * _MINUTE_NS), *counts[key])
                    for pk, key in zip(ids, keys, strict=True)
                ],
            )
        self._ids.update(zip(keys, ids, strict=True))


_WORD = re.compile(r"[A-Za-z_]{1,12}\d{0,3}")
_NUMBER = re.compile(r"[+-]?\d+([.:]\d+)*")
_MAX_FIELDS = 12


def shape(raw: str) -> str:
    """What a message looks like: its code as it is, fields as N (number), A (text) or nothing.

    Bounded on purpose, so that a flood of noise makes few shapes: `foo1;12;abc;` is `foo1;N;A;`.
    """
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
