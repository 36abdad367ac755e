"""Archiving a tournament and bringing it back: what would happen in numbers, doing it, how far it is."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from events.archive import room, runs, scope
from events.archive.scope import Part
from events.asked import signed_in
from events.models import ArchiveRun
from tournaments.models import Progress, Tournament

Direction = ArchiveRun.Direction


@require_http_methods(["GET", "POST"])
@permission_required("events.archive_events", raise_exception=True)
@never_cache
def archive_page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: how many events there are here and there. POST: begins to move them, as `direction` says."""
    tournament = get_object_or_404(Tournament, pk=pk)
    timezone.activate(tournament.tz)
    if request.method == "POST":
        return _begin(request, tournament)
    live, archived = scope.to_archive(tournament), scope.to_bring_back(tournament)
    context = {
        **admin.site.each_context(request),
        "title": f"Archive of {tournament}",
        "tournament": tournament,
        "why_not": scope.why_not(tournament) if live.events else "",
        "finished": tournament.status == Progress.FINISHED,
        "live": _numbers(live),
        "archived": _numbers(archived),
        **_progress(tournament),
    }
    return TemplateResponse(request, "events/archive.html", context)


@require_GET
@permission_required("events.archive_events", raise_exception=True)
@never_cache
def archive_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that says how far it is, HTML, to put in place of the old."""
    tournament = get_object_or_404(Tournament, pk=pk)
    timezone.activate(tournament.tz)
    return render(request, "events/_archive_progress.html", _progress(tournament))


def _begin(request: HttpRequest, tournament: Tournament) -> HttpResponse:
    direction = request.POST.get("direction")
    if direction not in Direction.values:
        raise Http404
    archiving = direction == Direction.ARCHIVE
    part = scope.to_archive(tournament) if archiving else scope.to_bring_back(tournament)
    if not part.events:
        messages.info(request, "There is nothing to move any more.")
    elif archiving and (reason := scope.why_not(tournament)):
        messages.error(request, reason)
    else:
        try:
            run = runs.begin(direction, [part], signed_in(request))
        except runs.NotBegunError as error:
            messages.error(request, str(error))
        else:
            runs.in_background(run, [part])
    return redirect("archive_tournament", tournament.pk)


def _numbers(part: Part) -> dict[str, Any]:
    large, small = room.estimate(part.events)
    return {
        "events": part.events,
        "matches": part.matches,
        "live_bytes": large,
        "archived_bytes": small,
        "before": part.before,
    }


def _progress(tournament: Tournament) -> dict[str, Any]:
    """What goes on at this moment, of any tournament, and what was last done to this one."""
    run = runs.to_show(tournament.pk)
    return {
        "tournament": tournament,
        "run": run,
        "is_mine": run is not None and run.tournament_key == tournament.pk,
        "archiving": run is not None and run.direction == Direction.ARCHIVE,
    }
