"""Finding, for rows of a backup, the rows of this database that are the same thing."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import models
from django.db.models import Q

from events.backup.collect import read_slices
from events.backup.rows import Row
from events.backup.rules import Column, Holds, Part
from events.backup.values import same_json

_MOST_NAMED = 500


class Match(NamedTuple):
    """The key it has here, and in words what differs ('' for nothing)."""

    key: Any
    differing: str


class Finder:
    """Looks rows of one model up by what makes them the same: see `rules.SAME`."""

    def __init__(self, part: Part, columns: list[Column], using: str, among: set[Any] | None = None) -> None:
        """`among`: keys of the only rows that may be found; None for all."""
        self.part = part
        self.among = among
        self.columns = columns
        self.using = using
        self.key_index = next(n for n, column in enumerate(columns) if column.field.primary_key)
        comparable = [
            n
            for n, c in enumerate(columns)
            if n != self.key_index and c.holds is not Holds.USER and c.target is not part.model
        ]
        named = [n for n in comparable if columns[n].name in part.same]
        self.identity = named if len(named) == len(part.same) and named else comparable
        if columns[self.key_index].holds is Holds.REFERENCE:
            self.identity = [self.key_index]
        self.compared = [n for n in comparable if n not in self.identity]

    def find(self, rows: list[Row]) -> list[Match | None]:
        here: dict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
        for known in self._candidates(rows):
            here[self._identity(known)].append(known)
        found: list[Match | None] = []
        for row in rows:
            same = here.get(self._identity(row))
            if not same:
                found.append(None)
                continue
            mine = same.pop(0)
            found.append(Match(mine[self.key_index], self._difference(mine, row)))
        return found

    def find_elsewhere(self, rows: list[Row]) -> list[bool]:
        """Whether each row is in `part.other_place` instead."""
        other = self.part.other_place
        if other is None or not rows:
            return [False] * len(rows)
        names = [self.columns[n].name for n in self.identity]
        found = other._base_manager.using(self.using).filter(self._where(rows))
        there = set(found.values_list(*names))
        return [self._identity(row) in there for row in rows]

    def make_room(self, row: Row, notes: list[str]) -> None:
        """Empties what another row here already has and only one may have, as a court's sender."""
        places = {column.name: n for n, column in enumerate(self.columns)}
        for constraint in self.part.model._meta.constraints:
            if not isinstance(constraint, models.UniqueConstraint):
                continue
            fields = [self.part.model._meta.get_field(name) for name in constraint.fields]
            indexes = [places.get(field.attname) for field in fields]  # type: ignore[union-attr]
            if None in indexes or not all(field.null for field in fields):
                continue
            values = {field.name: row[n] for field, n in zip(fields, indexes, strict=True)}  # type: ignore[index]
            if None in values.values():
                continue
            if self.part.model._base_manager.using(self.using).filter(**values).exists():
                for n in indexes:
                    row[n] = None  # type: ignore[index]
                said = ", ".join(str(value) for value in values.values())
                notes.append(f"A {self.part.names[0]} comes without {said}, which another has here.")

    def _identity(self, row: Any) -> tuple[Any, ...]:
        return tuple(_comparable(row[n], self.columns[n]) for n in self.identity)

    def _difference(self, mine: tuple[Any, ...], row: Row) -> str:
        said = []
        for n in self.compared:
            column = self.columns[n]
            name = column.field.verbose_name
            if _comparable(mine[n], column) == _comparable(row[n], column):
                continue
            if isinstance(column.field, models.JSONField):
                # Nobody reads what is in it.
                said.append(f"{name} not the same")
            else:
                said.append(f"{name} is {_short(mine[n])} here, {_short(row[n])} in the backup")
        return "; ".join(said)

    def _candidates(self, rows: list[Row]) -> list[tuple[Any, ...]]:
        """Rows of this database that may be the same; a few too many do no harm."""
        if not rows:
            return []
        everything = self.part.model._base_manager.using(self.using)
        keys = list(everything.filter(self._where(rows)).order_by("pk").values_list("pk", flat=True))
        if self.among is not None:
            keys = [key for key in keys if key in self.among]
        slices = read_slices(self.part, self.columns, keys, self.using)
        return [row for some in slices for row in some]

    def _where(self, rows: list[Row]) -> Q:
        where = Q()
        for n in self.identity:
            where &= self._among(self.columns[n], {_comparable(row[n], self.columns[n]) for row in rows})
        return where

    def _among(self, column: Column, values: set[Any]) -> Q:
        name = column.field.attname
        is_time = isinstance(column.field, models.DateTimeField)
        if isinstance(column.field, models.JSONField | models.TextField) or (
            column.holds is Holds.VALUE and not is_time and not isinstance(column.field, _SEARCHABLE)
        ):
            return Q()
        given = [_moment(value) if is_time else value for value in values if value is not None]
        where = Q(**{f"{name}__isnull": True}) if None in values else Q(pk__in=[])
        if len(given) > _MOST_NAMED and (is_time or isinstance(given[0], int)):
            return where | Q(**{f"{name}__range": (min(given), max(given))})
        return where | Q(**{f"{name}__in": given})


_SEARCHABLE = (
    models.AutoField,
    models.BooleanField,
    models.CharField,
    models.DateField,
    models.GenericIPAddressField,
    models.IntegerField,
)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _comparable(value: Any, column: Column) -> Any:
    return same_json(value) if value and isinstance(column.field, models.JSONField) else value


def _short(value: Any) -> str:
    if value is None:
        return "empty"
    text = str(value).removesuffix(".000000")
    return f"“{text[:60]}…”" if len(text) > 60 else f"“{text}”"
