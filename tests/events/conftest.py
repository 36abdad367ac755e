"""Fixtures of the tests of stored events and their pages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import Client

from events.replay import loaded
from tests.events.live_stage import cookie_of
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
