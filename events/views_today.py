"""What the front page asks for every two seconds: its parts, drawn anew."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from events.today import load_today, page_context


@require_GET
@permission_required("events.view_pssevent", raise_exception=True)
@never_cache
def today_parts(request: HttpRequest) -> HttpResponse:
    """JSON `{"started": bool, "parts": {element id: HTML}}`."""
    today = load_today()
    context = page_context(request, today)
    parts = {
        "rs-problems": render_to_string("events/_problems.html", context, request),
        "rs-alerts": render_to_string("events/alerts/_today.html", context, request),
    }
    if today.started:
        parts["rs-days"] = render_to_string("events/_days_now.html", context, request)
        parts["rs-capture"] = render_to_string("events/_capture.html", context, request)
    else:
        parts["rs-checklist"] = render_to_string("events/_checklist.html", context, request)
    return JsonResponse({"started": today.started, "parts": parts})
