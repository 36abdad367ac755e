"""Overlays and the wall: pages that a key opens without a session, and a session without a key."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from events.models_display import Display, View
from tournaments.models import Court


@require_safe
@never_cache
def overlay(request: HttpRequest, court: int) -> HttpResponse:
    """Scoreboard or lower third of one court, on a transparent ground."""
    return _screen(request, "screens/overlay.html", court)


@require_safe
@never_cache
def wall(request: HttpRequest) -> HttpResponse:
    """The cards of all active courts, as large as the screen allows."""
    return _screen(request, "screens/wall.html", None)


def _screen(request: HttpRequest, template: str, number: int | None) -> HttpResponse:
    if "key" in request.GET:
        display = Display.objects.by_key(request.GET["key"])
        if display is None:
            return _nothing(request)
        page = display.path.partition("?")[0]
        if request.path != page:
            # It was given another court, or other work, since the address was typed in.
            return redirect(f"{page}?{request.GET.urlencode()}")
        context = {"display": display, "options": display.options(), "title": display.name}
        return render(request, template, context)
    if not (request.user.is_authenticated and request.user.is_staff):
        return redirect_to_login(request.get_full_path())
    if not request.user.has_perm("events.view_pssevent"):
        raise PermissionDenied
    court = Court.objects.filter(number=number).first() if number is not None else None
    if number is not None and court is None:
        return _nothing(request)
    usual = Display(view=_view(request.GET.get("view")) if court else View.WALL)
    context = {"court": court, "options": usual.options(), "title": str(court or "Wall")}
    return render(request, template, context)


def _view(name: str | None) -> str:
    return View.LOWER_THIRD if name == View.LOWER_THIRD else View.SCOREBOARD


def _nothing(request: HttpRequest) -> HttpResponse:
    """Transparent as well: a program for streams shows whatever it is answered."""
    context: dict[str, Any] = {"title": "No such screen"}
    return render(request, "screens/nothing.html", context, status=404)
