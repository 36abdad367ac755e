"""The list of matches, and the page of one match with its timeline."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from unfold.contrib.filters.admin import DropdownFilter

from events.admin.bounded import BoundedChangeList, BoundedPaginator
from events.admin.filters import CourtFilter, DayFilter, TournamentFilter
from events.admin.lines import lines
from events.archive.seeing import events_of
from events.kinds import Outcome
from events.models import ArchivedPssEvent, Match
from events.words import clock_text, decision_text
from tournaments.adminbase import ReadOnlyAdmin, column

# A match has about 1,000 events, most of them ticks.
TIMELINE = 500
SIDES = ("referee", "blue", "red")


class MatchTournamentFilter(TournamentFilter):
    def queryset(self, request: HttpRequest, matches: Any) -> Any:
        return matches.filter(day__tournament=_key(self.value())) if self.value() else matches


class MatchDayFilter(DayFilter):
    def queryset(self, request: HttpRequest, matches: Any) -> Any:
        if not self.value():
            return matches
        return matches.filter(day=None if self.value() == "none" else _key(self.value()))


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


def _key(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0


@admin.register(Match)
class MatchAdmin(ReadOnlyAdmin):
    list_display = ["number_text", "loaded", "where", "blue_name", "red_name", "rounds_text", "outcome"]
    list_display_links = ["number_text", "loaded"]
    list_filter = [MatchTournamentFilter, MatchDayFilter, CourtFilter, StateFilter]
    list_filter_submit = True
    list_filter_sheet = False
    list_select_related = ["court", "day__tournament", "blue", "red"]
    list_per_page = 50
    list_max_show_all = 0
    list_fullwidth = True
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    actions = None
    search_fields = ["number__iexact", "blue__name", "red__name", "category"]
    search_help_text = "Match number, athlete or category"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Match]:
        matches: QuerySet[Match] = super().get_queryset(request)
        return matches.with_is_last()  # type: ignore[attr-defined,no-any-return]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BoundedChangeList]:
        return BoundedChangeList

    @column("match")
    def number_text(self, match: Match) -> str:
        return " · ".join(part for part in (match.number or "no number", match.phase) if part)

    @column("loaded")
    def loaded(self, match: Match) -> str:
        zone = match.day.tournament.tz if match.day else timezone.get_current_timezone()
        at = timezone.localtime(match.loaded_at, zone)
        today = at.date() == timezone.localdate(timezone=zone)
        return f"{at:%H:%M}" if today else f"{at:%d %b %Y %H:%M}"

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
        if not match.started_at or match.ended_at:
            return None
        # Annotated by `get_queryset`.
        is_last: bool = match.is_last  # type: ignore[attr-defined]
        return ("running", "running") if is_last else ("tie", "no result")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        related = ("court", "day__tournament", "blue", "red")
        match = Match.objects.with_is_last().select_related(*related).filter(pk=_key(object_id)).first()
        if match is None:
            raise Http404("There is no such match.")
        if match.day:
            timezone.activate(match.day.tournament.tz)
        context = {
            **self.admin_site.each_context(request),
            "title": str(match),
            "match": match,
            **match_facts(match),
            **_timeline(match, request),
        }
        return TemplateResponse(request, "events/match.html", context)


def match_facts(match: Match) -> dict[str, Any]:
    """A match in the words and figures of its page."""
    rounds = [
        {
            "number": number,
            "blue": scores[0] if scores else "",
            "red": scores[1] if scores else "",
            "winner": (scores[2] if scores and len(scores) > 2 else 0) or 0,
            "blue_gam_jeoms": gam_jeoms[0] if gam_jeoms else 0,
            "red_gam_jeoms": gam_jeoms[1] if gam_jeoms else 0,
        }
        for number, (scores, gam_jeoms) in enumerate(zip_longest(match.rounds, match.gam_jeoms), 1)
    ]
    planned = match.rounds_planned
    seconds = match.round_seconds
    form = f"{planned} round{'' if planned == 1 else 's'}" if planned else ""
    if form and seconds:
        form += f" of {clock_text(seconds * 1000)}"
    referees = match.referees or {}
    return {
        "rounds": rounds,
        "rounds_won": [sum(r["winner"] == side for r in rounds) for side in (1, 2)],
        "form": form,
        "decision": decision_text(match.decision) if match.decision else "",
        "tie": match.winner == Outcome.TIE,
        "referee": referees.get("referee"),
        "judges": [judge for judge in referees.get("judges") or [] if judge],
        "replays": [_replay_words(entry) for entry in match.replays],
        "injuries": [_stoppage_words(entry) for entry in match.injuries],
        "time_outs": [_stoppage_words(entry) for entry in match.time_outs],
    }


def _when(entry: dict[str, Any]) -> str:
    parts = [f"round {entry['round']}"] if entry.get("round") else []
    if entry.get("clock_ms") is not None:
        parts.append(f"at {clock_text(entry['clock_ms'])}")
    return " ".join(parts)


def _side_of(entry: dict[str, Any]) -> str:
    side = entry.get("side")
    return SIDES[side] if side in (0, 1, 2) else "referee"


def _replay_words(entry: dict[str, Any]) -> str:
    answer = {"opened": "not answered", "closed": "closed"}.get(entry.get("state", ""), entry.get("state"))
    won = "" if entry.get("won") is None else ", won" if entry["won"] else ", lost"
    return f"{_side_of(entry).capitalize()}, {_when(entry)}: {answer}{won}"


def _stoppage_words(entry: dict[str, Any]) -> str:
    side = entry.get("side")
    who = f"{SIDES[side].capitalize()}, " if side in (1, 2) else ""
    words = f"{who}{_when(entry)}" or "once"
    started, ended = entry.get("started_ns"), entry.get("ended_ns")
    return f"{words}, {max(ended - started, 0) // 1_000_000_000} s long" if started and ended else words


def _timeline(match: Match, request: HttpRequest) -> dict[str, Any]:
    """One page of the match's events in the order they came, without ticks unless asked for."""
    with_ticks = request.GET.get("ticks") == "1"
    page = max(min(_key(request.GET.get("page")), 1000), 1)
    found = events_of(match, (page - 1) * TIMELINE, TIMELINE + 1, with_ticks=with_ticks)
    return {
        "timeline": lines(found[:TIMELINE]),
        "with_ticks": with_ticks,
        "page": page,
        "has_next": len(found) > TIMELINE,
        "archived": any(isinstance(event, ArchivedPssEvent) for event in found),
    }
