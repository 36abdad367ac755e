"""How the live feed starts: cards first, and nothing twice that comes meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from events.board_json import to_json
from events.live import current_feed, rows
from events.live.tail import Tail
from events.models import PssEvent, StoredBoard, UdpSession
from events.scoreboard import Scoreboard
from tests.events.live_stage import astore, feed_ends, store, viewing
from tests.factories import MatchFactory, UdpSessionFactory

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio,
    pytest.mark.usefixtures("no_connection_left"),
]


def hits(count: int, **about: Any) -> list[dict[str, Any]]:
    return [{"stream": "hl1", "kind": "hit", "athlete": 1, "value": 30, **about} for _ in range(count)]


def session_of_a_match(stored: bool) -> tuple[UdpSession, dict[str, Any]]:
    """A match with three hits; its scoreboard was stored after the second."""
    session = UdpSessionFactory()
    match = MatchFactory(court=session.court)
    store(session, *hits(3, match=match))
    if stored:
        events = list(PssEvent.objects.order_by("id"))[:2]
        StoredBoard.objects.create(
            court_id=session.court_id,
            match_id=match.pk,
            recounts=0,
            event_id=events[-1].pk,
            heard_at=events[-1].received_at,
            state=to_json(Scoreboard.fold(events)),
        )
    return session, {"match": match}


@pytest.mark.parametrize("stored", [False, True])
async def test_what_is_stored_while_the_feed_starts_is_counted_once(
    monkeypatch: pytest.MonkeyPatch, stored: bool
) -> None:
    def check() -> None:
        session, about = session_of_a_match(stored)
        fetch, calls = rows.fetch, []

        def late(events: Any) -> list[rows.Row]:
            # After the sessions were read, and before the events are.
            if not calls:
                store(session, *hits(1, **about))
                store(UdpSessionFactory(court=session.court), *hits(1, **about))
            calls.append(events)
            return fetch(events)

        monkeypatch.setattr(rows, "fetch", late)
        tail = Tail()
        assert tail.load().cards[session.court_id]["blue"]["hits"] == 3
        assert [row.sequence for row, _ in tail.recent().entries] == [1, 2, 3]
        step = tail.step()
        assert len(step.entries) == 2
        assert step.cards[session.court_id]["blue"]["hits"] == 5

    await sync_to_async(check)()


async def test_a_program_waits_for_the_cards_alone_and_a_page_then_gets_the_rest(cookie: str) -> None:
    session, about = await sync_to_async(session_of_a_match)(True)
    async with feed_ends():
        feed = current_feed()
        await feed.join(cards_only=True)
        assert feed.cards[session.court_id]["blue"]["hits"] == 3
        assert len(feed.rings) == 0
        await astore(session, *hits(4, **about))
        async with viewing(cookie) as viewer:
            snapshot = await viewer.receive()
            seen = [row["id"] for row in snapshot["events"]]
            assert snapshot["status"]["courts"]
            await astore(session, *hits(2, **about))
            everything = await sync_to_async(lambda: list(PssEvent.objects.order_by("id")))()
            while len(seen) < len(everything):
                message = await viewer.receive()
                assert message["type"] == "events"
                seen += [row["id"] for row in message["events"]]
            assert seen == [event.pk for event in everything]
            assert message["cards"][str(session.court_id)]["blue"]["hits"] == 9
        feed.leave()


async def test_what_came_before_a_page_is_no_rate(cookie: str) -> None:
    session, about = await sync_to_async(session_of_a_match)(True)
    async with feed_ends():
        feed = current_feed()
        await feed.join(cards_only=True)
        await astore(session, *hits(50, **about))
        while feed.cards[session.court_id]["blue"]["hits"] < 53:
            await sync_to_async(lambda: None)()
        async with viewing(cookie) as viewer:
            status = await viewer.receive("status")
            assert status["rate"] == [0, 0.0]
        feed.leave()
