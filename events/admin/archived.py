"""The list of events in the archive. The page of one is that of any event."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from events import sheets
from events.admin.bounded import BoundedChangeList
from events.admin.events import PssEventAdmin
from events.admin.filters import DayFilter, MatchFilter, TournamentFilter
from events.models import ArchivedPssEvent


@admin.register(ArchivedPssEvent)
class ArchivedPssEventAdmin(PssEventAdmin):
    sheet = sheets.ARCHIVED_EVENTS
    # Only what an index of the archive answers.
    list_filter = [TournamentFilter, DayFilter, MatchFilter]
    list_select_related = ["court", "match", "tournament", "reading"]
    list_before_template = "events/_archived_list_head.html"
    search_fields = []

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BoundedChangeList]:
        return BoundedChangeList

    def get_ordering(self, request: HttpRequest) -> list[str]:
        asked = {name for name, value in request.GET.items() if value}
        if asked & {"match", "day"}:
            return ["-received_at", "-id"]
        return ["-day_id", "-received_at", "-id"] if "tournament" in asked else ["-id"]
