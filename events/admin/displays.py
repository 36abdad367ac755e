"""Displays: each screen with what it shows, its address ready to copy, and whether it is connected."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from events.addresses import page_addresses
from events.models_display import Display, View
from events.typed import manage
from tournaments.adminbase import HistoryAdmin, column
from tournaments.models import Court

STATES = {"connected": "success", "not connected": "warning", "never opened": "default", "revoked": "danger"}


@admin.register(Display)
class DisplayAdmin(HistoryAdmin):
    list_display = ["name", "now_shows", "state", "last_seen"]
    list_filter = ["view"]
    search_fields = ["name"]
    list_select_related = ["court"]
    list_per_page = 50
    list_before_template = "events/displays/_new.html"
    change_form_outer_before_template = "events/displays/_display.html"
    fields = ["name", "view", "court", "replay", "swap_sides", "size", "when_stale", "stale_after_s"]
    actions = ["reload_screens", "revoke_addresses"]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        field.empty_label = {"court": "No court", "replay": "None: what is live"}[db_field.name]
        return field

    @column("shows", ordering="view")
    def now_shows(self, display: Display) -> str:
        return display.shows()

    @column("state", label=STATES)
    def state(self, display: Display) -> str:
        return state_of(display)

    @column("last seen", ordering="seen_at")
    def last_seen(self, display: Display) -> Any:
        if display.is_connected():
            return "now"
        return display.left_at or display.seen_at or "—"

    @admin.action(description="Reload the screens", permissions=["change"])
    def reload_screens(self, request: HttpRequest, displays: QuerySet[Display]) -> None:
        for display in displays:
            display.reload()
        self.message_user(request, "They reload within a second, wherever they are open.")

    @admin.action(description="Revoke the addresses", permissions=["revoke"])
    def revoke_addresses(self, request: HttpRequest, displays: QuerySet[Display]) -> None:
        for display in displays:
            display.revoke()
        self.message_user(request, "Revoked. Wherever they were open they are transparent within a second.")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("events.revoke_display")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        extra = {
            "may_make": request.user.has_perm("events.add_display"),
            "courts": Court.objects.filter(active=True),
            "views": [choice for choice in View.choices if choice[0] != View.WALL],
            "elsewhere": page_addresses(request),
            "start": _start(request),
            **(extra_context or {}),
        }
        response: HttpResponse = super().changelist_view(request, extra)
        return response

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj: Display | None = kwargs.get("obj")
        if obj is not None:
            # As it is stored, not as it was typed: what was typed may have been refused.
            display = Display.objects.select_related("court").get(pk=obj.pk)
            elsewhere = page_addresses(request)
            # The key opens the screen for whoever has it.
            may_copy = request.user.has_perm("events.change_display")
            context |= {
                "display": display,
                "state": state_of(display),
                "may_copy": may_copy,
                "may_revoke": self.has_revoke_permission(request),
                "elsewhere": elsewhere,
                "start": _start(request),
                "addresses": [
                    f"{base}{display.path}" for base in elsewhere or [request.build_absolute_uri("/")[:-1]]
                ]
                if may_copy
                else [],
            }
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response


def _start(request: HttpRequest) -> str:
    """What lets other machines in when it is typed."""
    return manage(f"start --web 0.0.0.0:{request.get_port()}")


def state_of(display: Display) -> str:
    """One of `STATES`."""
    if display.revoked_at:
        return "revoked"
    if display.is_connected():
        return "connected"
    return "not connected" if display.seen_at else "never opened"
