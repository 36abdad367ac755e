"""What wakes the live feed."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import psycopg
import pytest

from events.live import wake
from events.live.wake import POLL_S, SAFETY_S, DataVersionWaker, NotifyWaker, Waker

pytestmark = pytest.mark.asyncio


async def woken(waker: Waker, within: float) -> bool:
    try:
        await asyncio.wait_for(waker.changed.wait(), within)
    except TimeoutError:
        return False
    waker.changed.clear()
    return True


async def test_sqlite_wakes_for_a_commit_and_for_nothing_else(tmp_path: Path) -> None:
    path = str(tmp_path / "file.sqlite3")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE one (number)")
        async with DataVersionWaker(path) as waker:
            assert await woken(waker, 5)  # the first look
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("INSERT INTO one VALUES (1)")
            assert not await woken(waker, 0.1)
            writer.execute("COMMIT")
            assert await woken(waker, 5)
            assert not await woken(waker, 0.1)
            assert waker.timeout == SAFETY_S


async def test_sqlite_that_cannot_be_opened_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wake, "SAFETY_S", 0.02)
    directory = tmp_path / "later"
    async with DataVersionWaker(str(directory / "file.sqlite3")) as waker:
        assert not await woken(waker, 0.1)
        directory.mkdir()
        assert await woken(waker, 5)


async def test_postgresql_wakes_for_a_notification(postgres: str) -> None:
    async with NotifyWaker({"conninfo": postgres}) as waker:
        with psycopg.connect(postgres, autocommit=True) as writer:
            async with asyncio.timeout(10):
                # Until it listens, which nothing tells: it asks every 50 ms meanwhile.
                while not await woken(waker, 0.05):
                    assert waker.timeout == POLL_S
                    writer.execute("NOTIFY restrike_events")
            # Somebody does notify, so asking can be rare.
            assert waker.timeout == SAFETY_S
            while await woken(waker, 0.1):
                pass
            writer.execute("NOTIFY restrike_events")
            assert await woken(waker, 5)


async def test_postgresql_that_is_away_leaves_polling(tcp_port: int) -> None:
    async with NotifyWaker({"host": "127.0.0.1", "port": tcp_port, "connect_timeout": 2}) as waker:
        await waker.wait()
        assert waker.timeout == POLL_S


async def test_cancellation_that_comes_with_the_news_ends_the_wait() -> None:
    # Whichever turn of the event loop it comes in; else the feed could not be stopped.
    for turns in range(6):
        waker = Waker()
        task = asyncio.create_task(waker.wait())
        await asyncio.sleep(0)
        waker.changed.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        if task.cancel():
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 5)
        assert task.done()
