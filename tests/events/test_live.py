"""The live feed through the whole router: WebSocket, group, feed, database."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.utils import timezone

from events.live import access, current_feed, tail
from events.models import UdpSession
from tests.events.live_stage import (
    ORIGIN,
    Viewer,
    astore,
    cookie_of,
    feed_ends,
    make_session,
    points,
    store,
    viewing,
)
from tests.factories import (
    MatchFactory,
    UserFactory,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio,
    pytest.mark.usefixtures("no_connection_left"),
]


# --- Who may watch --------------------------------------------------------------------------------


async def refused(viewer: Viewer) -> int | str | None:
    async with feed_ends():
        connected, code = await viewer.connect()
        await viewer.socket.disconnect()
        assert not connected
        assert current_feed().viewers == 0
        return code


async def test_anonymous_is_refused() -> None:
    assert await refused(Viewer(AnonymousUser(), "", ORIGIN)) == 4401


async def test_one_who_is_not_staff_is_refused() -> None:
    user = await sync_to_async(UserFactory)(is_staff=False)
    assert await refused(Viewer(await sync_to_async(cookie_of)(user), "", ORIGIN)) == 4401


async def test_staff_without_permission_is_refused() -> None:
    user = await sync_to_async(UserFactory)()
    assert await refused(Viewer(await sync_to_async(cookie_of)(user), "", ORIGIN)) == 4403


async def test_other_origin_is_refused(cookie: str) -> None:
    assert await refused(Viewer(cookie, "", (b"origin", b"http://elsewhere.example"))) is not None


async def test_missing_origin_is_refused(cookie: str) -> None:
    assert await refused(Viewer(cookie, "", (b"x-nothing", b""))) is not None


async def test_one_who_signs_out_is_shut_out_of_the_open_page(
    cookie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "ASK_AGAIN_S", 0.0)
    async with feed_ends(), viewing(cookie) as viewer:
        await viewer.receive()
        await sync_to_async(Session.objects.all().delete)()
        while (output := await viewer.socket.receive_output(5))["type"] == "websocket.send":
            pass
        assert (output["type"], output["code"]) == ("websocket.close", 4401)


async def test_one_who_stays_signed_in_goes_on_watching(cookie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "ASK_AGAIN_S", 0.0)
    async with feed_ends(), viewing(cookie) as viewer:
        await viewer.receive("status")
        await viewer.receive("status")


# --- Snapshot and events --------------------------------------------------------------------------


async def test_snapshot_of_an_empty_database(cookie: str) -> None:
    async with feed_ends(), viewing(cookie) as viewer:
        snapshot = await viewer.receive()
        assert snapshot["type"] == "snapshot"
        assert (snapshot["events"], snapshot["cards"], snapshot["last"]) == ([], {}, 0)
        assert (snapshot["status"]["nodes"], snapshot["status"]["day"]) == ([], None)


async def test_snapshot_has_events_and_cards(cookie: str) -> None:
    session = await make_session()
    match = await sync_to_async(MatchFactory)(court=session.court)
    teams = {"blue": {"short": "LEE", "long": "LEE DH", "ioc": "KOR"}, "red": None}
    stored = await astore(
        session,
        {"stream": "pre", "kind": "load", "athlete": 0, "match": match},
        {"stream": "at1", "kind": "athletes", "athlete": 0, "details": teams, "match": match},
        {"stream": "sc1", "kind": "score", "athlete": 0, "details": {"blue": 3, "red": 1}, "match": match},
    )
    async with feed_ends(), viewing(cookie) as viewer:
        snapshot = await viewer.receive()
    assert [row["id"] for row in snapshot["events"]] == [event.pk for event in stored]
    card = snapshot["cards"][str(session.court_id)]
    assert (card["blue"]["name"], card["blue"]["score"], card["red"]["score"]) == ("LEE DH", 3, 1)
    assert card["match"] == match.pk
    assert card["heard"] == int(stored[-1].received_at.timestamp() * 1000)


async def test_events_arrive_with_every_field(cookie: str) -> None:
    session = await make_session()
    match = await sync_to_async(MatchFactory)(court=session.court, number="245.A")
    async with feed_ends(), viewing(cookie) as viewer:
        await viewer.receive()
        (event,) = await astore(session, {"match": match, "round": 2, "clock_ms": 61_000})
        message = await viewer.receive("events")
    (row,) = message["events"]
    assert row["time"] == pytest.approx(event.received_at.timestamp() * 1000)
    assert row["words"]
    assert {**row, "time": 0, "words": ""} == {
        "id": event.pk,
        "court": session.court_id,
        "tournament": None,
        "day": None,
        "match": {"id": match.pk, "number": "245.A"},
        "time": 0,
        "athlete": 1,
        "kind": "point",
        "code": "pt1",
        "words": "",
        "round": 2,
        "clock": 61_000,
        "raw": "pt1;3\\r\\n",
        "cut": False,
        "status": "recognized",
        "error": "",
        "tick": False,
    }
    assert message["last"] == event.pk
    assert message["cards"][str(session.court_id)]["heard"] == int(row["time"])


async def test_events_of_many_courts_arrive_once_and_in_order(cookie: str) -> None:
    sessions = [await make_session() for _ in range(4)]
    async with feed_ends(), viewing(cookie) as viewer:
        await viewer.receive()
        for _ in range(5):
            for session in sessions:
                await astore(session, *points(3))
        rows = await viewer.rows(60)
    assert [row["id"] for row in rows] == sorted({row["id"] for row in rows})


async def test_event_without_court_arrives(cookie: str) -> None:
    session = await make_session(court=None)
    async with feed_ends(), viewing(cookie) as viewer:
        await viewer.receive()
        await astore(session, *points(1))
        assert (await viewer.rows(1))[0]["court"] is None


async def test_session_that_ends_with_its_last_event_is_followed_to_the_end(cookie: str) -> None:
    session = await make_session()
    async with feed_ends(), viewing(cookie) as viewer:
        await viewer.receive()

        def say_goodbye() -> None:
            UdpSession.objects.filter(pk=session.pk).update(ended_at=timezone.now())
            store(session, {"stream": "bye", "kind": "disconnect", "athlete": 0})

        await sync_to_async(say_goodbye)()
        assert (await viewer.rows(1))[0]["code"] == "bye"


async def test_long_raw_text_is_cut(cookie: str) -> None:
    session = await make_session()
    async with feed_ends(), viewing(cookie) as viewer:
        await viewer.receive()
        await astore(session, {"raw": "x" * 65_507, "kind": "unknown", "status": "unknown"})
        (row,) = await viewer.rows(1)
    assert (len(row["raw"]), row["cut"]) == (300, True)


async def test_ticks_are_marked(cookie: str) -> None:
    session = await make_session()
    clock = {"stream": "clk", "kind": "clock", "athlete": 0, "clock_ms": 60_000}
    async with feed_ends(), viewing(cookie) as viewer:
        await viewer.receive()
        await astore(session, {**clock, "details": {}}, {**clock, "details": {"action": "stop"}})
        assert [row["tick"] for row in await viewer.rows(2)] == [True, False]


async def test_every_viewer_gets_the_same_rows(cookie: str) -> None:
    session = await make_session()
    async with feed_ends(), viewing(cookie) as one, viewing(cookie) as other:
        await one.receive()
        await other.receive()
        await astore(session, *points(5))
        assert await one.rows(5) == await other.rows(5)


async def test_cards_only_brings_no_rows(cookie: str) -> None:
    session = await make_session()
    await astore(session, *points(2))
    async with feed_ends(), viewing(cookie, "?stream=0") as viewer:
        assert (await viewer.receive())["events"] == []
        await astore(session, *points(3))
        message = await viewer.receive()
        assert (message["type"], message["events"]) == ("events", [])
        assert list(message["cards"]) == [str(session.court_id)]


async def test_what_a_client_says_is_ignored_unless_it_acknowledges(cookie: str) -> None:
    session = await make_session()
    async with feed_ends(), viewing(cookie) as viewer:
        await viewer.receive()
        for text in (" ", "{", '{"ack": {}}', "x" * 100_000):
            await viewer.socket.send_to(text_data=text)
        await viewer.socket.send_to(bytes_data=b"\xff\x00")
        await astore(session, *points(1))
        await viewer.rows(1)


# --- Coming back ------------------------------------------------------------------------------------


async def test_after_brings_what_was_missed_from_the_ring(cookie: str) -> None:
    session = await make_session()
    stored = await astore(session, *points(10))
    async with feed_ends(), viewing(cookie, f"?after={stored[3].pk}") as viewer:
        snapshot = await viewer.receive()
        assert (snapshot["after"], snapshot["events"]) == (stored[3].pk, [])
        assert [row["id"] for row in await viewer.rows(6)] == [event.pk for event in stored[4:]]


async def test_after_the_newest_brings_nothing(cookie: str) -> None:
    session = await make_session()
    stored = await astore(session, *points(3))
    async with feed_ends(), viewing(cookie, f"?after={stored[-1].pk}") as viewer:
        await viewer.receive()
        more = await astore(session, *points(1))
        assert [row["id"] for row in await viewer.rows(1)] == [more[0].pk]


async def test_after_beyond_the_ring_comes_from_the_database(
    cookie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "LOAD_EVENTS", 5)
    session = await make_session()
    stored = await astore(session, *points(30))
    async with feed_ends(), viewing(cookie, f"?after={stored[9].pk}") as viewer:
        await viewer.receive()
        assert [row["id"] for row in await viewer.rows(20)] == [event.pk for event in stored[10:]]


async def test_after_too_long_ago_brings_a_counted_gap(cookie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "LOAD_EVENTS", 5)
    monkeypatch.setattr(tail, "MISSED_LIMIT", 10)
    session = await make_session()
    stored = await astore(session, *points(30))
    async with feed_ends(), viewing(cookie, f"?after={stored[4].pk}") as viewer:
        await viewer.receive()
        assert await viewer.receive() == {"type": "gap", "skipped": 15, "reason": "away"}
        assert [row["id"] for row in await viewer.rows(10)] == [event.pk for event in stored[20:]]


@pytest.mark.parametrize("after", ["-1", "x", "99999999999999999999999", "%00", "1e9", "9223372036854775807"])
async def test_after_that_makes_no_sense_brings_the_snapshot(cookie: str, after: str) -> None:
    session = await make_session()
    stored = await astore(session, *points(2))
    async with feed_ends(), viewing(cookie, f"?after={after}") as viewer:
        snapshot = await viewer.receive()
        assert [row["id"] for row in snapshot["events"]] == [event.pk for event in stored]
        assert snapshot["after"] is None


async def test_feed_that_falls_behind_skips_ahead_with_a_counted_gap(
    cookie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "STEP_LIMIT", 20)
    session = await make_session()
    async with feed_ends(), viewing(cookie) as viewer:
        await viewer.receive()
        stored = await astore(
            session,
            {"stream": "sc1", "kind": "score", "athlete": 0, "details": {"blue": 9, "red": 4}},
            *points(100),
        )
        gap = await viewer.receive()
        assert (gap["type"], gap["skipped"]) == ("gap", 81)
        assert [row["id"] for row in await viewer.rows(20)] == [event.pk for event in stored[81:]]
        # The score was in what was skipped: the card is folded again once there is time.
        while (message := await viewer.receive("events"))["events"] or not message["cards"]:
            pass
        assert message["cards"][str(session.court_id)]["blue"]["score"] == 9
