"""Athletes, as the scoring systems wrote them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse

from events.models import Athlete, Match
from tournaments.adminbase import ReadOnlyAdmin

MATCHES = 50


@admin.register(Athlete)
class AthleteAdmin(ReadOnlyAdmin):
    list_display = ["name", "short_name", "country"]
    search_fields = ["name", "short_name", "country"]
    search_help_text = "Name or country"
    list_per_page = 100
    fields = ["name", "short_name", "country"]
    change_form_outer_after_template = "events/_athlete_matches.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if (athlete := kwargs.get("obj")) is not None:
            matches = Match.objects.filter(Q(blue=athlete) | Q(red=athlete))
            related = matches.select_related("day__tournament", "court", "blue", "red")
            context["matches"] = related.order_by("-loaded_at")[:MATCHES]
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response
