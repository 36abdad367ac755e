"""The live feed: its status, its sleep, its bounds, its queries, and a database that fails."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from threading import Lock
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.live import current_feed, feed, rings, tail
from events.live.tail import Step, Tail
from events.models import ListenerNode, UdpSession
from tests.events.live_stage import (
    astore,
    feed_ends,
    make_session,
    points,
    store,
    viewing,
)
from tests.factories import (
    ListenerNodeFactory,
    TournamentFactory,
    UdpSessionFactory,
)
from tournaments.context import set_context

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio,
    pytest.mark.usefixtures("no_connection_left"),
]


# --- Status -----------------------------------------------------------------------------------------


async def test_status_says_who_records_and_what_is_active(cookie: str) -> None:
    session = await make_session()
    today = timezone.now().date()

    def prepare() -> None:
        ListenerNode.objects.update(
            recorder_seen_at=timezone.now(), received=120, stored=100, kernel_drops=3, blind_ms=1500
        )
        ListenerNodeFactory(name="away", recorder_seen_at=timezone.now() - timedelta(minutes=5))
        tournament = TournamentFactory(name="Open", start_date=today - timedelta(1), end_date=today)
        set_context(tournament.days.get(number=1))

    await sync_to_async(prepare)()
    async with feed_ends(), viewing(cookie) as viewer:
        status = await viewer.receive("status")
    away, node = sorted(status["nodes"], key=lambda one: one["name"])
    assert (node["recording"], node["backlog"], node["drops"], node["blind_ms"]) == (True, 20, 3, 1500)
    assert not away["recording"]
    court = status["courts"][str(session.court_id)]
    day = status["days"][str(court["day"])]
    assert (day["name"], day["number"], day["today"]) == ("Open", 1, False)
    assert status["viewers"] == 1


async def test_context_set_by_staff_shows_within_a_status(cookie: str) -> None:
    await make_session()
    today = timezone.now().date()
    tournament = await sync_to_async(TournamentFactory)(start_date=today)
    async with feed_ends(), viewing(cookie) as viewer:
        assert (await viewer.receive("status"))["day"] is None
        day = await sync_to_async(tournament.days.get)(number=1)
        await sync_to_async(set_context)(day)
        await viewer.receive("status")  # may have been on its way
        status = await viewer.receive("status")
        assert (status["day"], status["days"][str(day.pk)]["today"]) == (day.pk, True)


async def test_status_counts_the_rate_of_each_court(cookie: str) -> None:
    session = await make_session()
    async with feed_ends(), viewing(cookie) as viewer:
        await viewer.receive("status")
        await astore(session, *points(7))
        rates: list[Any] = []
        while not any(rate[0] for rate in rates):
            rates.append((await viewer.receive("status"))["courts"][str(session.court_id)]["rate"])
        assert rates[-1][0] == 7


# --- The feed itself ----------------------------------------------------------------------------------


async def test_feed_sleeps_when_nobody_watches(cookie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "LINGER_S", 0.0)
    async with feed_ends():
        async with viewing(cookie) as viewer:
            await viewer.receive()
            task = current_feed()._task
            assert task
        assert current_feed().viewers == 0
        async with asyncio.timeout(5):
            await asyncio.wait([task])
        # And wakes with what came meanwhile.
        stored = await astore(await make_session(), *points(2))
        async with viewing(cookie) as viewer:
            assert [row["id"] for row in (await viewer.receive())["events"]] == [e.pk for e in stored]


async def test_feed_wakes_faster_than_its_safety_poll(cookie: str) -> None:
    session = await make_session()
    async with feed_ends(), viewing(cookie) as viewer:
        await viewer.receive()
        loop = asyncio.get_running_loop()
        took = []
        for _ in range(3):
            await astore(session, *points(1))
            before = loop.time()
            await viewer.rows(1)
            took.append(loop.time() - before)
        assert min(took) < 0.5


async def test_rings_stay_bounded(cookie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "Rings", lambda: rings.Rings(per_court=10))
    session = await make_session()
    async with feed_ends(), viewing(cookie) as viewer:
        await viewer.receive()
        await astore(session, *points(50))
        await viewer.rows(50)
        assert len(current_feed().rings) == 10


async def test_boards_stay_bounded(cookie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (feed, tail):
        monkeypatch.setattr(module, "MOST_BOARDS", 3)
    async with feed_ends(), viewing(cookie) as viewer:
        await viewer.receive()
        sessions = [await make_session() for _ in range(5)]
        for session in sessions:
            await astore(session, *points(1))
            await viewer.rows(1)
        assert list(current_feed().cards) == [session.court_id for session in sessions[2:]]


async def test_tail_asks_the_same_number_of_queries_for_one_and_for_many(cookie: str) -> None:
    def count(sessions: int, events: int) -> int:
        for one in made[:sessions]:
            store(one, *points(events))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert len(following.step().entries) == sessions * events
        return len(queries)

    def compare() -> None:
        made.extend(UdpSessionFactory() for _ in range(3))
        following.load()
        assert count(1, 1) == count(1, 3) == count(3, 10) == 2
        with CaptureQueriesContext(connection) as queries:
            following.step()
        assert len(queries) == 1

    made: list[UdpSession] = []
    following = Tail()
    await sync_to_async(compare)()


async def test_tail_follows_a_database_that_was_put_back(cookie: str) -> None:
    def put_back() -> None:
        session = UdpSessionFactory()
        store(session, *points(5))
        following = Tail()
        following.load()
        session.events = 3
        session.save()
        assert following.step().entries == []
        # As after a restore: sequences go on from where the backup ended.
        session.events = 5
        session.save()
        assert len(following.step().entries) == 2

    await sync_to_async(put_back)()


# --- When the database fails ------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OperationalError("gone"), ValueError("a mistake")])
async def test_feed_goes_on_after_a_failed_step(
    cookie: str,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    session = await make_session()
    step, failures, between_steps = Tail.step, list[Exception](), Lock()

    def failing(self: Tail) -> Step:
        with between_steps:
            if failures:
                raise failures.pop()
            return step(self)

    def begin_to_fail() -> None:
        # A step that had begun already would read what is stored next.
        with between_steps:
            failures.extend([error, error])

    monkeypatch.setattr(Tail, "step", failing)
    async with feed_ends(), viewing(cookie) as viewer:
        await viewer.receive()
        await asyncio.to_thread(begin_to_fail)
        stored = await astore(session, *points(2))
        assert [row["id"] for row in await viewer.rows(2)] == [event.pk for event in stored]
        assert not failures
        while (await viewer.receive("status"))["problem"]:
            pass


async def test_feed_tells_viewers_that_the_database_does_not_answer(
    cookie: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(*args: Any) -> Any:
        raise OperationalError("gone")

    async with feed_ends(), viewing(cookie) as viewer:
        assert (await viewer.receive("status"))["problem"] == ""
        monkeypatch.setattr("events.live.feed.read_status", failing)
        while not (status := await viewer.receive("status"))["problem"]:
            pass
        assert status["problem"] == "The database does not answer."
