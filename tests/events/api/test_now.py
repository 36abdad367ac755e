"""The live state over the API, asked of the application as a web server runs it."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from events.api.schemas import Card
from events.live import current_feed
from tests.events.api.conftest import bearer, make_token
from tests.events.live_stage import astore, feed_ends, make_session
from tests.factories import CourtFactory

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]

ATHLETES = {
    "kind": "athletes",
    "stream": "at1",
    "athlete": 0,
    "value": None,
    "details": {
        "blue": {"short": "LEE", "long": "LEE DH", "ioc": "KOR"},
        "red": {"short": "ROSSI", "long": "ROSSI V", "ioc": "ITA"},
    },
}
SCORE = {"kind": "score", "stream": "sc1", "athlete": 0, "value": None, "details": {"blue": 5, "red": 3}}


@pytest.mark.parametrize("scope", ["read", "live"])
async def test_live_tells_what_the_cards_show(no_connection_left: None, scope: str) -> None:
    session = await make_session()
    await sync_to_async(CourtFactory)(number=9000, name="", active=True)
    await sync_to_async(CourtFactory)(number=9001, active=False)
    _, text = await sync_to_async(make_token)(scope=scope)
    await astore(session, ATHLETES, SCORE)

    async with feed_ends():
        response = await AsyncClient().get("/api/v1/live", headers=bearer(text))
        assert response.status_code == 200, response.content
        # Kept awake for a while, so that the next answer comes from memory.
        assert current_feed().viewers == 0
        assert current_feed()._task is not None

    told = response.json()
    courts = {court["id"]: court for court in told["courts"]}
    heard, silent = courts.pop(session.court_id), courts.popitem()[1]
    assert (silent["number"], silent["name"], courts) == (9000, "Court 9000", {})
    assert silent["card"] is None
    assert heard["card"]["blue"] | {"score": 5, "name": "LEE DH", "ioc": "KOR"} == heard["card"]["blue"]
    assert set(heard["card"]) == set(Card.model_fields)
    assert (heard["card"]["red"]["score"], heard["card"]["red"]["short"]) == (3, "ROSSI")
    assert heard["card"]["heard"] <= told["now"]


async def test_live_is_for_those_who_may(no_connection_left: None) -> None:
    assert (await AsyncClient().get("/api/v1/live")).status_code == 401
