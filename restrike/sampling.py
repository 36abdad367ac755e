"""What a web process measures about itself: a row of `WebSample` each ten seconds."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import psutil
from django.db import Error, connection

from events.history import SECONDS, Keeper
from events.live.feed import viewers
from events.models import WebSample

log = logging.getLogger(__name__)

Application = Callable[[Any, Any, Any], Awaitable[None]]


class WebSampler:
    """Looks each second, in a thread of its own, from `begin` until `end`."""

    def __init__(self, look_every_s: float = 1.0) -> None:
        # Of several processes on several machines each is another; what a past one left goes with time.
        self._keeper = Keeper(WebSample, f"{socket.gethostname()[:80]} {os.getpid()}")
        self._every_s = look_every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="web samples", daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join(10)

    def _run(self) -> None:
        began, most = time.time(), 0
        while not self._over.wait(self._every_s):
            most = max(most, viewers())
            now = time.time()
            start = began // SECONDS * SECONDS
            if 0 <= now - start < SECONDS:
                continue
            self._write(start, min(now, start + SECONDS) - began, most)
            began, most = now, viewers()

    def _write(self, start: float, covered_s: float, most: int) -> None:
        try:
            self._keeper.write(
                WebSample(
                    step=SECONDS,
                    at=datetime.fromtimestamp(start, UTC),
                    covered_ms=max(int(covered_s * 1000), 0),
                    memory_bytes=psutil.Process().memory_info().rss,
                    viewers=most,
                )
            )
        except Error as error:
            # A gap: the database is away, which others tell of.
            log.debug("What was measured cannot be written: %s", error)
        finally:
            # Kept open it would hold a place on PostgreSQL all day.
            connection.close()


def sampled(application: Application, sampler: WebSampler) -> Application:
    """The application, which begins to measure itself with its first page."""
    begun = False

    async def with_samples(scope: Any, receive: Any, send: Any) -> None:
        nonlocal begun
        if not begun and scope["type"] == "http":
            begun = True
            sampler.begin()
        await application(scope, receive, send)

    return with_samples
