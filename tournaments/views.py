"""The context page: which day is in force on each court, its history, and changing it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods

from tournaments import announce
from tournaments.context import ContextTimeline, set_context
from tournaments.forms import ContextForm
from tournaments.models import ContextChange, Court, TournamentDay

HISTORY = 50


def back(request: HttpRequest, otherwise: str) -> HttpResponse:
    """To where the button was, which is only ever a page of ours; `otherwise` names the page if none."""
    there = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(there, {request.get_host()}, request.is_secure())
    return HttpResponseRedirect(there) if ours else redirect(otherwise)


def court_rows() -> list[dict[str, Any]]:
    """One row for each active court: its day and since when it holds. Three queries."""
    timeline = ContextTimeline.load()
    rows: list[dict[str, Any]] = []
    now = timezone.now()
    for court in Court.objects.filter(active=True):
        moments, days = timeline.steps(court.pk)
        past = [index for index, moment in enumerate(moments) if moment <= now]
        rows.append(
            {
                "court": court,
                # As the form takes it.
                "court_values": [court.pk],
                "day_id": days[past[-1]] if past else None,
                "since": moments[past[-1]] if past else None,
            }
        )
    wanted = {row["day_id"] for row in rows if row["day_id"]}
    by_id = TournamentDay.objects.select_related("tournament").in_bulk(wanted)
    warnings = {pk: announce.not_today(day) for pk, day in by_id.items()}
    for row in rows:
        row["day"] = by_id.get(row["day_id"])
        row["not_today"] = warnings.get(row["day_id"], "")
    return rows


def together(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for the courts that have the same day since the same moment; `places` says which."""
    alike: dict[tuple[Any, Any], list[dict[str, Any]]] = {}
    for row in rows:
        alike.setdefault((row["day_id"], row["since"]), []).append(row)
    return [
        {**of[0], "places": announce.places([] if len(of) == len(rows) else [row["court"] for row in of])}
        for of in alike.values()
    ]


@require_GET
@permission_required("tournaments.view_contextchange", raise_exception=True)
def context_page(request: HttpRequest) -> HttpResponse:
    form = ContextForm(initial={"day": request.GET.get("day"), "court": [request.GET.get("court", "all")]})
    history = ContextChange.objects.select_related("day__tournament", "court", "user")[: HISTORY + 1]
    context = {
        **admin.site.each_context(request),
        "title": "Context",
        "form": form,
        "rows": court_rows(),
        "history": history[:HISTORY],
        "has_more": len(history) > HISTORY,
        "may_set": request.user.has_perm("tournaments.set_context"),
        "may_add_tournament": request.user.has_perm("tournaments.add_tournament"),
    }
    return TemplateResponse(request, "tournaments/context.html", context)


@require_http_methods(["GET", "POST"])
def set_context_view(request: HttpRequest) -> HttpResponse:
    """Fields `court` ("all", or one or more court ids), `day` (an id, or "none"), `next` (where to go).

    A GET changes nothing and leads to the page with the form.
    """
    if request.method == "GET":
        return redirect("context")
    if not request.user.has_perm("tournaments.set_context"):
        raise PermissionDenied
    form = ContextForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"Nothing was changed. {form.problem()}")
        return back(request, "context")
    courts, day = form.chosen_courts, form.chosen_day
    with transaction.atomic():
        # One moment for all of them, so that the history reads as the one act it was.
        now = timezone.now()
        changes = [set_context(day, court=court, user=request.user, at=now) for court in courts]
    messages.success(request, announce.in_force(changes[0], courts))
    return back(request, "context")
