"""The list of matches, and the page of one match with its story."""

from __future__ import annotations

import gzip
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.decorators import method_decorator
from django.utils.formats import date_format
from django.utils.html import format_html
from django.views.decorators.http import require_safe
from unfold.contrib.filters.admin import DropdownFilter

from events import sheets, story_pages
from events.admin.bounded import BoundedAdmin
from events.admin.filters import CourtFilter, DayFilter, TournamentFilter
from events.asked import key_of
from events.match_facts import match_facts
from events.models import Match
from tournaments.adminbase import column

# A match without a winner is followed by its page for this long.
FOLLOWED = timedelta(hours=6)


class MatchTournamentFilter(TournamentFilter):
    def queryset(self, request: HttpRequest, matches: Any) -> Any:
        return matches.filter(day__tournament=key_of(self.value())) if self.value() else matches


class MatchDayFilter(DayFilter):
    def queryset(self, request: HttpRequest, matches: Any) -> Any:
        if not self.value():
            return matches
        return matches.filter(day=None if self.value() == "none" else key_of(self.value()))


class StateFilter(DropdownFilter):  # type: ignore[misc]  # the theme has no types
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("running", "Running"), ("done", "Done"), ("open", "Not decided")]

    def queryset(self, request: HttpRequest, matches: Any) -> Any:
        if self.value() == "running":
            return matches.running()
        if self.value() == "done":
            return matches.done()
        return matches.filter(winner="") if self.value() == "open" else matches


@admin.register(Match)
class MatchAdmin(BoundedAdmin):
    sheet = sheets.MATCHES
    list_display = ["number_text", "loaded", "where", "blue_name", "red_name", "rounds_text", "outcome"]
    list_display_links = ["number_text", "loaded"]
    list_filter = [MatchTournamentFilter, MatchDayFilter, CourtFilter, StateFilter]
    list_select_related = ["court", "day__tournament", "blue", "red"]
    search_fields = ["number__iexact", "blue__name", "red__name", "category"]
    search_help_text = "Match number, athlete or category"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Match]:
        matches: QuerySet[Match] = super().get_queryset(request)
        return matches.with_is_last()  # type: ignore[attr-defined,no-any-return]

    @column("match")
    def number_text(self, match: Match) -> str:
        return " · ".join(part for part in (match.number or "no number", match.phase) if part)

    @column("loaded")
    def loaded(self, match: Match) -> str:
        zone = match.day.tournament.tz if match.day else timezone.get_current_timezone()
        at = timezone.localtime(match.loaded_at, zone)
        today = at.date() == timezone.localdate(timezone=zone)
        return f"{at:%H:%M}" if today else f"{date_format(at, 'j M Y')} {at:%H:%M}"

    @column("court")
    def where(self, match: Match) -> str:
        return str(match.court or "—")

    @column("blue")
    def blue_name(self, match: Match) -> str:
        return self._side(match, "blue", "B")

    @column("red")
    def red_name(self, match: Match) -> str:
        return self._side(match, "red", "R")

    def _side(self, match: Match, side: str, letter: str) -> str:
        name = getattr(match, side) or "—"
        won = " rs-won" if match.winner == side else ""
        return format_html('<span class="rs-{}{}"><b>{}</b> {}</span>', side, won, letter, name)

    @column("rounds")
    def rounds_text(self, match: Match) -> str:
        scores = "  ".join(f"{blue}–{red}" for blue, red, *_ in match.rounds)
        return format_html('<span class="rs-figures">{}</span>', scores or "—")

    @column("result", label={"blue": "info", "red": "danger", "tie": "default", "running": "success"})
    def outcome(self, match: Match) -> tuple[str, str] | None:
        if match.winner:
            return match.winner, f"{match.get_winner_display()} {match.decision}".strip()
        return {"running": ("running", "running"), "no result": ("tie", "no result")}.get(match.state)

    def get_urls(self) -> list[URLPattern]:
        story = self.admin_site.admin_view(self.story_view)
        return [path("<path:object_id>/story/", story, name="events_match_story"), *super().get_urls()]

    @method_decorator(require_safe)
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page; with `?part=facts` only what is known of the match, for a page that follows it."""
        match = self._match(request, object_id)
        each = self.admin_site.each_context
        if match is None:
            context = {**each(request), "title": "No such match"}
            return TemplateResponse(request, "events/match_gone.html", context, status=404)
        if match.day:
            timezone.activate(match.day.tournament.tz)
        # A sender that left for good is not waited for.
        follows = match.is_last and not match.winner and timezone.now() - match.loaded_at < FOLLOWED
        context = {"match": match, "follows": follows, **match_facts(match)}
        if request.GET.get("part") == "facts":
            return TemplateResponse(request, "events/_match_facts.html", context)
        context = {
            **each(request),
            **context,
            "title": str(match),
            "zone": timezone.get_current_timezone_name(),
            "archived": match.archived_events.exists(),
        }
        return TemplateResponse(request, "events/match.html", context)

    @method_decorator(require_safe)
    def story_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The match's story as JSON (`events.story.Story`), or 304 while nothing has come since."""
        match = self._match(request, object_id)
        if match is None:
            return JsonResponse({"error": "There is no such match."}, status=404)
        marked = story_pages.mark(match)
        etag = f'"{marked}"'
        response: HttpResponse = HttpResponseNotModified()
        if request.headers.get("If-None-Match") != etag:
            text = story_pages.story_text(match, marked)
            zips = "gzip" in request.headers.get("Accept-Encoding", "")
            response = HttpResponse(text if zips else gzip.decompress(text), "application/json")
            if zips:
                response["Content-Encoding"] = "gzip"
        response["ETag"] = etag
        response["Cache-Control"] = "private, no-cache"
        patch_vary_headers(response, ["Accept-Encoding", "Cookie"])
        return response

    def _match(self, request: HttpRequest, object_id: str) -> Match | None:
        if not self.has_view_permission(request):
            raise PermissionDenied
        related = ("court", "day__tournament", "blue", "red")
        matches = Match.objects.with_is_last().select_related(*related)
        return matches.filter(pk=key_of(object_id)).first()
