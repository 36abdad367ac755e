"""The event table's fast way in: prepared statements for many rows.

Django's `bulk_create` builds an SQL text with a placeholder for every value of every row; measured
here it stores 6 to 7 thousand events a second. A prepared statement (SQLite) or `COPY` (PostgreSQL) stores
several times as many. Values are as the database takes them (`time_text`, JSON as text): rows are
tuples in the order of `COLUMNS`, or all one behind the other in one flat list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    from events.models import PssEvent

TABLE = "events_pssevent"
COLUMNS = (
    "session_id",
    "sequence",
    "court_id",
    "tournament_id",
    "day_id",
    "match_id",
    "stream",
    "kind",
    "athlete",
    "value",
    "round",
    "clock_ms",
    "details",
    "raw",
    "status",
    "error",
    "received_at",
    "processing_ms",
)
Row = tuple[Any, ...]

# SQLite gets so many rows in one statement: to begin and end a statement costs a fifth of a row.
_ROWS_AT_ONCE = 500

_NEXT_IDS = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"


def is_supported(connection: BaseDatabaseWrapper) -> bool:
    return connection.vendor in ("sqlite", "postgresql")


def insert_rows(connection: BaseDatabaseWrapper, rows: Sequence[Row]) -> range | list[int]:
    """Stores the rows and returns their ids, in order. Call it inside a transaction."""
    ids = next_ids(connection, TABLE, len(rows))
    values = chain.from_iterable((pk, *row) for pk, row in zip(ids, rows, strict=True))
    _insert(connection, ("id", *COLUMNS), list(values))
    return ids


def insert_values(connection: BaseDatabaseWrapper, values: list[Any]) -> None:
    """Stores rows whose values follow each other in one list. Call it inside a transaction."""
    _insert(connection, COLUMNS, values)


def insert_objects(connection: BaseDatabaseWrapper, objs: Sequence[PssEvent]) -> None:
    """Stores new events; like Django's `bulk_create` it sets their keys and marks them saved."""
    fields = [objs[0]._meta.get_field(name.removesuffix("_id")) for name in COLUMNS]
    rows = [
        tuple(field.get_db_prep_save(getattr(obj, field.attname), connection) for field in fields)  # type: ignore[union-attr]
        for obj in objs
    ]
    with transaction.atomic(using=connection.alias, savepoint=False):
        ids = insert_rows(connection, rows)
    for obj, pk in zip(objs, ids, strict=True):
        obj.pk = pk
        obj._state.adding = False
        obj._state.db = connection.alias


def next_ids(connection: BaseDatabaseWrapper, table: str, count: int) -> range | list[int]:
    """Keys for so many new rows of `table`. Call it inside the transaction that inserts them."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            # The transaction is IMMEDIATE, so no other writer can take these keys meanwhile.
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
            first = ((cursor.fetchone() or (0,))[0] or 0) + 1
            return range(first, first + count)
        cursor.execute(_NEXT_IDS, [f'"{table}"', count])
        return [pk for (pk,) in cursor.fetchall()]


@lru_cache(maxsize=64)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%S")


def time_text(time_ns: int) -> str:
    """Nanoseconds since 1970 as both databases take a UTC timestamp, cut to microseconds."""
    second, micros = divmod(time_ns // 1000, 1_000_000)
    # Django's SQLite backend writes no fraction where there is none; equal rows sort equally.
    return f"{_second_text(second)}.{micros:06}" if micros else _second_text(second)


def time_texts(times_ns: Iterable[int]) -> list[str]:
    """`time_text` of each, quicker where many share a second."""
    texts = []
    known, prefix = None, ""
    for time_ns in times_ns:
        second, micros = divmod(time_ns // 1000, 1_000_000)
        if second != known:
            known, prefix = second, _second_text(second)
        texts.append(f"{prefix}.{micros:06}" if micros else prefix)
    return texts


@lru_cache(maxsize=4)
def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


@lru_cache(maxsize=4)
def _insert_statement(columns: tuple[str, ...], rows: int) -> str:
    row = f"({', '.join('?' * len(columns))})"
    return f'INSERT INTO "{TABLE}" ({_names(columns)}) VALUES {", ".join([row] * rows)}'  # noqa: S608


def _insert(connection: BaseDatabaseWrapper, columns: tuple[str, ...], values: list[Any]) -> None:
    # Both ways go past Django's cursor, which otherwise makes the driver's errors Django's.
    with connection.wrap_database_errors:
        if connection.vendor == "sqlite":
            _insert_sqlite(connection, columns, values)
        else:
            _insert_postgresql(connection, columns, values)


def _rows(columns: tuple[str, ...], values: list[Any]) -> Iterator[Row]:
    return zip(*[iter(values)] * len(columns), strict=True)


def _insert_sqlite(connection: BaseDatabaseWrapper, columns: tuple[str, ...], values: list[Any]) -> None:
    size = _ROWS_AT_ONCE * len(columns)
    whole = len(values) - len(values) % size
    for start in range(0, whole, size):
        connection.connection.execute(_insert_statement(columns, _ROWS_AT_ONCE), values[start : start + size])
    connection.connection.executemany(_insert_statement(columns, 1), _rows(columns, values[whole:]))


def _insert_postgresql(connection: BaseDatabaseWrapper, columns: tuple[str, ...], values: list[Any]) -> None:
    statement = f'COPY "{TABLE}" ({_names(columns)}) FROM STDIN'
    with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in _rows(columns, values):
            copy.write_row(row)
