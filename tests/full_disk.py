"""The disk of the database is full for one kind of statement, wherever it is in the work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


@contextmanager
def no_room_for(what: str, table: str, when: str = "true") -> Iterator[None]:
    """Every `what` (INSERT, UPDATE, DELETE) on the table, where `when` holds, finds the disk full.

    On SQLite really, as it wants room and the file may not grow; PostgreSQL says so from a trigger.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;"
                f"CREATE TRIGGER no_room BEFORE {what} ON {table} FOR EACH ROW WHEN ({when})"
                " EXECUTE FUNCTION no_room()"
            )
            try:
                yield
            finally:
                cursor.execute("DROP FUNCTION no_room() CASCADE")
            return
        cursor.execute("CREATE TABLE no_room (filler BLOB)")
        cursor.execute(
            f"CREATE TRIGGER no_room_for BEFORE {what} ON {table} WHEN {when} BEGIN"
            " INSERT INTO no_room VALUES (zeroblob(100000000)); END"
        )
        cursor.execute("PRAGMA page_count")
        most = cursor.fetchone()[0] + 1_000

    def limit(connection: BaseDatabaseWrapper, **_: object) -> None:
        # SQLite keeps this limit with the connection.
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA max_page_count = {most}")

    connection_created.connect(limit)
    limit(connection)
    try:
        yield
    finally:
        connection_created.disconnect(limit)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA max_page_count = 4294967294")
            cursor.execute("DROP TRIGGER no_room_for")
            cursor.execute("DROP TABLE no_room")
