"""Replays as the live page and the screens are told of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from threading import Event

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser

from events.consumers import TRY_AGAIN
from events.live import current_feed
from events.models import PssEvent, Replay
from events.replay.loaded import loaded
from ingest.journal import JournalWriter, pack_address
from tests.events.live_stage import ORIGIN, Viewer, cookie_of, feed_ends, viewing
from tests.events.replay_stage import make_replay, stored, watching
from tests.factories import CourtFactory, DisplayFactory, UserFactory

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_connection_left"),
]


async def test_page_gets_the_state_and_what_follows_at_twenty_times(cookie: str) -> None:
    replay = await sync_to_async(make_replay)(speed=20)
    before = await sync_to_async(stored)()
    async with watching(replay, cookie) as viewer:
        first = await viewer.receive("snapshot")
        assert first["status"]["replay"]["speed"] == 20
        assert list(first["status"]["courts"]) == [str(replay.match.court_id)]  # type: ignore[union-attr]
        seen = [row["id"] for row in first["events"]]
        score = 0
        async with asyncio.timeout(30):
            while score < 60:
                message = await viewer.receive()
                seen += [row["id"] for row in message["events"]]
                for card in message["cards"].values():
                    score = card["blue"]["score"]
        # Each event once, in order: the whole match in three seconds.
        keys = await sync_to_async(list)(PssEvent.objects.order_by("pk").values_list("pk", flat=True))
        assert seen == keys[: len(seen)]
        assert len(seen) >= len(keys) - 1
    assert await sync_to_async(stored)() == before


async def test_seek_and_pause_reach_the_page(cookie: str) -> None:
    replay = await sync_to_async(make_replay)(paused=True, position_ms=50_000)
    async with watching(replay, cookie) as viewer:
        first = await viewer.receive("snapshot")
        (card,) = first["cards"].values()
        assert (card["blue"]["score"], card["clock_running"]) == (50, False)
        await sync_to_async(replay.set)(position=20_000)
        again = await viewer.receive("snapshot")
        (card,) = again["cards"].values()
        assert (card["blue"]["score"], again["status"]["replay"]["paused"]) == (20, True)
        # Held: only the second's status comes.
        assert (await viewer.receive("status"))["replay"]["position"] == 20_000
        assert (await viewer.receive("status"))["replay"]["position"] == 20_000


async def test_stopped_replay_tells_its_pages(cookie: str) -> None:
    replay = await sync_to_async(make_replay)(paused=True)
    async with watching(replay, cookie) as viewer:
        await viewer.receive("snapshot")
        await Replay.objects.all().adelete()
        await viewer.receive("ended")


async def test_wall_of_a_stopped_replay_loads_its_page_anew_and_shows_what_is_live(cookie: str) -> None:
    replay = await sync_to_async(make_replay)(paused=True)
    query = f"?replay={replay.pk}"
    async with feed_ends(), viewing(cookie, query, "/ws/screen/") as wall:
        assert (await wall.receive("snapshot"))["replay"] is True
        await Replay.objects.all().adelete()
        await wall.receive("reload")
        async with viewing(cookie, query, "/ws/screen/") as again:
            assert "replay" not in await again.receive("snapshot")


async def test_replay_needs_permission_and_has_to_be_there(cookie: str) -> None:
    replay = await sync_to_async(make_replay)()
    nobody = await sync_to_async(cookie_of)(await sync_to_async(UserFactory)())
    for who, pk in ((AnonymousUser(), replay.pk), (nobody, replay.pk), (cookie, 0)):
        viewer = Viewer(who, "", ORIGIN, f"/ws/replay/{pk}/")
        assert not (await viewer.connect())[0]
        await viewer.socket.disconnect()


async def test_page_and_screen_are_told_to_try_again_while_a_file_is_read(go_on: Event, cookie: str) -> None:
    replay = await Replay.objects.acreate(file="captures/long.jsonl", name="long.jsonl")
    async with feed_ends():
        for path, query in ((f"/ws/replay/{replay.pk}/", ""), ("/ws/screen/", f"?replay={replay.pk}")):
            viewer = Viewer(cookie, query, ORIGIN, path)
            assert await viewer.connect() == (False, TRY_AGAIN), path
            await viewer.socket.disconnect()
    go_on.set()
    await sync_to_async(loaded)(replay, 60)
    async with watching(replay, cookie) as page:
        assert (await page.receive("snapshot"))["status"]["replay"]["duration"] == 99_000


async def test_display_shows_the_replay_marked_as_one_and_then_what_is_live() -> None:
    replay = await sync_to_async(make_replay)(paused=True, position_ms=42_000)
    display = await sync_to_async(DisplayFactory)(replay=replay)  # of another court
    async with feed_ends(), viewing(AnonymousUser(), f"?key={display.key}", "/ws/screen/") as viewer:
        first = await viewer.receive("snapshot")
        assert first["replay"] is True
        (card,) = first["cards"].values()
        assert card["blue"]["score"] == 42
        await Replay.objects.all().adelete()
        assert (await viewer.receive("go"))["url"] == await sync_to_async(lambda: display.path)()
    async with feed_ends(), viewing(AnonymousUser(), f"?key={display.key}", "/ws/screen/") as viewer:
        first = await viewer.receive("snapshot")
        assert "replay" not in first
        assert first["cards"] == {}
    assert current_feed().viewers == 0


async def test_sender_of_a_journal_is_the_court_it_is_here(var: Path) -> None:
    one, two = [await sync_to_async(CourtFactory)(number=n, source=f"10.0.0.{n}") for n in (1, 2)]
    writer = JournalWriter(var / "journal" / "main", 1 << 20)
    senders = (("10.0.0.9", 9), ("10.0.0.2", 2), ("10.0.0.1", 1), ("10.0.0.8", 8))
    writer.append(
        [(score, 6000, pack_address(sender), 5000, b"sc1;%d;sc2;0;" % score) for sender, score in senders]
    )
    writer.close()
    file = "journal/main/00000001.journal"
    replay = await Replay.objects.acreate(file=file, name=file, duration_ms=1, paused=True, position_ms=1)
    async with feed_ends():
        for court, score in ((one, 1), (two, 2)):
            display = await sync_to_async(DisplayFactory)(court=court, replay=replay)
            async with viewing(AnonymousUser(), f"?key={display.key}", "/ws/screen/") as viewer:
                cards = (await viewer.receive("snapshot"))["cards"]
            assert {pk: card["blue"]["score"] for pk, card in cards.items()} == {str(court.pk): score}
    # Those that are none here have numbers of their own.
    courts = (await sync_to_async(loaded)(replay)).courts
    assert {pk: about["number"] for pk, about in courts.items()} == {-1: 3, two.pk: 2, one.pk: 1, -2: 4}
