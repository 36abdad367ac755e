"""Pages by cursor: the next one starts where the last one ended, and never counts or skips rows."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest
from ninja import Schema
from pydantic import AfterValidator, Field

from events.api.problems import Fault, ProblemError, nonsense

M = TypeVar("M", bound=Model)

MOST = 500
# What a primary key can be on both databases.
Key = Annotated[int, Field(ge=1, le=2**63 - 1)]


# In no name and no number; PostgreSQL refuses some of them even in a question.
_NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f]*$"


def _no_controls(text: str) -> str:
    if not re.fullmatch(_NO_CONTROLS, text):
        raise ValueError("Control characters are not looked for")
    return text


Words = Annotated[
    str,
    Field(min_length=1, max_length=200, json_schema_extra={"pattern": _NO_CONTROLS}),
    AfterValidator(_no_controls),
]


def only_known(request: HttpRequest, asked: type[Schema]) -> None:
    """Refuses parameters that `asked` does not have, and those given more than once."""
    known = asked.model_fields
    faults = [
        Fault(where=f"query.{name}", words=f"There is no parameter “{name[:60]}” here")
        for name in request.GET
        if name not in known
    ]
    faults += [
        Fault(where=f"query.{name}", words="Given more than once")
        for name in request.GET
        if name in known and len(request.GET.getlist(name)) > 1
    ]
    if faults:
        raise ProblemError(422, f"{faults[0].words}. There are: {', '.join(sorted(known))}.", faults)


class Asked(Schema):
    """What every list can be asked."""

    limit: int = Field(100, ge=1, le=MOST, description="Rows on a page, at most.")
    cursor: str | None = Field(None, max_length=400, description="`next` of the page before.")

    def only(self, request: HttpRequest) -> None:
        """Refuses what the list does not know: a filter with a typing mistake would show everything."""
        only_known(request, type(self))

    def filters(self) -> str:
        """Names the list that was asked for: a cursor is of this one and no other."""
        asked = self.model_dump(mode="json", exclude={"limit", "cursor"})
        told = json.dumps([type(self).__name__, asked], sort_keys=True)
        return hashlib.blake2b(told.encode(), digest_size=6).hexdigest()

    def start(self, model: type[Model], columns: Sequence[str]) -> list[Any]:
        """The values of `columns` at which the page before ended; none for the first page."""
        if self.cursor is None:
            return []
        try:
            padded = self.cursor + "=" * (-len(self.cursor) % 4)
            filters, *values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            if len(values) != len(columns):
                raise ValueError
            found = [
                model._meta.get_field(name).to_python(value)  # type: ignore[union-attr]
                for name, value in zip(columns, values, strict=True)
            ]
            if any(isinstance(value, int) and not 0 <= value < 2**63 for value in found) or None in found:
                raise ValueError
        except (ValueError, TypeError, ValidationError, OverflowError, RecursionError):
            raise nonsense("cursor", "This is not a cursor of this list") from None
        if filters != self.filters():
            raise nonsense("cursor", "This cursor belongs to other filters: start without one")
        return found

    def end(self, values: Sequence[Any]) -> str:
        """The cursor after the row with these values."""
        told = [value.isoformat() if isinstance(value, date) else value for value in values]
        text = json.dumps([self.filters(), *told], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@dataclass(frozen=True)
class Order:
    """Rows by `columns`, none of them null and the last one unique."""

    columns: tuple[str, ...]
    descending: bool = True

    @property
    def names(self) -> list[str]:
        return [f"-{name}" if self.descending else name for name in self.columns]

    def beyond(self, values: Sequence[Any]) -> Q:
        """The rows that come after the one with these values."""
        return self._compared("lt" if self.descending else "gt", values)

    def upto(self, values: Sequence[Any]) -> Q:
        """The rows that come before the one with these values, and that one."""
        return self._compared("gt" if self.descending else "lt", values, inclusive=True)

    def _compared(self, operator: str, values: Sequence[Any], *, inclusive: bool = False) -> Q:
        either, equal = Q(), Q()
        for number, (name, value) in enumerate(zip(self.columns, values, strict=True), 1):
            last = "e" if inclusive and number == len(self.columns) else ""
            either |= equal & Q(**{f"{name}__{operator}{last}": value})
            equal &= Q(**{name: value})
        # Said once more by itself: only this an index turns into a place to start from.
        return Q(**{f"{self.columns[0]}__{operator}e": values[0]}) & either


def one(rows: QuerySet[M], key: int) -> M:
    """The row with this key; Http404 says in words what is not there."""
    found = rows.filter(pk=key).first()
    if found is None:
        raise Http404(f"There is no such {rows.model._meta.verbose_name}.")
    return found


def page(rows: QuerySet[Any], order: Order, asked: Asked) -> dict[str, Any]:
    """`items`, instances, and `next`, the cursor of what follows, or None."""
    if start := asked.start(rows.model, order.columns):
        rows = rows.filter(order.beyond(start))
    found = list(rows.order_by(*order.names)[: asked.limit + 1])
    items = found[: asked.limit]
    more = len(found) > len(items)
    return {
        "items": items,
        "next": asked.end([getattr(items[-1], name) for name in order.columns]) if more else None,
    }
