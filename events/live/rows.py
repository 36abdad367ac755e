"""One event as the live page gets it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from django.db import connections

from events.kinds import Kind
from events.models import PssEvent
from events.querysets import PssEventQuerySet
from events.words import describe

# Longer raw text is cut in the stream and shown whole in the drawer: one hostile datagram of 64 KB
# for each of a thousand rows of each court would otherwise be kept and sent to everyone.
RAW_LIMIT = 300

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ECHO = Kind.ECHO.value
_CLOCKS = frozenset({Kind.CLOCK, Kind.BREAK, Kind.INJURY, Kind.TIME_OUT})


class Row(NamedTuple):
    """The stored columns the feed needs; has what `events.scoreboard` and `events.words` read."""

    id: int
    session_id: int
    sequence: int
    court_id: int | None
    tournament_id: int | None
    day_id: int | None
    match_id: int | None
    match_number: str | None
    stream: str
    kind: str
    athlete: int
    value: int | None
    round: int | None
    clock_ms: int | None
    details: dict[str, Any]
    raw: str
    status: str
    error: str
    received_at: datetime

    @property
    def received_us(self) -> int:
        """Microseconds since 1970."""
        return (self.received_at - _EPOCH) // _MICROSECOND

    @property
    def is_tick(self) -> bool:
        """A clock that only says how late it is, or what was said already: folded away unless asked for."""
        return self.kind == _ECHO or (self.kind in _CLOCKS and not self.details.get("action"))


_COLUMNS = tuple("match__number" if name == "match_number" else name for name in Row._fields)


_from_json = msgspec.json.Decoder(dict[str, Any]).decode


def fetch(events: PssEventQuerySet) -> list[Row]:
    """The rows of a query set, in one query, in the order of their keys.

    Past Django's own conversions, which take longer than all else when a feed starts with 20,000 rows.
    """
    sql, params = events.values_list(*_COLUMNS).query.get_compiler(events.db).as_sql()
    with connections[events.db].cursor() as cursor:
        cursor.execute(sql, params)
        return sorted(map(_row, cursor.fetchall()), key=itemgetter(0))


def _row(told: tuple[Any, ...]) -> Row:
    *columns, details, raw, status, error, received_at = told
    # SQLite gives times as they are stored, in UTC and without saying so.
    return Row._make((*columns, _from_json(details), raw, status, error, received_at.replace(tzinfo=UTC)))


def all_events() -> PssEventQuerySet:
    return PssEvent.objects.all()


def encode(row: Row, round_now: int | None = None, clock_now: int | None = None) -> str:
    """The row as JSON text.

    `time` is epoch milliseconds, `clock` milliseconds of the match clock. Most messages name
    neither round nor clock: `round_now` and `clock_now` are those in force on the court then.
    """
    cut = len(row.raw) > RAW_LIMIT
    return to_json(
        {
            "id": row.id,
            "court": row.court_id,
            "tournament": row.tournament_id,
            "day": row.day_id,
            "match": {"id": row.match_id, "number": row.match_number or ""} if row.match_id else None,
            "time": row.received_us / 1000,
            "athlete": row.athlete,
            "kind": row.kind,
            "code": row.stream,
            "words": describe(row),
            "round": row.round if row.round is not None else round_now,
            "clock": row.clock_ms if row.clock_ms is not None else clock_now,
            "raw": row.raw[:RAW_LIMIT] if cut else row.raw,
            "cut": cut,
            "status": row.status,
            "error": row.error,
            "tick": row.is_tick,
        }
    )


def to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def join(texts: Iterable[str]) -> str:
    """JSON texts as one JSON array."""
    return f"[{','.join(texts)}]"
