"""Moving events to another day: a form, what would happen in numbers, and doing exactly that."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from events.forms import MoveForm
from events.models import EventMove
from events.moves import Preview, preview
from events.views_backup import begin_action


@require_http_methods(["GET", "POST"])
@permission_required("events.move_events", raise_exception=True)
def move_page(request: HttpRequest) -> HttpResponse:
    """GET: the form, and with its fields filled the preview. POST: begins it, if the numbers still hold."""
    asked = request.POST if request.method == "POST" else request.GET
    form = MoveForm(asked if "court" in asked else None)
    shown: Preview | None = None
    if form.is_bound and form.is_valid():
        shown = preview(form.where, form.cleaned_data["start"], form.cleaned_data["end"], form.chosen_day)
        # Numbers that nobody has seen are numbers that have changed.
        seen = [request.POST.get(f"expected_{name}", "") for name in ("events", "matches")]
        if request.method == "POST" and not shown.archived:
            if seen == [str(number) for number in shown.counts]:
                return _begin(request, form, shown)
            messages.warning(request, "Nothing was moved: the numbers have changed since. Look again.")
    if form.is_bound:
        timezone.activate(form.tz)
    return TemplateResponse(request, "events/move.html", _context(request, form, shown))


def _begin(request: HttpRequest, form: MoveForm, shown: Preview) -> HttpResponse:
    events, matches = map(str, shown.counts)
    command = ["move_events", *form.arguments, "--yes", "--expect", events, matches]
    # With what was asked, so that whoever is told of other numbers can look again.
    back = f"{reverse('move_events')}?{form.query}"
    return begin_action(request, "Moving events to another day", command, back=back, back_label="Back")


def _context(request: HttpRequest, form: MoveForm, shown: Preview | None) -> dict[str, Any]:
    return {
        **admin.site.each_context(request),
        "title": "Move events to another day",
        "form": form,
        "preview": shown,
        "zone": form.tz if form.is_bound else timezone.get_current_timezone_name(),
        "now": timezone.now(),
        "history": EventMove.objects.select_related("day__tournament", "court", "user")[:20],
    }
