"""Pages beside the admin's own; each is inside its frame and behind its sign-in."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from events.alerts.showing import banners
from events.archive.seeing import Event, find_event, neighbours
from events.details import detail_rows, value_text
from events.kinds import Kind, Status
from events.live.status import epoch_ms
from events.situation import Situation
from events.words import describe
from tournaments.models import Court, Tournament

# Events shown before and after one, from the same sender.
NEIGHBOURS = 5


@permission_required("events.view_pssevent", raise_exception=True)
def live(request: HttpRequest) -> HttpResponse:
    """The live page; everything that moves comes over `/ws/live/`."""
    return render(
        request,
        "live/live.html",
        {
            **admin.site.each_context(request),
            "title": "Live",
            "courts": Court.objects.all(),
            "tournaments": Tournament.objects.all()[:100],
            "kinds": Kind.choices,
            "statuses": Status.choices,
            "may_set": request.user.has_perm("tournaments.set_context"),
        },
    )


@permission_required("events.view_pssevent", raise_exception=True)
@never_cache
def live_problems(request: HttpRequest) -> HttpResponse:
    """The banners as they are now, HTML, for the live page to put in place of the old ones."""
    context = {**banners(request, Situation()), "next": reverse("live")}
    return render(request, "events/_problems.html", context)


@permission_required("events.view_pssevent", raise_exception=True)
def live_event(request: HttpRequest, pk: int) -> JsonResponse:
    """Every field of one event and its neighbours, for the drawer. Times are epoch milliseconds."""
    event = find_event(pk, "court", "day__tournament", "tournament", "match", "session")
    if event is None:
        raise Http404("There is no such event.")
    return JsonResponse(
        {
            "id": event.pk,
            "url": event.get_absolute_url(),
            "words": describe(event),
            "zone": event.tournament.time_zone if event.tournament else timezone.get_current_timezone_name(),
            "fields": _fields(event),
            "match": {"name": str(event.match), "url": event.match.get_absolute_url()}
            if event.match
            else None,
            "time": epoch_ms(event.received_at),
            "raw": event.raw,
            "neighbours": [_neighbour(other, event) for other in neighbours(event, NEIGHBOURS)],
        }
    )


def _fields(event: Event) -> dict[str, Any]:
    """Label -> text or number, in the order they are shown."""
    fields = {
        "Kind": event.get_kind_display(),
        "Code": event.stream,
        "Athlete": event.get_athlete_display() if event.athlete else "",
        "Value": value_text(event),
        "Round": event.round,
        "Match clock": event.clock_ms,
        **dict(detail_rows(event)),
        "Status": event.get_status_display(),
        "Error": event.error,
        "Court": str(event.court) if event.court else "none",
        "Tournament day": str(event.day) if event.day else "none",
        "Match": str(event.match) if event.match else "none",
        "Sender": str(event.session),
        "Number in its session": event.sequence,
        "Time until stored": f"{event.processing_ms:.1f} ms",
    }
    return {label: value for label, value in fields.items() if value not in (None, "")}


def _neighbour(other: Event, event: Event) -> dict[str, Any]:
    return {
        "id": other.pk,
        "time": epoch_ms(other.received_at),
        "words": describe(other),
        "this": other.pk == event.pk,
    }
