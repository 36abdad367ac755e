"""Saying how far a long action is: on a terminal, and to the page that started it."""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

import psutil
from django.conf import settings

from events.progress import duration
from tournaments.leftovers import remove_left_over

RUNNING, DONE, FAILED = "running", "done", "failed"
_EVERY_S = 0.25
_LOST_S = 60


@dataclass
class State:
    """What a page is told of an action in another process; `lines` are its result."""

    title: str
    state: str = RUNNING
    what: str = "Starting"
    done: int = 0
    total: int = 0
    began: float = 0.0
    seen: float = 0.0
    pid: int = 0
    lines: list[str] = field(default_factory=list)
    error: str = ""
    backup: int = 0
    tournament: int = 0
    # What the page was asked for, so that it can go on from a dry run.
    asked: dict[str, Any] = field(default_factory=dict)


class StateFile:
    """A state in a file, since a transaction under way would hide it in the database."""

    def __init__(self, path: Path, state: State) -> None:
        self.path = path
        self.state = state
        self._last = 0.0

    def progress(self, what: str, done: int, total: int) -> None:
        new = what != self.state.what
        self.state.what, self.state.done, self.state.total = what, done, total
        if new or time.monotonic() - self._last > _EVERY_S:
            self._tell()

    def finish(self, **result: Any) -> None:
        self.state.state = DONE
        for name, value in result.items():
            setattr(self.state, name, value)
        self._tell()

    def fail(self, error: str) -> None:
        self.state.state, self.state.error = FAILED, error
        self._tell()

    def break_off(self) -> None:
        """It failed in a way that has no words for people."""
        log = self.path.with_suffix(".log")
        self.fail(f"It failed, and nothing was changed. What went wrong is in {log}.")

    def write(self) -> None:
        self._last = time.monotonic()
        self.state.seen, self.state.pid = time.time(), os.getpid()
        partial = self.path.with_suffix(".new")
        try:
            partial.write_text(json.dumps(asdict(self.state)))
            partial.replace(self.path)
        except OSError:
            partial.unlink(missing_ok=True)
            raise

    def _tell(self) -> None:
        """Writes it. A full disk must not stop the work; over the old state there is room even then."""
        try:
            self.write()
        except OSError:
            with suppress(OSError), self.path.open("r+") as file:
                file.write(json.dumps(asdict(self.state)))
                file.truncate()


def state_path(key: str) -> Path:
    """Where the state of the action `key` (a UUID as hex) is. ValueError for anything else."""
    return Path(settings.RESTRIKE_VAR) / "tmp" / "actions" / f"{uuid.UUID(hex=key).hex}.json"


def new_state(title: str, **asked: Any) -> tuple[str, StateFile]:
    """A key and the file of a new action; forgets those older than a day. OSError as on a full disk."""
    key = uuid.uuid4().hex
    path = state_path(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_left_over(path.parent.iterdir())
    file = StateFile(path, State(title, began=time.time(), asked=asked))
    file.write()
    return key, file


def read_state(key: str) -> State | None:
    """The state of an action; one that says nothing for a minute has come to an end without a word."""
    try:
        state = State(**json.loads(state_path(key).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    if state.state == RUNNING and time.time() - state.seen > _LOST_S and not psutil.pid_exists(state.pid):
        state.state, state.error = FAILED, "It was interrupted. Nothing was changed; do it again."
    return state


class Terminal:
    """A line with how far each part is and how long it takes; nothing where nobody watches."""

    def __init__(self, out: TextIO, *, also: Callable[[str, int, int], None] | None = None) -> None:
        self.out = out
        self.also = also
        self.live = out.isatty()
        self._what = ""
        self._began = self._last = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        if self.also:
            self.also(what, done, total)
        now = time.monotonic()
        if what != self._what:
            self.end()
            self._what, self._began, self._last = what, now, 0.0
        if not self.live or (now - self._last < _EVERY_S and done < total):
            return
        self._last = now
        text = f"{what}: {done:,} of {total:,}{self._left(now, done, total)}" if total else what
        self.out.write(f"\r{text[:100]:100}")
        self.out.flush()

    def end(self) -> None:
        """The next output begins on a line of its own."""
        if self.live and self._what:
            self.out.write("\r" + " " * 100 + "\r")
            self.out.flush()
        self._what = ""

    def _left(self, now: float, done: int, total: int) -> str:
        took = now - self._began
        if took < 1 or not done or done >= total:
            return ""
        return f", about {duration(took / done * (total - done))} left"


def terminal(also: Callable[[str, int, int], None] | None = None) -> Terminal:
    return Terminal(sys.stderr, also=also)
