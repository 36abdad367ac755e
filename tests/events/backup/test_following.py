"""The progress of an action over a WebSocket."""

import json
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client

from events.backup.telling import new_state
from restrike.asgi import application
from tests.events.live_stage import ORIGIN
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def connect(key: str, user: User | AnonymousUser) -> WebsocketCommunicator:
    headers = [ORIGIN]
    if isinstance(user, User):
        client = Client()
        client.force_login(user)
        headers.append((b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode()))
    return WebsocketCommunicator(application, f"/ws/backups/{UUID(hex=key)}/", headers=headers)


async def told(socket: WebsocketCommunicator) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await socket.receive_from(5))
    return found


@pytest.mark.asyncio
async def test_action_is_followed_to_its_end() -> None:
    key, state = new_state("Backing up Open")
    state.progress("Writing events", 10, 40)
    socket = await sync_to_async(connect)(key, await sync_to_async(UserFactory)(is_superuser=True))

    connected, _ = await socket.connect()
    assert connected
    first = await told(socket)
    state.progress("Comparing events", 40, 40)
    second = await told(socket)
    state.finish(lines=["40 events"])
    last = await told(socket)

    assert [(step["state"], step["what"], step["done"]) for step in (first, second, last)] == [
        ("running", "Writing events", 10),
        ("running", "Comparing events", 40),
        ("done", "Comparing events", 40),
    ]
    # Its lines may name files; they are on the page alone.
    assert set(first) == {"state", "what", "done", "total", "began"}
    assert (await socket.receive_output(5))["type"] == "websocket.close"
    await socket.disconnect()


@pytest.mark.asyncio
@pytest.mark.parametrize(("who", "code"), [("nobody", 4401), ("no group", 4403), ("all", 4404)])
async def test_action_is_for_those_who_may_see_backups(who: str, code: int) -> None:
    key, _ = new_state("Backing up Open")
    user = AnonymousUser()
    if who != "nobody":
        user = await sync_to_async(UserFactory)(is_superuser=who == "all")
    socket = await sync_to_async(connect)("0" * 32 if code == 4404 else key, user)

    connected, closed = await socket.connect()

    assert (connected, closed) == (False, code)
