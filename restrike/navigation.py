"""The one navigation of every page, in the order of a tournament day."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse_lazy


def environment(request: HttpRequest) -> list[str] | None:
    """The badge beside the title, so that nobody takes the demo for the tournament."""
    return ["Demo", "warning"] if settings.DEMO else None


def _may(permission: str) -> Any:
    def allowed(request: HttpRequest) -> bool:
        return request.user.has_perm(permission)

    return allowed


def _item(title: str, icon: str, url: str, permission: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(url), "permission": _may(permission)}


SIDEBAR = [
    {
        "items": [
            _item("Today", "today", "admin:index", "events.view_pssevent"),
            _item("Live", "sensors", "live", "events.view_pssevent"),
            _item("Matches", "sports_martial_arts", "admin:events_match_changelist", "events.view_match"),
            _item("Events", "list", "admin:events_pssevent_changelist", "events.view_pssevent"),
            _item(
                "Unknown messages",
                "help",
                "admin:events_unknownmessage_changelist",
                "events.view_unknownmessage",
            ),
            _item("Athletes", "groups", "admin:events_athlete_changelist", "events.view_athlete"),
            _item(
                "Tournaments",
                "trophy",
                "admin:tournaments_tournament_changelist",
                "tournaments.view_tournament",
            ),
            _item("Courts", "grid_view", "admin:tournaments_court_changelist", "tournaments.view_court"),
            _item(
                "Context",
                "event_available",
                "context",
                "tournaments.view_contextchange",
            ),
            _item("Displays", "tv", "admin:events_display_changelist", "events.view_display"),
            _item("Replay", "replay", "replays", "events.view_replay"),
            _item("Pre-flight", "fact_check", "preflight", "events.view_pssevent"),
            _item("Backups", "inventory_2", "admin:events_backup_changelist", "events.view_backup"),
            _item("Health", "monitor_heart", "health", "events.view_pssevent"),
            _item("Alerts", "notifications", "alerts", "events.view_alert"),
            _item("API tokens", "key", "admin:events_apitoken_changelist", "events.view_apitoken"),
            _item("Users", "person", "admin:auth_user_changelist", "auth.view_user"),
        ]
    }
]
