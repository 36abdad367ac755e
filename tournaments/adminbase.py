"""What the admins of all apps share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin
from unfold.decorators import display

Method = TypeVar("Method", bound=Callable[..., Any])

# What asking for rows raises when the address says nonsense: a number that no column holds, the year 0.
NONSENSE = (IncorrectLookupParameters, OverflowError, ValueError, DataError)


def column(description: str, **options: Any) -> Callable[[Method], Method]:
    """A column of a list, or a line of a page: unfold's `display`, with its types kept."""
    decorate: Callable[[Method], Method] = display(description=description, **options)
    return decorate


class StaffAdmin(ModelAdmin):  # type: ignore[misc]  # the theme has no types
    """Filters that make no sense are answered in words, and with the whole list."""

    # The theme's templates ask for these in each row. Where one is missing Django goes through all names
    # of the class to find out why, which took a tenth of the time of a list.
    list_sections: tuple[Any, ...] = ()
    conditional_fields: dict[str, str] = {}

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        try:
            return super().get_changelist_instance(request)
        except NONSENSE as error:
            messages.error(request, "These filters make no sense: this is the list without them.")
            raise IncorrectLookupParameters from error


class HistoryAdmin(SimpleHistoryAdmin, StaffAdmin):  # type: ignore[misc]
    """Rows that people edit, with their history."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        try:
            self.opts.pk.to_python(object_id)
        except ValidationError:
            raise Http404(f"There is no such {self.opts.verbose_name}.") from None
        response: HttpResponse = super().history_view(request, object_id, extra_context)
        return response


class ReadOnlyAdmin(StaffAdmin):
    """Rows that are written by the machine and only ever looked at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
