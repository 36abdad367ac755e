"""Moving some events into the archive or out of it, in the caller's transaction.

All of it is done by the database: an archived event is the event without what it shares with others,
which is its reading. The details a parser gave it are kept, not asked of a parser again, so that what
comes back is what went in however the parser has changed meanwhile (docs/adr/0003-archive.md).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from events import bulk

LIVE = bulk.TABLE
ARCHIVE = "events_archivedpssevent"
READINGS = "events_archivedreading"
READ = ("stream", "kind", "error", "details")
KEPT = ("id", *(name for name in bulk.COLUMNS if name not in READ))
# Keys that the importer adds to the details of one event: which hits belong to which point.
LINKS = ("hits", "points")
LINKED_KINDS = ("point", "hit")
_LOOKED_UP = 500
_READ = "archive_slice_read"


class MovedOtherwiseError(DatabaseError):
    """The tables do not hold what was just read from them; the transaction has to be undone."""


class Reading(NamedTuple):
    """One row of `READINGS`; `details` is JSON text exactly as the database has it."""

    stream: str
    kind: str
    error: str
    details: str

    @property
    def digest(self) -> int:
        data = json.dumps(self).encode()
        return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big", signed=True)


def archive(connection: BaseDatabaseWrapper, ids: Sequence[int]) -> None:
    """Moves the live events with these ids, locked by the caller, into the archive."""
    where, chosen = _chosen(connection, "e.id", ids)
    text = "e.details::text" if connection.vendor == "postgresql" else "e.details"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT e.stream, e.kind, e.error, {text} FROM {LIVE} e WHERE {where}",  # noqa: S608
            chosen,
        )
        read = {Reading(*row): _split(Reading(*row)) for row in cursor.fetchall()}
        known = _reading_ids(connection, {shared for shared, _ in read.values()})
        mapping = [(*told, known[shared], own) for told, (shared, own) in read.items()]
        kept = ", ".join(f"e.{name}" for name in KEPT)
        named = ", ".join(KEPT)
        source, values = _as_table(connection, mapping)
        # A LEFT JOIN, so that an event without a reading breaks a constraint and is not lost.
        cursor.execute(
            f"INSERT INTO {ARCHIVE} ({named}, reading_id, own_details) "  # noqa: S608
            f"SELECT {kept}, r.id, r.own FROM {LIVE} e LEFT JOIN {source} "
            f"ON r.stream = e.stream AND r.kind = e.kind AND r.error = e.error AND r.details = {text} "
            f"WHERE {where} ORDER BY e.id",
            [*values, *chosen],
        )
        _expect(cursor.rowcount, ids)


def bring_back(connection: BaseDatabaseWrapper, ids: Sequence[int]) -> None:
    """Moves the archived events with these ids, locked by the caller, back among the live ones."""
    ids = _renumber(connection, ids)
    where, chosen = _chosen(connection, "e.id", ids)
    kept = ", ".join(f"e.{name}" for name in KEPT)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {LIVE} ({', '.join(KEPT)}, stream, kind, error, details) "  # noqa: S608
            f"SELECT {kept}, r.stream, r.kind, r.error, coalesce(e.own_details, r.details) "
            f"FROM {ARCHIVE} e JOIN {READINGS} r ON r.id = e.reading_id WHERE {where} ORDER BY e.id",
            chosen,
        )
        _expect(cursor.rowcount, ids)
        delete(connection, ARCHIVE, ids)


def delete(connection: BaseDatabaseWrapper, table: str, ids: Sequence[int]) -> None:
    """Takes the events away where they were before."""
    where, chosen = _chosen(connection, "id", ids)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE {where}", chosen)  # noqa: S608
        _expect(cursor.rowcount, ids)


def _as_table(
    connection: BaseDatabaseWrapper, mapping: Sequence[tuple[Any, ...]]
) -> tuple[str, list[list[Any]]]:
    """What was read -> id of its reading and own details, to join with as `r`; and its parameters."""
    if connection.vendor == "postgresql":
        types = ("text[]", "text[]", "text[]", "text[]", "int[]", "jsonb[]")
        table = f"unnest({', '.join(f'%s::{name}' for name in types)})"
        return f"{table} AS r(stream, kind, error, details, id, own)", [
            list(column) for column in zip(*mapping, strict=True)
        ]
    # A table with a key: what SQLite makes of JSON has none, and costs ten times as much.
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE IF NOT EXISTS {_READ} (stream text, kind text, error text, details text, "
            "id integer, own text, PRIMARY KEY (details, stream, kind, error)) WITHOUT ROWID"
        )
        cursor.execute(f"DELETE FROM temp.{_READ}")  # noqa: S608
        cursor.executemany(f"INSERT INTO temp.{_READ} VALUES (%s, %s, %s, %s, %s, %s)", mapping)  # noqa: S608
    return f"temp.{_READ} r", []


def _expect(moved: int, ids: Sequence[int]) -> None:
    if moved != len(ids):
        raise MovedOtherwiseError(f"{len(ids)} events were to be moved and {moved} were.")


def _chosen(connection: BaseDatabaseWrapper, column: str, ids: Sequence[int]) -> tuple[str, list[Any]]:
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s)", [list(ids)]
    # One parameter, since SQLite takes no more than some thousands.
    return f"{column} IN (SELECT value FROM json_each(%s))", [json.dumps(list(ids))]  # noqa: S608


def _split(told: Reading) -> tuple[Reading, str | None]:
    """The reading to share, and the details that are this event's own."""
    if told.kind in LINKED_KINDS and any(f'"{key}":' in told.details for key in LINKS):
        details: dict[str, Any] = json.loads(told.details)
        # A point always says how many points it is; only a list of hits is its own.
        own = "hits" if told.kind == "point" else "points"
        if own in details:
            return told._replace(details="{}"), told.details
    return told, None


