"""What is stored of something, and what may be missing."""

from __future__ import annotations

from typing import Any

from django import template

from events import losses
from events.models import Match

register = template.Library()


@register.inclusion_tag("events/_match_ledger.html")
def match_ledger(match: Match) -> dict[str, Any]:
    """The section of a match's page that says what may be missing of it."""
    return {"ledger": losses.of_match(match)}
