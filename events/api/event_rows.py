"""One event as answers show it, read without making an instance of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet

from events.match_state import SIDE_NAMES
from events.words import describe

COLUMNS = (
    "id",
    "received_at",
    "tournament_id",
    "day_id",
    "court_id",
    "match_id",
    "session_id",
    "sequence",
    "athlete",
    "value",
    "round",
    "clock_ms",
    "raw",
    "status",
    "processing_ms",
    "stream",
    "kind",
    "error",
    "details",
)
_OF_READING = ("stream", "kind", "error", "details")
ARCHIVED_COLUMNS = (
    *(f"reading__{name}" if name in _OF_READING else name for name in COLUMNS),
    "own_details",
)


class Row(NamedTuple):
    """`COLUMNS`, and where it was found. Has what `events.words` reads."""

    id: int
    received_at: datetime
    tournament_id: int | None
    day_id: int | None
    court_id: int | None
    match_id: int | None
    session_id: int
    sequence: int
    athlete: int
    value: int | None
    round: int | None
    clock_ms: int | None
    raw: str
    status: str
    processing_ms: float
    stream: str
    kind: str
    error: str
    details: dict[str, Any]
    archived: bool

    @classmethod
    def read(cls, values: Sequence[Any], *, archived: bool) -> Row:
        if not archived:
            return cls._make((*values, False))
        *told, details, own = values
        return cls._make((*told, details if own is None else own, True))


def fetch(events: QuerySet[Any], *, archived: bool) -> Iterable[Row]:
    """In the order of the query set, in one query."""
    columns = ARCHIVED_COLUMNS if archived else COLUMNS
    return (Row.read(values, archived=archived) for values in events.values_list(*columns))


def event_of(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "received_at": row.received_at,
        "tournament": row.tournament_id,
        "day": row.day_id,
        "court": row.court_id,
        "match": row.match_id,
        "session": row.session_id,
        "sequence": row.sequence,
        "code": row.stream,
        "kind": row.kind,
        "athlete": SIDE_NAMES[row.athlete] if row.athlete in (1, 2) else None,
        "value": row.value,
        "round": row.round,
        "clock_ms": row.clock_ms,
        "details": row.details,
        "words": describe(row),
        "raw": row.raw,
        "status": row.status,
        "error": row.error,
        "processing_ms": row.processing_ms,
        "archived": row.archived,
    }
