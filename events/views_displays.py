"""What staff do with displays beside changing them: make one for a court, reload, revoke, renew."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from events.asked import key_of
from events.models_display import Display, View
from tournaments.models import Court


@require_POST
@permission_required("events.add_display", raise_exception=True)
def make(request: HttpRequest) -> HttpResponse:
    """A display for `view` and `court` of the form, and its page, where the address is ready to copy."""
    view = request.POST.get("view", "")
    court = Court.objects.filter(pk=key_of(request.POST.get("court"))).first()
    if view not in View.values or (court is None and view != View.WALL):
        messages.error(request, "Choose a court and what to show of it.")
        return redirect("admin:events_display_changelist")
    if view == View.WALL:
        court = None
    display = Display(view=view, court=court)
    display.name = display.shows()[:100]
    display.save()
    messages.success(
        request, "Made. Copy its address into a browser source of OBS, or open it on the screen."
    )
    return redirect(display)


@require_POST
@permission_required("events.change_display", raise_exception=True)
def reload(request: HttpRequest, pk: int) -> HttpResponse:
    display = get_object_or_404(Display, pk=pk)
    display.reload()
    messages.success(request, "It reloads within a second, wherever it is open.")
    return redirect(display)


@require_POST
@permission_required("events.revoke_display", raise_exception=True)
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    display = get_object_or_404(Display, pk=pk)
    display.revoke()
    messages.success(request, "Revoked. Wherever it was open it is transparent within a second.")
    return redirect(display)


@require_POST
@permission_required("events.revoke_display", raise_exception=True)
def renew(request: HttpRequest, pk: int) -> HttpResponse:
    display = get_object_or_404(Display, pk=pk)
    display.renew()
    messages.success(request, "It has a new address. The one of before shows nothing any more.")
    return redirect(display)
