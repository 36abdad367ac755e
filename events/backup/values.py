"""A database's values as JSON and back.

Times are UTC with six decimals; JSON is text, as the database has it. Values go past Django's
conversions where they can: these are most of the time it takes to read a million rows.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Col
from django.db.models.functions import Cast, Coalesce
from django.utils.duration import duration_iso_string

from events.backup.rules import READ_AS, Column, Holds

Convert = Callable[[Any], Any]

_NO_FRACTION = ".000000"


def expression(label: str, column: Column) -> Any:
    """What to select so that the value comes as the text or number that `encoder` expects."""
    if column.holds is Holds.USER:
        return models.F(f"{column.field.name}__username")
    others = READ_AS.get((label, column.name))
    chosen: Any = Coalesce(*others) if others else models.F(column.name)
    if isinstance(column.field, models.DateTimeField):
        # As text, since SQLite's driver would parse each.
        return Cast(chosen, models.TextField())
    return chosen


def encoder(column: Column, connection: BaseDatabaseWrapper) -> Convert | None:
    """Database value -> what msgspec writes; None where it is the same."""
    field = column.field
    if column.holds is not Holds.VALUE or _is_plain(field):
        return None
    if isinstance(field, models.DateTimeField):
        return _none_safe(_time_out)
    if isinstance(field, models.JSONField):
        return None
    selected = Col("", field)
    converters = [*connection.ops.get_db_converters(selected), *field.get_db_converters(connection)]

    def convert(value: Any) -> Any:
        for one in converters:
            value = one(value, selected, connection)
        return _as_json(value)

    return convert


def decoder(column: Column, connection: BaseDatabaseWrapper) -> Convert | None:
    """What msgspec read -> what the database takes; None where it is the same."""
    field = column.field
    if column.holds is not Holds.VALUE or _is_plain(field):
        return None
    if isinstance(field, models.DateTimeField):
        return _none_safe(_time_in_sqlite if connection.vendor == "sqlite" else _time_in)
    if isinstance(field, models.JSONField):
        return _none_safe(_json_in)
    return _none_safe(lambda value: field.get_db_prep_save(field.to_python(value), connection))


def json_type(column: Column) -> Any:
    """The type a value of the column has to have in the file."""
    field = column.field
    if column.holds is Holds.USER:
        return str | None
    if column.holds in (Holds.KEY, Holds.TRACE):
        return int
    if column.holds is Holds.REFERENCE:
        return int | None if field.null else int
    kind: Any = str
    if isinstance(field, models.BooleanField):
        kind = bool
    elif isinstance(field, models.FloatField):
        kind = float
    elif isinstance(field, models.IntegerField | models.AutoField):
        kind = int
    return kind | None if field.null else kind


def _is_plain(field: models.Field[Any, Any]) -> bool:
    plain = (
        models.AutoField,
        models.BooleanField,
        models.CharField,
        models.FileField,
        models.FloatField,
        models.GenericIPAddressField,
        models.IntegerField,
        models.TextField,
    )
    return isinstance(field, plain)


def _none_safe(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _time_out(text: str) -> str:
    if text.endswith("+00"):
        text = text[:-3]
    return text + "." + text[20:].ljust(6, "0") if len(text) == 19 else text.ljust(26, "0")


def _time_in(text: str) -> str:
    # Whatever the database would make of something else, it would be something else.
    datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f") if len(text) != 26 else datetime.fromisoformat(text)
    return text + "+00"


def _time_in_sqlite(text: str) -> str:
    # Django's backend writes no fraction where there is none; equal times must compare equal.
    return _time_in(text)[:-3].removesuffix(_NO_FRACTION)


@lru_cache(maxsize=16_384)
def _json_in(text: str) -> str:
    """Letter by letter, so that what is restored is what was there; ValueError when it is no JSON."""
    json.loads(text)
    return text


@lru_cache(maxsize=16_384)
def same_json(text: str) -> str:
    """The same for JSON that means the same, however a database writes it."""
    return json.dumps(json.loads(text), sort_keys=True)


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration_iso_string(value)
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    return value
