"""Which columns the file of a list has."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

CHUNK = 2_000
Columns = Mapping[str, Callable[[Any], Any]]


class Sheet:
    """`fields`: name -> path of a query set; `columns`: heading -> value, from a row with those names."""

    def __init__(self, fields: Mapping[str, str], columns: Columns) -> None:
        self.fields = fields
        self.columns = columns
        make: Any = namedtuple
        self._row = make("Row", fields)

    @property
    def header(self) -> list[str]:
        return list(self.columns)

    def rows(self, found: QuerySet[Any]) -> Iterator[list[Any]]:
        """In the order of the query set; `CHUNK` of them are in memory at a time."""
        functions = list(self.columns.values())
        make = self._row._make
        for values in found.values_list(*self.fields.values()).iterator(chunk_size=CHUNK):
            row = make(values)
            yield [function(row) for function in functions]


def local(moment: datetime | None, zone: str | None) -> datetime | None:
    """As the clock in the hall showed it; UTC where there is no hall."""
    return None if moment is None else moment.astimezone(_zone(zone or "UTC"))


@lru_cache(maxsize=100)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
