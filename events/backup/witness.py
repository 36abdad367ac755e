"""A second reading of what a backup was made of: at the same moment, and by another way.

The writer reads slices of keys through Django's queries. Here each table is read once, from end to
end, by a statement in plain SQL in which the database itself makes the text of times and JSON. Only
what belongs to a tournament is decided by the same rules. A backup whose lines are not those of the
second reading was written wrongly, and is refused when it is verified.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from events.backup.collect import Collector, OnProgress, encode
from events.backup.rules import READ_AS, Column, Holds, Part, Role, rows
from events.backup.trouble import BadBackupError
from events.backup.values import encoder

_AT_ONCE = 2_000


class Witness:
    """What the lines of each file must be: `hashes` of them by model, in their order."""

    def __init__(self) -> None:
        self.hashes: dict[str, array[int]] = {}

    def read(self, part: Part, collector: Collector, progress: OnProgress) -> None:
        """Reads the part again; the collector says what belongs to the tournament."""
        found = array("q")
        for row in _read(part, collector):
            found.append(hash(encode(row)))
            if len(found) % _AT_ONCE == 0:
                progress(f"Reading {part.names[1]} again", len(found), 0)
        self.hashes[part.label] = found


class Lines:
    """The hashes of a file's lines, told one by one: remembered, or held against those `expected`."""

    def __init__(self, name: str, expected: array[int] | None) -> None:
        self.name = name
        self.hashes: array[int] = array("q") if expected is None else expected
        self._is_known = expected is not None
        self.count = 0

    def note(self, line: int) -> None:
        """BadBackupError when the line is not what the database had."""
        if not self._is_known:
            self.hashes.append(line)
        elif self.count < len(self.hashes) and self.hashes[self.count] != line:
            raise BadBackupError(f"{self.name}: row {self.count + 1:,} is not what the database had.")
        self.count += 1

    def end(self) -> None:
        """BadBackupError when there were more lines, or fewer, than rows in the database."""
        if self.count != len(self.hashes):
            raise BadBackupError(
                f"{self.name} has {self.count:,} rows, and the database had {len(self.hashes):,}."
            )


def _read(part: Part, collector: Collector) -> Iterator[tuple[Any, ...]]:
    connection = connections[collector.using]
    columns = part.columns
    convert = [
        (index, change)
        for index, column in enumerate(columns)
        if not isinstance(column.field, models.DateTimeField) and (change := encoder(column, connection))
    ]
    where, params, named = "", (), None
    if part.role is Role.OWNED:
        belonging = rows(part, collector.parts, collector.tournament_id, collector.using, collector.named)
        try:
            compiler = belonging.order_by().values("pk").query.get_compiler(collector.using)
            inner, params = compiler.as_sql()
        except EmptyResultSet:
            return
        where = f"WHERE t.{_quoted(connection, part.model._meta.pk.column)} IN ({inner})"
    else:
        named = collector.named[part.model]
    key = next(n for n, column in enumerate(columns) if column.field.primary_key)
    chosen = ", ".join(_as_text(column, part.label, connection) for column in columns)
    table = _quoted(connection, part.model._meta.db_table)
    order = _quoted(connection, part.model._meta.pk.column)
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT {chosen} FROM {table} t {where} ORDER BY t.{order}", params)  # noqa: S608
        while some := cursor.fetchmany(_AT_ONCE):
            if named is not None:
                some = [row for row in some if row[key] in named]
            for row in collector.within(columns, some):
                if convert:
                    values = list(row)
                    for index, change in convert:
                        values[index] = change(values[index])
                    yield tuple(values)
                else:
                    yield row


def _as_text(column: Column, label: str, connection: BaseDatabaseWrapper) -> str:
    """What to select for a column so that it is what stands in the file."""
    name = f"t.{_quoted(connection, column.field.column)}"
    if column.holds is Holds.USER:
        users = get_user_model()._meta
        user, table = (
            _quoted(connection, text) for text in (get_user_model().USERNAME_FIELD, users.db_table)
        )
        return f"(SELECT u.{user} FROM {table} u WHERE u.{_quoted(connection, users.pk.column)} = {name})"  # noqa: S608
    if others := READ_AS.get((label, column.name)):
        name = f"coalesce({', '.join(f't.{_quoted(connection, other)}' for other in others)})"
    postgresql = connection.vendor == "postgresql"
    if isinstance(column.field, models.DateTimeField):
        if postgresql:
            return f"to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
        # A column by itself would be parsed by the driver; where there is no fraction none is stored.
        return f"{name} || CASE length({name}) WHEN 19 THEN '.000000' ELSE '' END"
    if isinstance(column.field, models.JSONField) and postgresql:
        return f"{name}::text"
    return name


def _quoted(connection: BaseDatabaseWrapper, name: str | None) -> str:
    return connection.ops.quote_name(str(name))
