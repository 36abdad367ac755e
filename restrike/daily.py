"""What `manage.py start` does beside recording: the daily jobs when nobody minds, and backups when due.

A thread for each looks once a minute. The jobs run in a process of their own, so that they
cost no memory while they do not run, and nothing that happens to them touches the listener.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from django.db import DatabaseError, connection
from django.utils import timezone

from events.backup import keep
from events.models_replay import Replay
from events.situation import Situation

log = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0


class DailyWork:
    """Runs `command` at most once a day. `stamp` is the file whose age says when it ran last."""

    name = "daily"
    #: How much it gives way to the listener and the pages (Unix).
    nice = 0

    def __init__(self, command: Sequence[str], stamp: Path, every_s: float = LOOK_EVERY_S) -> None:
        self._command = list(command)
        self._stamp = stamp
        self._every_s = every_s
        self._over = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Ends what runs; what it has done is kept, and the rest is done another day."""
        self._over.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            try:
                due = self.is_due()
            except DatabaseError:
                due = False
            finally:
                # Kept open it would hold a place on PostgreSQL all day.
                connection.close()
            if due:
                try:
                    self._work()
                except OSError as error:
                    # As on a full disk; the next look may find room.
                    log.warning("The %s work could not start: %s", self.name, error)

    def is_due(self, now: datetime | None = None) -> bool:
        """Whether it has not run today and nothing goes on that it could disturb."""
        now = now or timezone.now()
        with contextlib.suppress(OSError):
            ran = datetime.fromtimestamp(self._stamp.stat().st_mtime, UTC)
            if timezone.localdate(ran) >= timezone.localdate(now):
                return False
        return not Situation(now).goes_on()

    def _work(self) -> None:
        # First, so that work which fails is tried again tomorrow and not each minute.
        self._stamp.touch()
        os.utime(self._stamp)
        began = time.monotonic()
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
        if self.nice and hasattr(os, "setpriority"):
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self._process.pid, self.nice)
        if self._over.is_set():
            # It began while everything ends, too late for `end` to see it.
            self._process.terminate()
        code = self._process.wait()
        if code and not self._over.is_set():
            log.warning("The %s work ended with exit code %s.", self.name, code)
        else:
            log.info("The %s work is done, in %.0f s.", self.name, time.monotonic() - began)


class BackupWork(DailyWork):
    """Each minute: runs `command` while a backup is due, one at a time, and ends replays nobody watches."""

    name = "backup"
    nice = 10

    def begin(self) -> None:
        # The first look comes in a minute; until then the page must not say that nobody looks.
        keep.mark_look()
        super().begin()

    def is_due(self, now: datetime | None = None) -> bool:
        # The other minutely job, too small for a process of its own.
        Replay.objects.forget()
        return bool(keep.look(now))
