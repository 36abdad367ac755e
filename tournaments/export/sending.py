"""One export: a thread writes the file, the web server sends what there is of it."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import connections

from tournaments.leftovers import remove_left_over

logger = logging.getLogger(__name__)

# More would take the processor away from the pages.
AT_ONCE = 2
PIECE = 256 * 1024
LOOK_AGAIN_S = 0.05
# Of the time it works, an export leaves as much again times this to the pages of its process.
REST = 0.25

_places = threading.BoundedSemaphore(AT_ONCE)
# Writes to a file, calls `pause` with the number of rows now and then, returns it in the end.
Write = Callable[[BinaryIO, Callable[[int], None]], int]


class BusyError(Exception):
    """As many exports are being written as may be."""


class StoppedError(Exception):
    """Nobody waits for the file any more."""


class Export:
    """Begins at once. What it iterates over is to be sent; `close` ends all of it, wherever it is."""

    def __init__(self, write: Write, what: str) -> None:
        if not _places.acquire(blocking=False):
            raise BusyError
        self._write, self._what = write, what
        self._wanted, self._done = threading.Event(), threading.Event()
        self._wanted.set()
        self._failure: Exception | None = None
        try:
            directory = Path(settings.RESTRIKE_VAR) / "tmp"
            directory.mkdir(parents=True, exist_ok=True)
            remove_left_over(directory.glob("export-*"))
            handle, name = tempfile.mkstemp(prefix="export-", dir=directory)
            os.close(handle)
            self.path = Path(name)
            self._thread = threading.Thread(target=self._work, name="export", daemon=True)
            self._thread.start()
        except BaseException:
            _places.release()
            raise

    def _work(self) -> None:
        began = self._stepped = time.monotonic()
        try:
            with self.path.open("wb") as file:
                count = self._write(file, self._pause)
            logger.info("%s: %d rows in %.1f s", self._what, count, time.monotonic() - began)
        except StoppedError:
            logger.info("%s: no longer wanted", self._what)
        except Exception as error:
            logger.exception("%s failed", self._what)
            self._failure = error
        finally:
            connections.close_all()
            self._done.set()
            _places.release()

    def _pause(self, count: int) -> None:
        if not self._wanted.is_set():
            raise StoppedError
        # Python runs one thread at a time: without a rest each of a page's queries would wait for a turn.
        time.sleep(min((time.monotonic() - self._stepped) * REST, 0.05))
        self._stepped = time.monotonic()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """What is written, as it is written. Ends with the error that the writing ended with."""
        try:
            with self.path.open("rb") as file:
                while True:
                    # Asked first: what was written before the end is then still read.
                    is_done = self._done.is_set()
                    if piece := await asyncio.to_thread(file.read, PIECE):
                        yield piece
                    elif is_done:
                        break
                    else:
                        await asyncio.sleep(LOOK_AGAIN_S)
            if self._failure:
                # The connection breaks off, and the browser says that the file is not whole.
                raise self._failure
        finally:
            self.close()

    def close(self) -> None:
        """Called by the response too, which may never have begun to send."""
        self._wanted.clear()
        # On some systems a file can go only once it is no longer written.
        threading.Thread(target=self._remove, name="export end", daemon=True).start()

    def _remove(self) -> None:
        self._thread.join()
        self.path.unlink(missing_ok=True)
