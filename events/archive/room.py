"""How much room events take, live and archived, with their share of the indexes."""

from __future__ import annotations

from django.db import DatabaseError, connection

from events.archive.slices import ARCHIVE, LIVE

#: Bytes of one event of a simulated tournament, live and archived (measured by bench.archive).
PER_EVENT = {"sqlite": (240, 137), "postgresql": (333, 223)}

#: What PostgreSQL calls a full disk, in whatever language it speaks.
_DISK_FULL = "53100"


def is_used_up(error: DatabaseError) -> bool:
    """Whether this is the database saying that its disk is full."""
    return getattr(error.__cause__, "sqlstate", "") == _DISK_FULL or "disk is full" in str(error)


def estimate(events: int) -> tuple[int, int]:
    """About how many bytes so many events take live, and archived; nothing is looked at."""
    live, archived = PER_EVENT.get(connection.vendor, PER_EVENT["sqlite"])
    return events * live, events * archived


def used() -> int:
    """Bytes of the pages in use of an SQLite database; 0 on any other.

    In a transaction that writes, nobody else changes them, so what a statement adds can be told.
    """
    if connection.vendor != "sqlite":
        return 0
    with connection.cursor() as cursor:
        numbers = []
        for name in ("page_count", "freelist_count", "page_size"):
            cursor.execute(f"PRAGMA {name}")
            numbers.append(cursor.fetchone()[0])
    pages, free, size = numbers
    return int((pages - free) * size)


def of_rows(events: int, *, live: bool) -> int:
    """Bytes that so many rows of a PostgreSQL table take, from the size of the whole; 0 on SQLite."""
    if connection.vendor != "postgresql":
        return 0
    table = LIVE if live else ARCHIVE
    with connection.cursor() as cursor:
        # A sample of the table, so that the number of its rows is of now.
        cursor.execute(f"ANALYZE {table}")
        cursor.execute(
            "SELECT pg_total_relation_size(oid), reltuples FROM pg_class WHERE oid = %s::regclass", [table]
        )
        size, rows = cursor.fetchone()
    return int(size * min(events / rows, 1.0)) if rows > 0 else 0
