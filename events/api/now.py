"""The live state: what the cards of the courts show."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest
from ninja import Router

from events.api import schemas
from events.api.access import Scope, readers
from events.api.places import court_of
from events.api.problems import ProblemError
from events.live import current_feed
from events.live.feed import now_ms
from tournaments.models import Court

router = Router(tags=["Live"])


@router.get("/live", response=schemas.Live, auth=readers("events.view_pssevent", scopes=(Scope.LIVE,)))
def get_live(request: HttpRequest) -> Any:
    """Every active court as its scoreboard stands now.

    Ask as often as once a second: the answer comes from memory. A clock that runs is told with the moment
    it was told at, so that it can be counted down in between.
    """
    try:
        # On the loop of the web server, where the feed lives that the pages watch too.
        cards = async_to_sync(_cards)()
    except TimeoutError:
        raise ProblemError(503, "The database does not answer. Try again in a moment.") from None
    courts = [{**court_of(court), "card": cards.get(court.pk)} for court in Court.objects.filter(active=True)]
    return {"now": now_ms(), "courts": courts}


async def _cards() -> dict[int, dict[str, Any]]:
    """court id -> card. The feed goes on for a while, so that the next answer is at hand."""
    feed = current_feed()
    await feed.join(cards_only=True)
    try:
        return dict(feed.cards)
    finally:
        feed.leave()
