"""Who may watch, asked when a page connects and again while it stays open."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs

from asgiref.sync import sync_to_async
from channels.auth import get_user
from django.conf import settings

from events.models_display import Display, View

SIGNED_OUT, FORBIDDEN = 4401, 4403
# No court has this key: the screen shows nothing.
NO_COURT = 0
# A page left open for days must notice that its user has signed out or was shut out.
ASK_AGAIN_S = 60.0


class Access:
    """Answers None for one who may watch, else the code to close with."""

    def __init__(self, scope: Any, permission: str = "events.view_pssevent") -> None:
        self._scope = scope
        self._permission = permission
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

    async def _refusal(self, user: Any) -> int | None:
        if user is None or not (user.is_active and user.is_staff):
            return SIGNED_OUT
        return None if await user.ahas_perm(self._permission) else FORBIDDEN


class ScreenAccess:
    """The same for a screen: the key of a display opens what that shows, else a session does.

    `court` is the key of the court to show, None for the wall; `display` the one whose key it was;
    `replay` what is played there instead of what is live.
    The registry, and no clock, tells when a key is worth nothing any more.
    """

    def __init__(self, scope: Any) -> None:
        self._query = parse_qs(scope["query_string"].decode("ascii", "replace"))
        seen = "replay" if "replay" in self._query else "pssevent"
        self._session = Access(scope, f"events.view_{seen}")
        self.display: Display | None = None
        self.court: int | None = None
        self.replay: int | None = None

    async def refusal(self) -> int | None:
        if "key" not in self._query:
            self.court, self.replay = self._key("court"), self._key("replay")
            return await self._session.refusal()
        self.display = await sync_to_async(Display.objects.by_key)(self._query["key"][-1])
        if self.display is None:
            return FORBIDDEN
        self.court = None if self.display.view == View.WALL else self.display.court_id or NO_COURT
        self.replay = self.display.replay_id
        return None

    def _key(self, name: str) -> int | None:
        text = self._query.get(name, [""])[-1]
        return int(text) if text.isdecimal() and len(text) < 19 else None

    async def refusal_by_now(self) -> int | None:
        return None if self.display else await self._session.refusal_by_now()
