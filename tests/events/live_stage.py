"""Events stored the way the importer stores them, and viewers to see them arrive."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from events.live import current_feed
from events.models import PssEvent, UdpSession
from restrike.asgi import application
from tests.factories import PssEventFactory, UdpSessionFactory

ORIGIN = (b"origin", b"http://localhost")


def store(session: UdpSession, *about: dict[str, Any], at: datetime | None = None) -> list[PssEvent]:
    """Stores one event per dict, as one batch of the importer: events and their session together."""
    at = at or timezone.now()
    events = [
        PssEventFactory.build(
            session=session,
            court=session.court,
            sequence=session.events + n,
            **{"received_at": at + timedelta(milliseconds=n), **fields},
        )
        for n, fields in enumerate(about, start=1)
    ]
    with transaction.atomic():
        PssEvent.objects.bulk_create(events)
        session.events += len(events)
        session.last_event_at = events[-1].received_at
        session.save(update_fields=["events", "last_event_at"])
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("NOTIFY restrike_events")
    return events


def points(count: int) -> list[dict[str, Any]]:
    return [{"athlete": 1 + n % 2} for n in range(count)]


astore = sync_to_async(store)
make_session = sync_to_async(UdpSessionFactory)


class Viewer:
    """A WebSocket to the whole application, as a browser opens it."""

    def __init__(self, user: Any, query: str, origin: tuple[bytes, bytes], path: str = "/ws/live/") -> None:
        headers = [origin]
        if not isinstance(user, AnonymousUser):
            headers.append((b"cookie", f"sessionid={user}".encode()))
        self.socket = WebsocketCommunicator(application, f"{path}{query}", headers=headers)

    async def connect(self) -> tuple[bool, int | str | None]:
        return await self.socket.connect(timeout=10)

    async def receive(self, kind: str | None = None, timeout: float = 5) -> dict[str, Any]:
        """The next message, or the next of a kind; status messages are passed over unless asked for."""
        async with asyncio.timeout(timeout):
            while True:
                message: dict[str, Any] = json.loads(await self.socket.receive_from(timeout))
                if message["type"] == kind or (kind is None and message["type"] != "status"):
                    return message

    async def until(self, condition: Callable[[dict[str, Any]], Any], timeout: float = 15) -> dict[str, Any]:
        """The next message that satisfies a condition, status messages passed over."""
        async with asyncio.timeout(timeout):
            while not condition(message := await self.receive(timeout=timeout)):
                pass
            return message

    async def rows(self, count: int) -> list[dict[str, Any]]:
        """The next `count` rows, from however many messages."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            found += (await self.receive("events"))["events"]
        assert len(found) == count
        return found


@asynccontextmanager
async def viewing(cookie: Any, query: str = "", path: str = "/ws/live/") -> AsyncIterator[Viewer]:
    """A connected viewer; always disconnected."""
    viewer = Viewer(cookie, query, ORIGIN, path)
    connected, _ = await viewer.connect()
    assert connected
    try:
        yield viewer
    finally:
        await viewer.socket.disconnect()


@asynccontextmanager
async def feed_ends() -> AsyncIterator[None]:
    """The feed of this event loop has let go of the database at the end."""
    try:
        yield
    finally:
        await current_feed().stop()


def cookie_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value
