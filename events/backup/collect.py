"""Reading a tournament's rows from the database as lines of JSON, a slice of keys at a time."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from operator import le
from typing import Any

import msgspec
from django.db import connections, models

from events.backup.rules import Column, Holds, Model, Part, Role, plan, rows
from events.backup.values import encoder, expression

SLICE = 5_000
OnProgress = Callable[[str, int, int], None]  # what, done, of how many rows


def no_progress(what: str, done: int, total: int) -> None:
    """For callers that show none."""


class Collector:
    """One tournament on one connection. Parts come in the order in which their keys become known."""

    def __init__(self, tournament_id: int, using: str) -> None:
        self.tournament_id = tournament_id
        self.using = using
        self.parts = {part.model: part for part in plan()}
        # Of carried and shared rows, those that some row refers to.
        self.named: dict[Model, set[int]] = defaultdict(set)
        self._owned: dict[Model, set[Any]] = {}

    def in_reading_order(self) -> list[Part]:
        """What refers before what is referred to, as its keys are gathered on the way."""
        backwards = list(self.parts.values())[::-1]

        def through_carried(part: Part) -> bool:
            return any(self.parts[arm.target].role is Role.CARRIED for arm in part.arms)

        owned = [part for part in backwards if part.role is Role.OWNED]
        return [
            *(part for part in owned if not through_carried(part)),
            *(part for part in backwards if part.role is Role.CARRIED),
            *(part for part in reversed(owned) if through_carried(part)),
            *(part for part in backwards if part.role is Role.SHARED),
        ]

    def keys(self, part: Part) -> Sequence[Any]:
        """The keys of the tournament's rows in one part, ascending; numbers take eight bytes each."""
        if part.role is not Role.OWNED:
            return sorted(self.named[part.model])
        query = rows(part, self.parts, self.tournament_id, self.using, self.named)
        if not part.has_numbers:
            return list(query.order_by("pk").values_list("pk", flat=True))
        # Put in order here: they nearly are, and a database takes sixty megabytes for a million.
        keys = array("q", query.order_by().values_list("pk", flat=True).iterator(chunk_size=SLICE))
        return keys if all(map(le, keys, islice(keys, 1, None))) else array("q", sorted(keys))

    def slices(self, part: Part, keys: Sequence[Any]) -> Iterator[list[tuple[Any, ...]]]:
        """The rows with these keys, as the database has them but with values as the file takes them."""
        columns = part.columns
        for chunk in read_slices(part, columns, keys, self.using):
            for index, column in enumerate(columns):
                if column.holds is Holds.REFERENCE and self._role(column) in (Role.CARRIED, Role.SHARED):
                    self.named[column.target] |= {row[index] for row in chunk} - {None}  # type: ignore[index]
            yield self.within(columns, chunk)

    def within(self, columns: Collection[Column], chunk: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """The rows, referring to nothing where they refer to a row of another tournament or of none.

        As an event does whose match began before the moment from which on events were moved.
        """
        for index, column in enumerate(columns):
            if column.holds is not Holds.REFERENCE or self._role(column) is not Role.OWNED:
                continue
            if column.field.null and (away := {row[index] for row in chunk} - self._own(column.target)):
                chunk = [
                    (*row[:index], None, *row[index + 1 :]) if row[index] in away else row for row in chunk
                ]
        return chunk

    def _role(self, column: Column) -> Role | None:
        return self.parts[column.target].role if column.target in self.parts else None

    def _own(self, model: Model | None) -> set[Any]:
        """The keys of the tournament's rows of an owned model, and None; asked for once."""
        assert model is not None
        if model not in self._owned:
            self._owned[model] = {None, *self.keys(self.parts[model])}
        return self._owned[model]


def read_slices(
    part: Part, columns: Collection[Column], keys: Sequence[Any], using: str
) -> Iterator[list[tuple[Any, ...]]]:
    """Rows of a model in the order of `keys`, with values as the file takes them."""
    connection = connections[using]
    convert = [
        (index, change) for index, column in enumerate(columns) if (change := encoder(column, connection))
    ]
    chosen = [expression(part.label, column) for column in columns]
    everything = part.model._base_manager.using(using).order_by("pk")
    for start in range(0, len(keys), SLICE):
        wanted = keys[start : start + SLICE]
        dense = part.has_numbers and wanted[-1] - wanted[0] + 1 == len(wanted)
        some = (
            everything.filter(pk__gte=wanted[0], pk__lte=wanted[-1])
            if dense
            else everything.filter(pk__in=list(wanted))
        )
        found = _fetch(some.values_list(*chosen), using)
        if convert:
            found = [_converted(row, convert) for row in found]
        yield found


def _fetch(query: models.QuerySet[Any, Any], using: str) -> list[tuple[Any, ...]]:
    """Raw rows: Django's own conversions would be most of the time."""
    sql, params = query.query.get_compiler(using).as_sql()
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def _converted(row: tuple[Any, ...], convert: list[tuple[int, Any]]) -> tuple[Any, ...]:
    values = list(row)
    for index, change in convert:
        values[index] = change(values[index])
    return tuple(values)


encode = msgspec.json.Encoder().encode


def as_line(row: tuple[Any, ...]) -> bytes:
    """One row as it stands in the file."""
    return encode(row) + b"\n"
