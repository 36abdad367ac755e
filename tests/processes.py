"""Real processes for tests: start them, wait for what they say or write, and leave none behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import psutil
import psycopg

PROJECT = Path(__file__).resolve().parent.parent
T = TypeVar("T")


def wait_until(condition: Callable[[], T], timeout: float = 60, what: str = "") -> T:
    """The first true value of `condition`, asked every 20 ms; AssertionError after `timeout` seconds."""
    end = time.monotonic() + timeout
    pause = threading.Event()
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {timeout:g} s: {what or condition}"
        pause.wait(0.02)
    return value


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """A port of 127.0.0.1 that nobody has at the moment."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A child whose output (stdout and stderr together) can be waited for."""

    def __init__(self, args: Sequence[str], env: dict[str, str]) -> None:
        self.popen = subprocess.Popen(
            args,
            env=env,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Its own group, so that whatever it started can be ended with it.
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout
        for line in self.popen.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for_line(self, text: str, timeout: float = 60) -> str:
        """The first line with `text` in it."""

        def found() -> str | None:
            line = next((line for line in list(self.lines) if text in line), None)
            assert line or self.popen.poll() is None, f"ended without {text!r}:\n{self.output}"
            return line

        return wait_until(found, timeout, f"{text!r} in:\n{self.output}") or ""

    def child(self, word: str) -> psutil.Process | None:
        """The living descendant with `word` in its command line."""
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    if process.status() != psutil.STATUS_ZOMBIE and any(word in a for a in process.cmdline()):
                        return process
        return None

    def send_signal(self, number: int) -> None:
        self.popen.send_signal(number)

    def wait(self, timeout: float = 60) -> int:
        """Its exit code."""
        code = self.popen.wait(timeout)
        self._reader.join(5)
        return code

    def stop(self, number: int = signal.SIGTERM, timeout: float = 60) -> int:
        """Ask it to end, and its exit code."""
        if self.popen.poll() is None:
            self.send_signal(number)
        return self.wait(timeout)

    def destroy(self) -> None:
        """Whatever is left of it and its children goes."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait(10)


class Stack:
    """An installation of its own: var directory, database, port, and the processes on it.

    `url` is its DATABASE_URL. Nothing runs until `start()`; `manage()` runs a command to its end.
    """

    def __init__(self, var: Path, url: str) -> None:
        self.var = var
        self.url = url
        self.port = free_port()
        self.env = {
            **os.environ,
            "RESTRIKE_VAR": str(var),
            "DATABASE_URL": url,
            "INGEST_LISTEN": f"127.0.0.1:{self.port}",
            "PYTHONUNBUFFERED": "1",
        }
        self.processes: list[Process] = []
        self._sender: socket.socket | None = None

    @property
    def is_postgresql(self) -> bool:
        return self.url.startswith("postgres")

    def command(self, *args: str) -> list[str]:
        return [sys.executable, str(PROJECT / "manage.py"), *args]

    def start(self, *args: str, wait_for: str = "") -> Process:
        """`manage.py ARGS` in the background (default: `ingest`, and returns when it records and imports)."""
        args = args or ("ingest",)
        process = Process(self.command(*args), self.env)
        self.processes.append(process)
        if wait_for:
            process.wait_for_line(wait_for)
        elif args[0] == "ingest":
            self.wait_until_recording(process)
        return process

    def wait_until_recording(self, process: Process) -> None:
        """Until recorder and importer of `process` have said in the database that they live."""
        before = self._seen()

        def alive() -> bool:
            assert process.popen.poll() is None, f"ended:\n{process.output}"
            now = self._seen()
            return all(now) and now[0] != before[0] and now[1] != before[1]

        wait_until(alive, 60, "recorder and importer running")

    def _seen(self) -> tuple[Any, Any]:
        rows = self.fetch("SELECT recorder_seen_at, importer_seen_at FROM events_listenernode ORDER BY id")
        return rows[-1] if rows else (None, None)

    def manage(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`manage.py ARGS` to its end."""
        done = subprocess.run(
            self.command(*args), env=self.env, cwd=PROJECT, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0 or not check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def status(self) -> dict[str, Any]:
        """`manage.py status --json`."""
        result: dict[str, Any] = json.loads(self.manage("status", "--json").stdout)
        return result

    def send(self, *datagrams: bytes, source: str = "127.0.0.1") -> None:
        """From one socket, kept for the life of the stack; another `source` takes a socket of its own."""
        if source != "127.0.0.1":
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.bind((source, 0))
                for datagram in datagrams:
                    sender.sendto(datagram, ("127.0.0.1", self.port))
            return
        if self._sender is None:
            self._sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for datagram in datagrams:
            self._sender.sendto(datagram, ("127.0.0.1", self.port))

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query, over a connection of its own."""
        if self.is_postgresql:
            with psycopg.connect(self.url) as connection:
                return connection.execute(sql).fetchall()  # type: ignore[arg-type]
        # Settings have put the newest SQLite in its place (restrike.sqlite).
        import sqlite3

        path = self.url.removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(path, timeout=20)) as connection:
            return list(connection.execute(sql))

    def count(self, table: str = "events_pssevent") -> int:
        """Rows of a table."""
        return int(self.fetch(f"SELECT count(*) FROM {table}")[0][0])

    def wait_for_events(self, number: int, timeout: float = 60) -> int:
        """Until at least `number` events are stored."""

        def stored() -> int:
            count = self.count()
            return count if count >= number else 0

        return wait_until(stored, timeout, f"{number} events, there are {self.count()}")

    def close(self) -> None:
        """End every process, politely first."""
        for process in self.processes:
            if process.popen.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.destroy()
        if self._sender is not None:
            self._sender.close()
