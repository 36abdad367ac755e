"""For the pages of the admin."""

from __future__ import annotations

from typing import Any

from django import template

from events.alerts.showing import banners
from events.situation import Situation
from events.today import may_see

register = template.Library()

BANNERS = ("problems", "alert_banner", "may_set")


@register.inclusion_tag("events/_problems.html", takes_context=True)
def problem_banners(context: template.Context) -> dict[str, Any]:
    """What is wrong now, on every page of the admin; nothing for those who may not see events."""
    request = context.get("request")
    if request is None or not may_see(request.user):
        return {"problems": []}
    # The front page has read it already.
    known = {name: context[name] for name in BANNERS} if "problems" in context else None
    return {
        **(known or banners(request, Situation())),
        "request": request,
        "next": request.get_full_path(),
        "csrf_token": context.get("csrf_token"),
    }
