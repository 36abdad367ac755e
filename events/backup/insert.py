"""Putting rows into tables quickly, with keys of their own, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Max

from events import bulk
from events.backup.rules import KEYS_FROM, Model


class Table:
    """One model's table; `columns` are the database's names, in the order of the rows handed over."""

    def __init__(self, connection: BaseDatabaseWrapper, model: Model, columns: Sequence[str]) -> None:
        self.connection = connection
        self.model = model
        self.keys_from: Model = model
        if (label := KEYS_FROM.get(model._meta.label_lower)) is not None:
            self.keys_from = apps.get_model(label)
        self.columns = list(columns)
        pk = model._meta.pk
        without_key = [name for name in self.columns if name != pk.column]
        # The event table has a faster way in, which gives the keys itself.
        self.order: list[int] | None = None
        if model._meta.db_table == bulk.TABLE and sorted(without_key) == sorted(bulk.COLUMNS):
            self.order = [self.columns.index(name) for name in bulk.COLUMNS]

    def new_keys(self, count: int) -> Sequence[int]:
        """So many keys that no row has or will have."""
        table, pk = self.keys_from._meta.db_table, self.keys_from._meta.pk.column
        if self.connection.vendor == "postgresql":
            with self.connection.cursor() as cursor:
                cursor.execute(
                    "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
                    [f'"{table}"', pk, count],
                )
                return [key for (key,) in cursor.fetchall()]
        # The transaction holds the one writer's lock, so nobody else can take these.
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
            found = cursor.fetchone()
            used = (found or (0,))[0] or 0
            if found is None:
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, 0)", [table])
            # A table that counts its keys knows of all it ever had; one that does not is asked.
            if not used or self.keys_from is not self.model:
                using = self.connection.alias
                newest = self.model._base_manager.using(using).aggregate(newest=Max("pk"))["newest"]
                used = max(used, newest or 0)
            cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = %s", [used + count, table])
        return range(used + 1, used + 1 + count)

    def insert(self, rows: Sequence[Sequence[Any]]) -> None:
        """Stores the rows, keys included. IntegrityError when one of them cannot be."""
        if not rows:
            return
        quote = self.connection.ops.quote_name
        table, names = quote(self.model._meta.db_table), ", ".join(map(quote, self.columns))
        with self.connection.wrap_database_errors, self.connection.cursor() as cursor:
            if self.connection.vendor == "postgresql":
                with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
            else:
                marks = ", ".join("?" * len(self.columns))
                sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
                cursor.cursor.connection.executemany(sql, rows)

    def insert_events(self, rows: Sequence[Sequence[Any]]) -> Sequence[int]:
        """The event table's way: the keys in the rows do not count; returns those given."""
        order = self.order
        assert order is not None
        return bulk.insert_rows(self.connection, [tuple(row[n] for n in order) for row in rows])
