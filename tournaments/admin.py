"""Tournaments, their days, courts and context changes in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html

from tournaments import announce, sheets
from tournaments.adminbase import HistoryAdmin, ReadOnlyAdmin, column
from tournaments.context import ContextTimeline
from tournaments.export.admin import ExportAdmin
from tournaments.forms import TournamentForm
from tournaments.imports.admin import ImportAdmin
from tournaments.imports.lists import CourtResource, TournamentResource
from tournaments.models import ContextChange, Court, Progress, Tournament, TournamentDay
from tournaments.views import court_rows, together

PROGRESS_COLOURS = {Progress.PLANNED: "info", Progress.RUNNING: "success", Progress.FINISHED: "default"}


def day_cards(tournament: Tournament, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the row of cards shows of each day: three queries, however many days. `rows`: `court_rows()`."""
    days = tournament.days.order_by("number")
    # Totals from the tallies, through the names other apps gave to their side of the relation.
    events = dict(days.values_list("pk").annotate(Sum("hour_tallies__events")))
    matches = dict(days.values_list("pk").annotate(Count("matches")))
    in_force = _days_in_force(rows)
    today = tournament.today()
    return [
        {
            "day": day,
            "events": events[day.pk] or 0,
            "matches": matches[day.pk],
            "in_force": in_force.get(day.pk, ""),
            "is_today": day.date == today,
        }
        for day in days
    ]


def _days_in_force(rows: list[dict[str, Any]]) -> dict[int, str]:
    """day id -> where it holds now, in words"""
    if not rows:
        # No court was heard yet; what was set for all courts waits for them.
        everywhere = ContextTimeline.load().steps(None)[1]
        return {everywhere[-1]: announce.places([])} if everywhere and everywhere[-1] else {}
    courts: dict[int, list[Court]] = {}
    for row in rows:
        if row["day_id"]:
            courts.setdefault(row["day_id"], []).append(row["court"])
    return {day: announce.places([] if len(on) == len(rows) else on) for day, on in courts.items()}


