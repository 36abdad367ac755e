"""Fixtures of the tests of stored events and their pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from threading import Event

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import Client

from events.replay import loaded, recording
from events.replay.recording import Chunk, Recording
from tests.events.live_stage import cookie_of
from tests.events.replay_stage import lines_of
from tests.factories import UserFactory


@pytest.fixture
def cookie(transactional_db: None) -> str:
    """The session cookie of a viewer."""
    return cookie_of(UserFactory(is_superuser=True))


@pytest.fixture
def viewer(db: None) -> Client:
    """Signed in, and may look at everything."""
    client = Client()
    client.force_login(UserFactory(group="Viewer"))
    return client


@pytest_asyncio.fixture
async def no_connection_left(transactional_db: None) -> AsyncIterator[None]:
    """The thread of `sync_to_async` outlives the test; an open connection would keep the test database."""
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture(autouse=True)
def no_recording_loaded() -> None:
    """Keys of replays come again in the next test."""
    loaded._loaded.clear()


@pytest.fixture
def go_on(var: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Until it is set, the reading of `captures/long.jsonl` (100 s) stands before the first of 10 chunks."""
    (var / "captures").mkdir()
    (var / "captures" / "long.jsonl").write_text(lines_of(100))
    going, put = Event(), Recording._put

    def put_when_told(self: Recording, chunk: Chunk) -> None:
        assert going.wait(60)
        put(self, chunk)

    monkeypatch.setattr(Recording, "_put", put_when_told)
    monkeypatch.setattr(recording, "CHUNK", 10)
    monkeypatch.setattr(loaded, "PATIENCE_S", 0)
    yield going
    going.set()
