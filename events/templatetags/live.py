"""Tags that put live parts on a page.

{% load live %} … {% live_cards %}   the card of every active court, kept up to date by itself

The page needs `static/live/live.css` in its head; the tag brings the script.
"""

from typing import Any

from django import template

from events.models_replay import Replay
from tournaments.models import Court

register = template.Library()


@register.inclusion_tag("live/_cards.html")
def live_cards(connect: bool = True, replay: Replay | None = None) -> dict[str, Any]:
    """The cards. `connect=False`: a script of the page feeds them from a connection of its own.

    A replay brings its courts itself.
    """
    courts = Court.objects.none() if replay else Court.objects.filter(active=True)
    return {"courts": courts, "connect": connect}