def _reading_ids(connection: BaseDatabaseWrapper, readings: Collection[Reading]) -> dict[Reading, int]:
    """The keys of these readings; those not there yet are added."""
    postgresql = connection.vendor == "postgresql"
    found: dict[Reading, int] = {}
    wanted = sorted(readings)
    text = "details::text" if postgresql else "details"
    # Held until the end, lest a tournament that is deleted meanwhile takes them with it.
    lock = " FOR KEY SHARE" if postgresql else ""
    with connection.cursor() as cursor:
        for first in range(0, len(wanted), _LOOKED_UP):
            digests = [reading.digest for reading in wanted[first : first + _LOOKED_UP]]
            marks = ", ".join(["%s"] * len(digests))
            cursor.execute(
                f"SELECT stream, kind, error, {text}, id FROM {READINGS} "  # noqa: S608
                f"WHERE digest IN ({marks}){lock}",
                digests,
            )
            found.update((Reading(*row[:4]), row[4]) for row in cursor.fetchall())
        for reading in wanted:
            if reading not in found:
                cursor.execute(
                    f"INSERT INTO {READINGS} (stream, kind, error, details, digest) "  # noqa: S608
                    "VALUES (%s, %s, %s, %s, %s) RETURNING id",
                    [*reading, reading.digest],
                )
                found[reading] = cursor.fetchone()[0]
    return found


def _renumber(connection: BaseDatabaseWrapper, ids: Sequence[int]) -> list[int]:
    """The ids, with new ones for archived events whose own a live event has.

    That happens only to what was restored from a backup, which numbers the events of each table apart.
    """
    where, chosen = _chosen(connection, "id", ids)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {LIVE} WHERE {where}", chosen)  # noqa: S608
        taken = [pk for (pk,) in cursor.fetchall()]
        if not taken:
            return list(ids)
        new = dict(zip(taken, _free_ids(connection, len(taken)), strict=True))
        cursor.executemany(
            f"UPDATE {ARCHIVE} SET id = %s WHERE id = %s",  # noqa: S608
            [(free, pk) for pk, free in new.items()],
        )
    return [new.get(pk, pk) for pk in ids]


def _free_ids(connection: BaseDatabaseWrapper, count: int) -> list[int]:
    """Ids that no event has, live or archived, and that no new one will be given."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            # The caller's transaction is the only writer; an id beyond the counter moves the counter.
            cursor.execute(
                f"SELECT max((SELECT seq FROM sqlite_sequence WHERE name = '{LIVE}'), max(id)) FROM {ARCHIVE}"  # noqa: S608
            )
            first = cursor.fetchone()[0] + 1
            return list(range(first, first + count))
        free: list[int] = []
        while len(free) < count:
            cursor.execute(
                f"SELECT n FROM (SELECT nextval(pg_get_serial_sequence('{LIVE}', 'id')) AS n "  # noqa: S608
                f"FROM generate_series(1, 1000)) AS next WHERE NOT EXISTS "
                f"(SELECT FROM {ARCHIVE} WHERE id = n)"
            )
            free += [pk for (pk,) in cursor.fetchall()]
        return free[:count]
