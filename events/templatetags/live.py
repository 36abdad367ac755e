"""Tags that put live parts on a page.

{% load live %} … {% live_cards %}   the card of every active court, kept up to date by itself

The page needs `static/live/live.css` in its head; the tag brings the script.
"""

from typing import Any

from django import template

from tournaments.models import Court

register = template.Library()


@register.inclusion_tag("live/_cards.html")
def live_cards(connect: bool = True) -> dict[str, Any]:
    """The cards. `connect=False`: a script of the page feeds them from a connection of its own."""
    return {"courts": Court.objects.filter(active=True), "connect": connect}
