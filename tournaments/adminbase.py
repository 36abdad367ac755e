"""What the admins of all apps share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

Method = TypeVar("Method", bound=Callable[..., Any])


def column(description: str, **options: Any) -> Callable[[Method], Method]:
    """A column of a list, or a line of a page: unfold's `display`, with its types kept."""
    decorate: Callable[[Method], Method] = display(description=description, **options)
    return decorate


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # the theme has no types
    """Rows that are written by the machine and only ever looked at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
