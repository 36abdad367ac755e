"""The one navigation of every page, in the order of a tournament day."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse


class Item(NamedTuple):
    """`icon` is a name of Material Symbols, `view` that of the page, which `permission` opens."""

    title: str
    icon: str
    view: str
    permission: str


ITEMS = (
    Item("Today", "today", "admin:index", "events.view_pssevent"),
    Item("Live", "sensors", "live", "events.view_pssevent"),
    Item("Matches", "sports_martial_arts", "admin:events_match_changelist", "events.view_match"),
    Item("Events", "list", "admin:events_pssevent_changelist", "events.view_pssevent"),
    Item("Unknown messages", "help", "admin:events_unknownmessage_changelist", "events.view_unknownmessage"),
    Item("Athletes", "groups", "admin:events_athlete_changelist", "events.view_athlete"),
    Item("Tournaments", "trophy", "admin:tournaments_tournament_changelist", "tournaments.view_tournament"),
    Item("Courts", "grid_view", "admin:tournaments_court_changelist", "tournaments.view_court"),
    Item("Context", "event_available", "context", "tournaments.view_contextchange"),
    Item("Displays", "tv", "admin:events_display_changelist", "events.view_display"),
    Item("Replay", "replay", "replays", "events.view_replay"),
    Item("Pre-flight", "fact_check", "preflight", "events.view_pssevent"),
    Item("Backups", "inventory_2", "admin:events_backup_changelist", "events.view_backup"),
    Item("Health", "monitor_heart", "health", "events.view_pssevent"),
    Item("Alerts", "notifications", "alerts", "events.view_alert"),
    Item("API tokens", "key", "admin:events_apitoken_changelist", "events.view_apitoken"),
    Item("Users", "person", "admin:auth_user_changelist", "auth.view_user"),
)


def environment(request: HttpRequest) -> list[str] | None:
    """The badge beside the title, so that nobody takes the demo for the tournament."""
    return ["Demo", "warning"] if settings.DEMO else None


def links(request: HttpRequest) -> list[dict[str, Any]]:
    """What the user may open: `title`, `icon`, `url`, and whether it is the page, or one below it."""
    home = reverse("admin:index")
    found = []
    for item in ITEMS:
        if request.user.has_perm(item.permission):
            url = reverse(item.view)
            here = request.path == url or (url != home and request.path.startswith(url))
            found.append({"title": item.title, "icon": item.icon, "url": url, "is_here": here})
    return found
