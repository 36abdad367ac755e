"""The admin site: the theme's, with our navigation and without work for what no page shows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from unfold.sites import UnfoldAdminSite

from restrike import navigation


class StaffSite(UnfoldAdminSite):  # type: ignore[misc]  # the theme has no types
    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Every model with what the user may do with it, found out when somebody reads it.

        Each page is handed the list, and only that of an app and the search do.
        """
        build = super().get_app_list
        return SimpleLazyObject(lambda: build(request, app_label))

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """What `unfold/helpers/app_list.html` shows."""
        return navigation.links(request)
