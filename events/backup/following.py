"""How far an action in another process is, for its page."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer

from events.backup.telling import RUNNING, State, read_state
from events.live import Access

NO_SUCH_ACTION = 4404


class ActionConsumer(AsyncJsonWebsocketConsumer):
    """`/ws/backups/<key>/`: how far an action on backups is, whenever that changes, until it ends."""

    EVERY_S = 0.25
    following: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        self.access = Access(self.scope, "events.view_backup")
        key = self.scope["url_route"]["kwargs"]["key"].hex
        state = await asyncio.to_thread(read_state, key)
        code = await self.access.refusal() or (None if state else NO_SUCH_ACTION)
        if code or state is None:
            await self.close(code)
            return
        await self.accept()
        self.following = asyncio.create_task(self._follow(key, state))

    async def disconnect(self, code: int) -> None:
        if self.following is not None:
            self.following.cancel()
            with suppress(asyncio.CancelledError):
                await self.following

    async def _follow(self, key: str, state: State | None) -> None:
        told: dict[str, Any] = {}
        while state is not None and not await self.access.refusal_by_now():
            known = asdict(state)
            now = {name: known[name] for name in ("state", "what", "done", "total", "began")}
            if now != told:
                await self.send_json(now)
                told = now
            if state.state != RUNNING:
                break
            await asyncio.sleep(self.EVERY_S)
            # Its file, since what the process has written to the database is not committed yet.
            state = await asyncio.to_thread(read_state, key)
        await self.close()
