"""Screens through the whole router: what a key opens, what it is sent, and how the registry steers it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser

from events.live import current_feed, screens
from events.models import Display
from tests.events.live_stage import (
    ORIGIN,
    Viewer,
    astore,
    cookie_of,
    feed_ends,
    make_session,
    points,
    viewing,
)
from tests.factories import CourtFactory, DisplayFactory, UserFactory

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio,
    pytest.mark.usefixtures("no_connection_left"),
]

PATH = "/ws/screen/"
LOAD = {"stream": "pre", "kind": "load", "athlete": 0}
ATHLETES = {
    "stream": "at1",
    "kind": "athletes",
    "athlete": 0,
    "details": {"blue": {"short": "LEE", "long": "LEE DH", "ioc": "GER"}, "red": None},
}


def score(blue: int, red: int) -> dict[str, Any]:
    return {"stream": "sc1", "kind": "score", "athlete": 0, "details": {"blue": blue, "red": red}}


make_display = sync_to_async(DisplayFactory)


@asynccontextmanager
async def screen(display: Display) -> AsyncIterator[Viewer]:
    """A screen without a session, opened by the key of a display."""
    async with feed_ends(), viewing(AnonymousUser(), f"?key={display.key}", PATH) as viewer:
        yield viewer


async def change(display: Display, **values: Any) -> None:
    await Display.objects.filter(pk=display.pk).aupdate(**values)


# --- Who may -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "x", "AAAAAAAAAAAAAAAAAAAAAA.bad", "%00", "x" * 3000])
async def test_wrong_key_is_refused(key: str) -> None:
    await make_display()
    async with feed_ends():
        viewer = Viewer(AnonymousUser(), f"?key={key}", ORIGIN, PATH)
        connected, _ = await viewer.connect()
        await viewer.socket.disconnect()
        assert not connected
        assert current_feed().viewers == 0


async def test_key_of_another_origin_is_refused() -> None:
    display = await make_display()
    async with feed_ends():
        viewer = Viewer(
            AnonymousUser(), f"?key={display.key}", (b"origin", b"http://elsewhere.example"), PATH
        )
        assert not (await viewer.connect())[0]
        await viewer.socket.disconnect()


@pytest.mark.parametrize(("user", "code"), [({"is_staff": False}, 4401), ({}, 4403)])
async def test_without_a_key_it_takes_a_session_that_may_see(user: dict[str, Any], code: int) -> None:
    someone = await sync_to_async(UserFactory)(**user)
    async with feed_ends():
        viewer = Viewer(await sync_to_async(cookie_of)(someone), "", ORIGIN, PATH)
        assert await viewer.connect() == (False, code)
        await viewer.socket.disconnect()


# --- What it is sent -----------------------------------------------------------------------------------


async def test_key_opens_the_state_of_its_court_and_nothing_else() -> None:
    session, other = await make_session(), await make_session()
    display = await make_display(court=session.court)
    stored = await astore(session, LOAD, ATHLETES, score(3, 1))
    await astore(other, LOAD, score(9, 9))
    async with screen(display) as viewer:
        first = await viewer.receive("snapshot")
        assert set(first) == {"type", "now", "heard", "courts", "cards"}
        assert first["type"] == "snapshot"
        (court,) = first["cards"]
        assert court == str(session.court_id)
        card = first["cards"][court]
        assert first["heard"] == {court: int(stored[-1].received_at.timestamp() * 1000)}
        assert first["courts"] == {court: {"number": session.court.number, "name": session.court.name}}
        assert (card["blue"]["name"], card["blue"]["flag"], card["blue"]["score"]) == ("LEE DH", "DE", 3)
        # Neither keys of the database nor what only staff should read.
        assert not {"match", "day", "tournament", "problems", "heard"} & set(card)
        assert not {"hits", "best_hit"} & set(card["blue"])
        # What another court does brings it nothing but the next beat.
        await astore(other, score(10, 9))
        await astore(session, score(4, 1))
        message = await viewer.until(lambda told: told["cards"])
        assert [message["cards"][court]["blue"]["score"], list(message["cards"])] == [4, [court]]
        assert list(message["heard"]) == [court]


async def test_wall_has_every_active_court() -> None:
    session, other = await make_session(), await make_session()
    resting = await sync_to_async(CourtFactory)(active=False)
    display = await make_display(court=None, view="wall")
    await astore(session, LOAD, score(1, 0))
    await astore(other, LOAD, score(2, 0))
    async with screen(display) as viewer:
        first = await viewer.receive("snapshot")
        both = {str(session.court_id), str(other.court_id)}
        assert set(first["courts"]) == set(first["cards"]) == both
        await sync_to_async(type(resting).objects.filter(pk=resting.pk).update)(active=True)
        message = await viewer.until(lambda told: "courts" in told)
        assert set(message["courts"]) == {*both, str(resting.pk)}


async def test_wall_shows_the_match_of_a_court_that_is_active_again() -> None:
    session, other = await make_session(), await make_session()
    court = session.court
    await sync_to_async(type(court).objects.filter(pk=court.pk).update)(active=False)
    display = await make_display(court=None, view="wall")
    await astore(session, LOAD, score(1, 0))
    await astore(other, LOAD, score(2, 0))
    async with screen(display) as viewer:
        assert set((await viewer.receive("snapshot"))["cards"]) == {str(other.court_id)}
        await sync_to_async(type(court).objects.filter(pk=court.pk).update)(active=True)
        message = await viewer.until(lambda told: "courts" in told)
        # What has not changed is not sent again.
        assert list(message["cards"]) == [str(court.pk)]
        assert message["cards"][str(court.pk)]["blue"]["score"] == 1


async def test_session_opens_a_court_without_a_key(cookie: str) -> None:
    session = await make_session()
    await astore(session, LOAD, score(1, 0))
    async with feed_ends(), viewing(cookie, f"?court={session.court_id}", PATH) as viewer:
        assert list((await viewer.receive())["cards"]) == [str(session.court_id)]


async def test_hits_are_no_news_for_a_screen() -> None:
    session = await make_session()
    display = await make_display(court=session.court)
    await astore(session, LOAD, score(1, 0))
    async with screen(display) as viewer:
        before = await viewer.receive("snapshot")
        await astore(session, *[{"stream": "hl1", "kind": "hit", "value": 40, "details": {}}] * 5)
        message = await viewer.receive()
        assert message["cards"] == {}
        court = str(session.court_id)
        assert message["heard"][court] >= before["heard"][court]


async def test_display_without_a_court_is_sent_no_card() -> None:
    session = await make_session()
    await astore(session, LOAD, score(1, 0))
    async with screen(await make_display(court=None)) as viewer:
        assert (await viewer.receive("snapshot"))["cards"] == {}


# --- The registry ----------------------------------------------------------------------------------------


async def test_revoking_tells_the_screen_and_shuts_it_out() -> None:
    display = await make_display()
    async with screen(display) as viewer:
        await viewer.receive("snapshot")
        await sync_to_async((await Display.objects.aget()).revoke)()
        assert await viewer.receive("revoked") == {"type": "revoked"}
        while (output := await viewer.socket.receive_output(5))["type"] == "websocket.send":
            assert json.loads(output["text"])["type"] != "cards"
        assert (output["type"], output["code"]) == ("websocket.close", 4403)
        again = Viewer(AnonymousUser(), f"?key={display.key}", ORIGIN, PATH)
        assert not (await again.connect())[0]
        await again.socket.disconnect()


async def test_a_new_address_ends_the_old_one() -> None:
    display = await make_display()
    async with screen(display) as viewer:
        await viewer.receive("snapshot")
        await sync_to_async((await Display.objects.aget()).renew)()
        await viewer.receive("revoked")


async def test_deleting_ends_the_screen() -> None:
    async with screen(await make_display()) as viewer:
        await viewer.receive("snapshot")
        await Display.objects.all().adelete()
        await viewer.receive("revoked")


async def test_registry_steers_the_open_screen() -> None:
    display = await make_display()
    other = await sync_to_async(CourtFactory)()
    async with screen(display) as viewer:
        await viewer.receive("snapshot")
        await change(display, swap_sides=True, size=150)
        settings = await viewer.receive("settings")
        assert (settings["swap"], settings["size"], settings["after"]) == (True, 150, 120)
        await change(display, court=other)
        assert (await viewer.receive("go"))["url"] == f"/overlay/{other.number}/?key={display.key}"
        await change(display, view="wall")
        assert (await viewer.receive("go"))["url"] == f"/wall/?key={display.key}"
        await sync_to_async(display.reload)()
        await viewer.receive("reload")


async def test_screen_that_comes_back_is_told_what_was_changed_meanwhile() -> None:
    display = await make_display()
    async with screen(display) as viewer:
        assert (await viewer.receive())["swap"] is False
    await change(display, view="lower-third", swap_sides=True, size=50)
    async with screen(display) as viewer:
        expected = {"type": "settings", "view": "lower-third", "swap": True, "size": 50}
        assert await viewer.receive() == {**expected, "stale": "hide", "after": 120}


async def test_being_connected_is_written_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screens, "LOOK_EVERY_S", 0.02)
    display = await make_display()
    async with screen(display) as viewer:
        await viewer.receive("snapshot")
        async with asyncio.timeout(15):
            while (seen := (await Display.objects.aget()).seen_at) is None:
                await viewer.receive("cards")
        await viewer.receive("cards")
        now = await Display.objects.aget()
        assert (now.seen_at, now.is_connected()) == (seen, True)
        await viewer.socket.disconnect()
        task = current_feed().screens._task
        assert task
        await asyncio.wait_for(task, 15)  # ends when it has written that nobody is left
        assert not (await Display.objects.aget()).is_connected()


async def test_screen_that_enters_while_the_registry_is_read_stays() -> None:
    registry = screens.Screens()
    early, late = [screens.Screen(registry.stage, 0, await make_display()) for _ in range(2)]
    async with feed_ends():
        assert registry.enter(early)
        found = await sync_to_async(registry._look)()
        assert registry.enter(late)
        assert not registry._tell(found)
        await Display.objects.all().adelete()
        assert registry._tell(await sync_to_async(registry._look)())
        await registry.stop()
    assert (early.closed, late.closed) == (True, True)


# --- Bounds ------------------------------------------------------------------------------------------------


async def test_number_of_screens_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screens, "MOST_OF_ONE", 1)
    display, other = await make_display(), await make_display()
    async with screen(display) as viewer:
        await viewer.receive("snapshot")
        again = Viewer(AnonymousUser(), f"?key={display.key}", ORIGIN, PATH)
        assert await again.connect() == (False, 1013)
        await again.socket.disconnect()
        async with viewing(AnonymousUser(), f"?key={other.key}", PATH) as second:
            await second.receive("snapshot")


async def test_slow_screen_is_passed_over_and_gets_the_newest_when_it_reads_again() -> None:
    stage = screens.Stage()
    stage.name({1: {"number": 1, "name": "Court 1"}})
    slow = screens.Screen(stage, 1)

    def show(points: int) -> list[str]:
        side = dict.fromkeys(screens._SIDE, "")
        card = {**dict.fromkeys(screens._CARD), "heard": 0, "blue": {**side, "score": points}, "red": side}
        stage.show({1: card})
        return slow.take()

    assert len(show(0)) == 1
    slow.acknowledge('{"ack": 1}')
    sent = [len(show(points)) for points in range(1, 200)]
    assert sum(sent) == 51
    assert sent[-1] == 0
    slow.acknowledge('{"ack": 52}')
    (text,) = show(200)
    assert json.loads(text)["cards"]["1"]["blue"]["score"] == 200


async def test_screens_do_not_hold_up_the_live_page(cookie: str) -> None:
    session = await make_session()
    display = await make_display(court=session.court)
    # This screen never reads.
    async with screen(display), viewing(cookie) as viewer:
        await viewer.receive("snapshot")
        for _ in range(5):
            await astore(session, *points(10))
        assert len(await viewer.rows(50)) == 50
