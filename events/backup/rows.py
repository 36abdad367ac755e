"""From the lines of a file to rows of a table: types checked, keys exchanged, stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import connections, models

from events.backup.collect import encode
from events.backup.insert import Table
from events.backup.manifest import File
from events.backup.rules import SET_BY_RESTORE, Column, Holds, Model, Part
from events.backup.trouble import BadBackupError
from events.backup.values import decoder, json_type

Row = list[Any]


class Reader:
    """The rows of one file. `keys` has, for every model read before, its keys in the file -> those here.

    A row is a list of what the file says in the order of `columns`, with references already exchanged;
    its own key stays that of the file until `store`.
    """

    def __init__(self, part: Part, file: File, keys: dict[Model, dict[Any, Any]], using: str) -> None:
        self.part = part
        self.file = file
        self.using = using
        self.keys = keys
        self.instead: dict[str, Any] = {}
        self.columns, self._places = self._match_columns()
        self._decode = msgspec.json.Decoder(tuple[tuple(self._types())]).decode  # type: ignore[misc]
        self.key_index = next(n for n, column in enumerate(self.columns) if column.field.primary_key)
        self.key = self.columns[self.key_index]
        # A row whose key is that of another row goes by the name of that.
        shared = keys.get(self.key.target, {}) if self.key.target else {}
        self.mine: dict[Any, Any] = keys.setdefault(part.model, shared)
        # Rows of the same file may name each other, so these wait until they have keys.
        self.own = [
            n
            for n, column in enumerate(self.columns)
            if column.holds is Holds.REFERENCE and column.target is part.model
        ]
        self._last: Any = None
        self._seen: set[Any] = set()
        self._users: dict[str, Any] = {}
        # For verifying: is told the hash of every line, and makes accounts in the scratch database.
        self.note: Callable[[int], None] | None = None
        self.make_users = False
        # The history of something that is gone gets a key that nothing will ever have.
        self.gone: Callable[[int], int] = lambda key: -abs(key)
        self._count = 0
        self._is_referred_to = part.is_referred_to
        connection = connections[using]
        given = self._given(connection)
        self._values = [value for _, value in given]
        self._convert = [(n, d) for n, c in enumerate(self.columns) if (d := decoder(c, connection))]
        names = [str(field.column) for field in [*(c.field for c in self.columns), *(f for f, _ in given)]]
        self.table = Table(connection, part.model, names)

    def read(self, lines: Sequence[bytes]) -> list[Row]:
        """BadBackupError for a line that is no row of this model, or refers to a row that is not there."""
        rows = []
        places = self._places
        for line in lines:
            self._count += 1
            try:
                values = self._decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise self._bad(f"cannot be read: {error}") from None
            row = [values[place] for place in places] if places else list(values)
            if self.note is not None:
                self.note(hash(encode(row) if places else line))
            self._check_key(row[self.key_index])
            rows.append(row)
        for index, column in enumerate(self.columns):
            if index not in self.own and column.holds in (Holds.REFERENCE, Holds.TRACE, Holds.USER):
                self._exchange(rows, index, column)
            elif (value := self.instead.get(column.name)) is not None:
                for row in rows:
                    row[index] = value
        return rows

    def is_there(self, row: Row, key: Any) -> None:
        """The row is the one that has `key` here."""
        if self.key.holds is not Holds.REFERENCE:
            self.mine[row[self.key_index]] = key

    def store(self, rows: list[Row]) -> Sequence[Any]:
        """Stores new rows, under new keys where keys are numbers; returns these."""
        if not rows:
            return []
        try:
            for row in rows:
                for place, change in self._convert:
                    row[place] = change(row[place])
                row.extend(self._values)
        except (ValueError, ValidationError) as error:
            raise self._bad(f"cannot be read: {error}") from None
        old = [row[self.key_index] for row in rows]
        if self.table.order is not None:
            new = self.table.insert_events(rows)
            self._remember(old, new)
            return new
        new = self.table.new_keys(len(rows)) if self.key.holds is Holds.KEY else old
        self._remember(old, new)
        for index in self.own:
            self._exchange(rows, index, self.columns[index])
        for row, key in zip(rows, new, strict=True):
            row[self.key_index] = key
        self.table.insert(rows)
        return new

    def _remember(self, old: Sequence[Any], new: Sequence[Any]) -> None:
        if self._is_referred_to and self.key.holds is not Holds.REFERENCE:
            self.mine.update(zip(old, new, strict=True))

    def _exchange(self, rows: list[Row], index: int, column: Column) -> None:
        if column.holds is Holds.USER:
            for row in rows:
                row[index] = self._user(row[index])
            return
        assert column.target is not None
        here = self.keys.get(column.target, {})
        for row in rows:
            key = row[index]
            if key is None:
                continue
            found = here.get(key)
            if found is None and column.holds is Holds.TRACE:
                found = self.gone(key)
            if found is None:
                raise self._bad(f"refers to {column.target._meta.label_lower} {key}, which it does not hold")
            row[index] = found

    def _user(self, name: str | None) -> Any:
        """Of an account only the name is known; an account of that name here is taken for the same."""
        if not name:
            return None
        if name not in self._users:
            users: Any = get_user_model()._default_manager.using(self.using)
            if self.make_users:
                users.get_or_create(**{get_user_model().USERNAME_FIELD: name})
            self._users[name] = (
                users.filter(**{get_user_model().USERNAME_FIELD: name}).values_list("pk", flat=True).first()
            )
        return self._users[name]

    def _check_key(self, key: Any) -> None:
        if isinstance(key, int):
            if self._last is not None and key <= self._last:
                raise self._bad(f"has the key {key} again, or out of order")
            self._last = key
        elif key in self._seen:
            raise self._bad(f"has the key {key} again")
        else:
            self._seen.add(key)

    def _bad(self, what: str) -> BadBackupError:
        return BadBackupError(f"A row of {self.file.name} near row {self._count:,} {what}.")

    def _match_columns(self) -> tuple[list[Column], list[int]]:
        """The model's columns that the file has, and their places in its rows ([] when all, in order)."""
        known = {column.name: column for column in self.part.columns}
        for name in self.file.columns:
            field = name.removesuffix("_id")
            if name not in known and f"{field}.username" in known:
                raise BadBackupError(
                    f"{self.file.name} names accounts ({name}), which a backup never carries."
                )
        columns = [known[name] for name in self.file.columns if name in known]
        if not any(column.field.primary_key for column in columns):
            raise BadBackupError(f"{self.file.name} has no keys.")
        places = [n for n, name in enumerate(self.file.columns) if name in known]
        return columns, [] if len(places) == len(self.file.columns) else places

    def _types(self) -> list[Any]:
        known = {column.name: column for column in self.part.columns}
        return [json_type(known[name]) if name in known else Any for name in self.file.columns]

    def _given(self, connection: Any) -> list[tuple[models.Field[Any, Any], Any]]:
        """Columns that the file does not have, and what all its rows get in them."""
        has = {column.field for column in self.columns}
        fixed = SET_BY_RESTORE.get(self.part.label, {})
        given = []
        for field in self.part.model._meta.local_concrete_fields:
            if field in has or getattr(field, "generated", False):
                continue
            value = fixed.get(field.attname, field.get_default())
            if value is None and not field.null:
                raise BadBackupError(f"{self.file.name} lacks the column {field.attname}.")
            given.append((field, field.get_db_prep_save(value, connection)))
        return given
