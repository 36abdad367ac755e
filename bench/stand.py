"""What a benchmark runs on: an installation of its own with real processes, gone afterwards.

A *stand* has a var directory, a database and ports that nobody else uses. Both databases are
migrated once for each run of the bench and copied from there.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg

from bench.report import Options, say
from ingest.journal import iterate
from tests.processes import PROJECT, Process, Stack, free_port, wait_until

_template: dict[str, str] = {}  # database -> URL of a migrated one with a hall set up
_hall: dict[str, dict[str, Any]] = {}
_names = iter(range(1_000_000))


class Stand(Stack):
    """A Stack (tests.processes) that counts, sends and measures."""

    def __init__(self, var: Path, url: str, hall: dict[str, Any]) -> None:
        super().__init__(var, url)
        self.hall = hall
        self.web_port = 0
        # A quiet log: what is measured is the work, not the terminal.
        self.env |= {"LOG_LEVEL": "WARNING", "DEBUG": "False", "PYTHONOPTIMIZE": ""}
        self._reader: Any = None

    # --- Processes --------------------------------------------------------------------------------

    def module(self, *args: str, **env: str) -> Process:
        """`python -m ARGS` in the background, in this installation."""
        process = Process([sys.executable, "-m", *args], self.env | env)
        self.processes.append(process)
        return process

    def start_web(self) -> Process:
        """Daphne on a free port, ready to answer."""
        import socket

        self.web_port = free_port(socket.SOCK_STREAM)
        process = self.module(
            "daphne", "-b", "127.0.0.1", "-p", str(self.web_port), "-v", "0", "restrike.asgi:application"
        )

        def answers() -> bool:
            assert process.popen.poll() is None, f"daphne ended:\n{process.output}"
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.web_port), 1).close()
                return True
            return False

        wait_until(answers, 60, "daphne")
        return process

    def start_load(self, rate: float, count: int, courts: int = 4) -> Process:
        """The project's simulator as load generator: `count` datagrams at `rate` a second."""
        return self.module(
            *("ingest.simulator", "--target", f"127.0.0.1:{self.port}", "--courts", str(courts)),
            *("--rate", str(int(rate)), "--count", str(count), "--seed", "1", "--json"),
        )

    def start_numbered(self, rate: float, count: int, times: Path, *extra: str) -> Process:
        """Numbered datagrams (bench.sender); `times` gets when each was sent."""
        return self.module(
            *("bench.sender", "--target", f"127.0.0.1:{self.port}", "--rate", str(rate)),
            *("--count", str(count), "--times", str(times), *extra),
        )

    # --- Counting ---------------------------------------------------------------------------------

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query over one connection, kept open so that asking often costs little."""
        if self._reader is None:
            if self.is_postgresql:
                self._reader = psycopg.connect(self.url, autocommit=True)
            else:
                import sqlite3

                path = self.url.removeprefix("sqlite:///")
                self._reader = sqlite3.connect(path, timeout=20, isolation_level=None)
        return list(self._reader.execute(sql).fetchall())

    def stored(self) -> int:
        """Datagrams whose events are committed."""
        return int(self.query("SELECT coalesce(sum(stored), 0) FROM events_listenernode")[0][0])

    def events(self) -> int:
        return int(self.query("SELECT count(*) FROM events_pssevent")[0][0])

    def journaled(self) -> int:
        """Datagrams in the journal, counted by reading it whole."""
        return sum(1 for record in iterate(self.var / "journal" / "main") if record.local_port)

    def kernel_drops(self) -> int:
        return int(self.query("SELECT coalesce(sum(kernel_drops), 0) FROM events_listenernode")[0][0])

    def wait_stored(self, datagrams: int, quiet_s: float = 5, most_s: float = 120) -> float:
        """Until so many are stored, or none came for `quiet_s`; time.monotonic() of the last."""
        last, since = self.stored(), time.monotonic()
        end = since + most_s
        while last < datagrams and time.monotonic() < min(since + quiet_s, end):
            time.sleep(0.01)
            if (now := self.stored()) != last:
                last, since = now, time.monotonic()
        return since

    def check_ledger(self, sent: int) -> dict[str, int]:
        """Sent, journaled and stored, with what is missing; call it when nothing moves any more."""
        journaled, stored = self.journaled(), self.stored()
        found = {"sent": sent, "journaled": journaled, "stored": stored, "lost": sent - stored}
        if not sent == journaled == stored:
            say(f"LOSS: {found} kernel drops {self.kernel_drops()}")
        return found

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        super().close()


def wait_load(process: Process) -> dict[str, Any]:
    """Waits for a sender to end; what it says of itself: `sent`, `seconds`, `rate`, `late` …"""
    code = process.wait(600)
    assert code == 0, f"the sender failed:\n{process.output}"
    found: dict[str, Any] = json.loads(process.lines[-1])
    return found


# --- Making them ----------------------------------------------------------------------------------


class Work:
    """Processor time since it was made: of the processes below `roots`, and of everybody else."""

    def __init__(self, *roots: Process) -> None:
        self._roots = roots
        self._began = time.monotonic()
        self._busy = self._busy_s()
        self._children = self._children_s()
        self._before = self._tree()

    def spent(self) -> dict[str, float]:
        """Seconds by the last word that tells a process: `ingest.recorder`, `import_journal` …"""
        return {name: now - self._before.get(name, 0.0) for name, now in self._tree().items()}

    def others(self) -> float:
        """Share (0 to 1) of the machine that was given to processes that are none of ours."""
        ours = sum(self.spent().values()) + self._children_s() - self._children
        wall = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        return max(self._busy_s() - self._busy - ours, 0.0) / max(wall, 0.001)

    def _tree(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for root in self._roots:
            with contextlib.suppress(psutil.NoSuchProcess):
                for process in [top := psutil.Process(root.pid), *top.children(recursive=True)]:
                    with contextlib.suppress(psutil.NoSuchProcess, IndexError):
                        words = process.cmdline()
                        name = words[2]
                        times = process.cpu_times()
                        found[name] = found.get(name, 0.0) + times.user + times.system
        return found

    @staticmethod
    def _busy_s() -> float:
        times = psutil.cpu_times()
        return sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)

    @staticmethod
    def _children_s() -> float:
        """Of this process, and of senders that have ended."""
        own = os.times()
        return own.user + own.system + own.children_user + own.children_system


@contextlib.contextmanager
def stand(options: Options, database: str, **env: str) -> Iterator[Stand]:
    """A stand on 'sqlite' or 'postgresql' with a tournament day active; nothing runs on it yet."""
    var = Path(tempfile.mkdtemp(prefix="restrike-bench-"))
    url = ""
    made = None
    try:
        _make_template(options, database)
        url = _copy(options, database, var)
        made = Stand(var, url, _hall[database])
        made.env |= {"SECRET_KEY": "bench", **env}
        yield made
    finally:
        if made is not None:
            made.close()
        if database == "postgresql" and url:
            _drop(options, url)
        shutil.rmtree(var, ignore_errors=True)


@contextlib.contextmanager
def empty(options: Options) -> Iterator[Stand]:
    """A stand on a migrated PostgreSQL database without any rows; nothing runs on it."""
    url = _create(options)
    with tempfile.TemporaryDirectory(prefix="restrike-bench-") as var:
        made = Stand(Path(var), url, {})
        made.env["SECRET_KEY"] = "bench"
        try:
            made.manage("migrate", "-v", "0")
            yield made
        finally:
            made.close()
            _drop(options, url)


@contextlib.contextmanager
def templates(options: Options) -> Iterator[None]:
    """Around all benchmarks: takes the migrated templates away at the end."""
    try:
        yield
    finally:
        for database, url in _template.items():
            if database == "postgresql":
                _drop(options, url)
            else:
                shutil.rmtree(Path(url.removeprefix("sqlite:///")).parent, ignore_errors=True)
        _template.clear()


def _make_template(options: Options, database: str) -> None:
    if database in _template:
        return
    var = Path(tempfile.mkdtemp(prefix="restrike-bench-template-"))
    url = f"sqlite:///{var}/restrike.sqlite3" if database == "sqlite" else _create(options)
    _template[database] = url
    made = Stand(var, url, {})
    made.env["SECRET_KEY"] = "bench"
    made.manage("migrate", "-v", "0")
    done = subprocess.run(
        [sys.executable, "-m", "bench.hall"], env=made.env, cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    _hall[database] = json.loads(done.stdout)
    if database == "postgresql":
        shutil.rmtree(var, ignore_errors=True)


def _copy(options: Options, database: str, var: Path) -> str:
    if database == "postgresql":
        return _create(options, urlsplit(_template[database]).path.lstrip("/"))
    # Nobody has it open, so all of it is in the one file.
    shutil.copyfile(_template[database].removeprefix("sqlite:///"), var / "restrike.sqlite3")
    return f"sqlite:///{var}/restrike.sqlite3"


def _on_server(options: Options, statement: str) -> None:
    parts = urlsplit(options.postgresql)
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def _create(options: Options, template: str = "") -> str:
    name = f"bench_restrike_{os.getpid()}_{next(_names)}"
    _on_server(options, f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    return urlunsplit(urlsplit(options.postgresql)._replace(path=f"/{name}"))


def _drop(options: Options, url: str) -> None:
    _on_server(options, f"DROP DATABASE IF EXISTS {urlsplit(url).path.lstrip('/')} WITH (FORCE)")