@admin.register(Tournament)
class TournamentAdmin(ImportAdmin, HistoryAdmin):
    sheet = sheets.TOURNAMENTS
    resource_classes = [TournamentResource]
    form = TournamentForm
    list_display = ["name", "dates", "place", "progress"]
    list_filter = ["status"]
    search_fields = ["name", "city", "venue"]
    list_per_page = 50
    change_form_outer_before_template = "tournaments/_days.html"
    warn_unsaved_form = True
    actions = ["archive", "bring_back"]

    class Media:
        js = ("staff/tournament.js",)

    add_fieldsets = [
        (None, {"fields": ["name", ("start_date", "end_date"), "time_zone"]}),
        ("Where (can wait)", {"fields": ["city", "country", "venue"]}),
    ]
    fieldsets = [
        (None, {"fields": ["name", ("start_date", "end_date"), "time_zone", "status"]}),
        ("Where", {"fields": ["city", "country", "venue"]}),
        ("More", {"fields": ["notes", "slug"]}),
    ]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"start_date": timezone.localdate(), **super().get_changeform_initial_data(request)}

    @column("dates", ordering="start_date")
    def dates(self, tournament: Tournament) -> str:
        start, end = tournament.start_date, tournament.end_date
        last = date_format(end, "j M Y")
        return last if start == end else f"{date_format(start, 'j M')} to {last}"

    @column("where")
    def place(self, tournament: Tournament) -> str:
        return " · ".join(part for part in (tournament.city, tournament.country) if part) or "—"

    @column("status", ordering="status", label=PROGRESS_COLOURS)
    def progress(self, tournament: Tournament) -> tuple[str, str]:
        return tournament.status, tournament.get_status_display()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # Each is deleted by itself, by typing its name.
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    @admin.action(description="Archive…", permissions=["archive"])
    def archive(self, request: HttpRequest, tournaments: QuerySet[Tournament]) -> HttpResponse | None:
        return self._archive_page(request, tournaments)

    @admin.action(description="Bring back from the archive…", permissions=["archive"])
    def bring_back(self, request: HttpRequest, tournaments: QuerySet[Tournament]) -> HttpResponse | None:
        return self._archive_page(request, tournaments)

    def _archive_page(self, request: HttpRequest, tournaments: QuerySet[Tournament]) -> HttpResponse | None:
        """The page that says what would happen, and asks. It belongs to the app with the events."""
        if len(tournaments) == 1:
            return redirect("archive_tournament", tournaments[0].pk)
        self.message_user(request, "Choose one tournament at a time.", messages.WARNING)
        return None

    def has_archive_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("events.archive_events")

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django's page lists every row that would go; ours counts them, and backs up before."""
        tournament = self.get_object(request, object_id)
        if not self.has_delete_permission(request, tournament):
            raise PermissionDenied
        if tournament is None:
            return redirect("admin:tournaments_tournament_changelist")
        return redirect("delete_tournament", tournament.pk)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = kwargs.get("obj")
        if obj is not None:
            # As it is stored, not as it was typed: what was typed may have been refused.
            rows = court_rows()
            context["rows"] = together(rows)
            context["day_cards"] = day_cards(Tournament.objects.get(pk=obj.pk), rows)
            context["history"] = (
                ContextChange.objects.filter(day__tournament=obj)
                .select_related("day__tournament", "court", "user")
                .order_by("-effective_at", "-id")[:10]
            )
            context["may_set"] = request.user.has_perm("tournaments.set_context")
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    def response_add(
        self, request: HttpRequest, obj: Tournament, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Straight to its page, where the days can be made active."""
        response: HttpResponse = super().response_add(request, obj, post_url_continue)
        plain = not {"_addanother", "_popup"} & set(request.POST)
        return redirect(obj) if plain else response


@admin.register(TournamentDay)
class TournamentDayAdmin(ExportAdmin, HistoryAdmin):
    """A day's dates belong to its tournament; here its status can be set."""

    sheet = sheets.DAYS
    list_display = ["__str__", "date", "progress"]
    list_filter = ["status"]
    list_select_related = ["tournament"]
    ordering = ["-date", "tournament"]
    readonly_fields = ["tournament", "number", "date"]
    fields = ["tournament", ("number", "date"), "status"]
    change_form_outer_before_template = "tournaments/_day.html"

    @column("status", ordering="status", label=PROGRESS_COLOURS)
    def progress(self, day: TournamentDay) -> tuple[str, str]:
        return day.status, day.get_status_display()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: TournamentDay | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[TournamentDay]:
        days: QuerySet[TournamentDay] = super().get_queryset(request)
        return days.select_related("tournament")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = kwargs.get("obj")
        if obj is not None:
            cards = day_cards(obj.tournament, court_rows())
            context["card"] = next(card for card in cards if card["day"] == obj)
            context["may_set"] = request.user.has_perm("tournaments.set_context")
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response


@admin.register(Court)
class CourtAdmin(ImportAdmin, HistoryAdmin):
    sheet = sheets.COURTS
    resource_classes = [CourtResource]
    list_display = ["number_and_name", "sender", "active"]
    list_filter = ["active"]
    search_fields = ["name", "source"]
    fieldsets = [
        (None, {"fields": ["number", "name", "active"]}),
        (
            "Its scoring system",
            {
                "fields": ["source", "port"],
                "description": "What this court's datagrams come from. Filled in by itself when a new "
                "sender is first heard; change it when another machine takes the court over.",
            },
        ),
    ]

    @column("court", ordering="number", header=True)
    def number_and_name(self, court: Court) -> list[str]:
        return [str(court), f"number {court.number}"]

    @column("scoring system")
    def sender(self, court: Court) -> str:
        if not court.source:
            return "not heard yet"
        return f"{court.source}, port {court.port}" if court.port else court.source

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def has_delete_permission(self, request: HttpRequest, obj: Court | None = None) -> bool:
        """Not once it was heard: switch it off with “active” instead."""
        if not super().has_delete_permission(request, obj):
            return False
        return obj is None or not (obj.sessions.exists() or obj.matches.exists())


@admin.register(ContextChange)
class ContextChangeAdmin(ReadOnlyAdmin):
    """The whole history; changed on the context page only."""

    list_display = ["effective_at", "where", "day_in_force", "user"]
    list_select_related = ["court", "day__tournament", "user"]
    list_filter = [("court", admin.RelatedOnlyFieldListFilter)]
    list_per_page = 100

    @column("where")
    def where(self, change: ContextChange) -> str:
        return str(change.court or "All courts")

    @column("active from then on")
    def day_in_force(self, change: ContextChange) -> str:
        if change.day is None:
            return "no day"
        url = reverse("admin:tournaments_tournament_change", args=[change.day.tournament_id])
        return format_html('<a href="{}">{}</a>', url, change.day)
