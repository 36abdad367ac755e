"""Who may watch, asked when a page connects and again while it stays open."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any

from channels.auth import get_user
from django.conf import settings

SIGNED_OUT, FORBIDDEN = 4401, 4403
# A page left open for days must notice that its user has signed out or was shut out.
ASK_AGAIN_S = 60.0


class Access:
    """Answers None for one who may watch, else the code to close with."""

    def __init__(self, scope: Any) -> None:
        self._scope = scope
        self._asked = time.monotonic()

    async def refusal(self) -> int | None:
        return await self._refusal(self._scope["user"])

    async def refusal_by_now(self) -> int | None:
        """The same, from the database, once in a while; in between it is taken to be as it was."""
        if time.monotonic() - self._asked < ASK_AGAIN_S:
            return None
        self._asked = time.monotonic()
        # The session of the scope keeps what it read when the page connected.
        store = import_module(settings.SESSION_ENGINE).SessionStore
        scope: Any = {"session": store(self._scope["session"].session_key)}
        return await self._refusal(await get_user(scope))

    @staticmethod
    async def _refusal(user: Any) -> int | None:
        if user is None or not (user.is_active and user.is_staff):
            return SIGNED_OUT
        return None if await user.ahas_perm("events.view_pssevent") else FORBIDDEN
