"""How the feed learns that something was committed.

SQLite: `PRAGMA data_version` of a connection changes when any other connection commits; asking
costs microseconds and no lock. PostgreSQL: the importer says NOTIFY at the end of its transaction.
Else the feed asks every 50 ms.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import threading
from types import TracebackType
from typing import Any

from django.db import connections

logger = logging.getLogger(__name__)

CHANNEL = "restrike_events"
POLL_S = 0.05
# Asked this often even when nothing woke it, should a wake-up ever be lost.
SAFETY_S = 1.0


class Waker:
    """Sets `changed` whenever something may have been committed; this one leaves it to `timeout`."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.timeout = POLL_S

    async def __aenter__(self) -> Waker:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    async def wait(self) -> None:
        """Until woken, or `timeout` seconds."""
        # Not `wait_for`, which before Python 3.12 loses a cancellation that comes together with the news:
        # who ends the feed would wait for ever.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.timeout):
                await self.changed.wait()
        self.changed.clear()


class DataVersionWaker(Waker):
    """For an SQLite file; a thread of its own, so that asking never waits for the event loop."""

    INTERVAL_S = 0.005

    def __init__(self, path: str) -> None:
        super().__init__()
        self.timeout = SAFETY_S
        self._path = path
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="live-data-version", daemon=True)

    async def __aenter__(self) -> Waker:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(self, *exception: Any) -> None:
        self._stop.set()
        await asyncio.to_thread(self._thread.join)

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                with contextlib.closing(sqlite3.connect(self._path, timeout=1)) as connection:
                    self._ask(connection)
            except sqlite3.Error as error:
                logger.warning("Cannot watch %s (%s); trying again.", self._path, error)
                self._stop.wait(SAFETY_S)

    def _ask(self, connection: sqlite3.Connection) -> None:
        known = None
        while not self._stop.wait(self.INTERVAL_S):
            version = connection.execute("PRAGMA data_version").fetchone()[0]
            if version != known:
                known = version
                # The loop may have closed between the two lines when a process ends.
                with contextlib.suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(self.changed.set)


class NotifyWaker(Waker):
    """For PostgreSQL: a connection that listens."""

    def __init__(self, params: dict[str, Any]) -> None:
        super().__init__()
        self._params = params

    async def __aenter__(self) -> Waker:
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *exception: Any) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _listen(self) -> None:
        import psycopg

        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(autocommit=True, **self._params)
                async with connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    async for _ in connection.notifies():
                        # Somebody does notify, so asking every 50 ms is no longer needed.
                        self.timeout = SAFETY_S
                        self.changed.set()
            except (psycopg.Error, OSError) as error:
                logger.warning("Cannot listen to the database (%s); asking every 50 ms.", error)
            self.timeout = POLL_S
            await asyncio.sleep(5)


def waker(alias: str = "default") -> Waker:
    """The best waker for a database."""
    connection = connections[alias]
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite" and "memory" not in name:
        return DataVersionWaker(name)
    if connection.vendor == "postgresql":
        params = connection.get_connection_params()
        # Django's own adapters and cursors are of its synchronous connections.
        return NotifyWaker({k: v for k, v in params.items() if k not in ("context", "cursor_factory")})
    return Waker()
