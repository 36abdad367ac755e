"""The database locked, gone, full or read-only: one sentence, nothing lost, and it goes on by itself."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests.conftest import on_postgresql
from tests.faults.flood import Flood, check_everything_is_stored_once, wait_until_stored
from tests.ingest.feed import Feed
from tests.ingest.recording import total
from tests.processes import Process, Stack, wait_until

TERMINATE_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
# From the ledger, as the table of events itself cannot be read while it is locked.
STORED = "SELECT stored FROM events_listenernode"
SAYS = "Cannot write to the database"


def journaled(stack: Stack) -> int:
    """Datagrams in the journal."""
    return total(stack.var / "journal" / "main")


def complaints(process: Process) -> list[str]:
    """What was said about the database; a traceback would be no sentence."""
    assert "Traceback" not in process.output, process.output
    return [line for line in process.lines if SAYS in line]


def check_it_went_on(stack: Stack, process: Process, sent: int) -> None:
    """Everything is stored in the end, by itself, and the processes end in order."""
    wait_until_stored(stack, sent)
    assert process.stop() == 0
    assert "Traceback" not in process.output
    check_everything_is_stored_once(stack, sent)


# --- Locked -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def locked(stack: Stack) -> Iterator[None]:
    """Nobody else can write events."""
    if stack.is_postgresql:
        with psycopg.connect(stack.url) as connection:
            connection.execute("LOCK TABLE events_pssevent IN ACCESS EXCLUSIVE MODE")
            yield
        return
    import sqlite3

    path = stack.url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@pytest.mark.parametrize("seconds", [3, 60])
def test_a_locked_database_delays_and_loses_nothing(stack: Stack, seconds: int) -> None:
    process = stack.start()
    importer = wait_until(lambda: process.child("import_journal"))
    with Flood(stack, rate=500) as flood:
        flood.wait_for(200)
        with locked(stack):
            already, stored = journaled(stack), stack.fetch(STORED)
            # Recording goes on all the time, while nothing can be stored.
            wait_until(lambda: journaled(stack) > already + seconds * flood.rate, seconds + 30)
            assert stack.fetch(STORED) == stored
        flood.stop()
    check_it_went_on(stack, process, flood.sent)
    said = complaints(process)
    # SQLite gives up after 20 s and is asked again; PostgreSQL lets whoever writes wait.
    assert bool(said) is (seconds > 20 and not stack.is_postgresql)
    assert all("Nothing is lost" in line for line in said)
    with pytest.raises(ProcessLookupError):
        # The importer that ended with the stack is the one that was there from the beginning.
        os.kill(importer.pid, 0)
    assert sum("The importer" in line for line in process.lines) == 0


# --- Connections lost -------------------------------------------------------------------------------


needs_a_server = pytest.mark.skipif(
    not on_postgresql(), reason="about a server; the run on PostgreSQL has it"
)
needs_a_file = pytest.mark.skipif(on_postgresql(), reason="about SQLite's file; the run on SQLite has it")


@pytest.mark.slow
@needs_a_server
def test_connections_terminated_in_the_middle_of_writing_lose_and_double_nothing(
    postgres: str, make_stack: Callable[[str], Stack]
) -> None:
    stack = make_stack(postgres)
    process = stack.start()
    with (
        Flood(stack, rate=2_000) as flood,
        psycopg.connect(postgres, autocommit=True) as admin,
    ):
        for turn in range(10):
            flood.wait_for(300 * (turn + 1))
            wait_until(lambda: admin.execute(TERMINATE_OTHERS).fetchall(), 30, "a connection to terminate")
        flood.wait_for(5_000)
        flood.stop()
    check_it_went_on(stack, process, flood.sent)
    assert complaints(process)


class Relay:
    """A port that leads to the server, when it is open."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._listening: socket.socket | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        user = f"{parts.username}:{parts.password}@" if parts.password else f"{parts.username}@"
        self.url = urlunsplit(parts._replace(netloc=f"{user}127.0.0.1:{self.port}"))
        self._open: set[socket.socket] = set()

    def open(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def close(self) -> None:
        """Nobody gets through any more, and whoever was through is cut off."""
        for one in [self._listening, *self._open]:
            if one is not None:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
        self._listening = None

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = socket.create_connection(self._server)
                self._open |= {client, server}
                threading.Thread(target=self._pump, args=(client, server), daemon=True).start()

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        with contextlib.suppress(OSError, ValueError):
            while True:
                for one in select.select([client, server], [], [])[0]:
                    data = one.recv(65536)
                    if not data:
                        raise OSError
                    other[one].sendall(data)
        for one in other:
            self._open.discard(one)
            one.close()


@pytest.mark.slow
@needs_a_server
def test_a_server_that_cannot_be_reached_at_the_start_is_written_to_when_it_can(
    postgres: str, make_stack: Callable[[str], Stack]
) -> None:
    relay = Relay(postgres)
    stack = make_stack(relay.url)
    process = stack.start("ingest", wait_for="Listening on")
    stack.url = postgres  # for looking at it from here, past the relay
    with Flood(stack, rate=300) as flood:
        process.wait_for_line(SAYS)
        wait_until(lambda: journaled(stack) > 300, 30)
        assert stack.count() == 0
        relay.open()
        flood.stop()
    check_it_went_on(stack, process, flood.sent)
    relay.close()
    (sentence,) = complaints(process)
    assert "Nothing is lost" in sentence


@needs_a_file
def test_a_database_file_that_cannot_be_opened_at_the_start(
    sqlite_file: str, make_stack: Callable[[str], Stack], tmp_path: Path
) -> None:
    place = tmp_path / "away" / "restrike.sqlite3"
    place.mkdir(parents=True)  # a directory where the file should be
    stack = make_stack(f"sqlite:///{place}")
    process = stack.start("ingest", wait_for="Listening on")
    with Flood(stack, rate=300) as flood:
        process.wait_for_line(SAYS)
        wait_until(lambda: journaled(stack) > 100, 30)
        flood.stop()
    place.rmdir()
    shutil.move(sqlite_file.removeprefix("sqlite:///"), place)
    check_it_went_on(stack, process, flood.sent)


def test_bringing_in_a_journal_without_a_database_is_one_sentence_and_no_success(
    fresh_database: str, make_stack: Callable[[str], Stack], tmp_path: Path
) -> None:
    nowhere = "postgres://postgres@127.0.0.1:9/none" if on_postgresql() else f"sqlite:///{tmp_path}"
    stack = make_stack(nowhere)
    feed = Feed(stack.var / "journal" / "main")
    feed.say(*[b"pt1;3\r\n"] * 20)
    feed.writer.close()
    done = stack.manage("import_journal", "--once", check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.count(SAYS) == 1
    stack.env["DATABASE_URL"] = stack.url = fresh_database
    assert "20 records stored" in stack.manage("import_journal", "--once").stdout
    assert "0 records stored" in stack.manage("import_journal", "--once").stdout
    assert stack.count() == 20


# --- Full and read-only disks -----------------------------------------------------------------------


@pytest.fixture
def small_disk(make_small_disk: Callable[[str], Path]) -> Path:
    """A file system of 16 MB: the recorder keeps 6 of them for its segments and staging file."""
    return make_small_disk("16m")


def test_a_full_disk_under_the_database_delays_and_loses_nothing(
    stack_on_small_disk: Stack, fill: Callable[[int], Path]
) -> None:
    stack = stack_on_small_disk
    process = stack.start()
    filler = fill(200_000)
    with Flood(stack, rate=2_000) as flood:
        process.wait_for_line(SAYS)
        stored = stack.count()
        already = journaled(stack)
        wait_until(lambda: journaled(stack) > already + 2_000, 30)
        assert stack.count() == stored
        flood.stop()
    (sentence,) = complaints(process)[:1]
    assert ("No space left on device" if stack.is_postgresql else "disk is full") in sentence
    assert "Nothing is lost" in sentence
    filler.unlink()
    check_it_went_on(stack, process, flood.sent)
    assert len(complaints(process)) <= 4


@needs_a_file
def test_a_read_only_disk_under_the_database_delays_and_loses_nothing(
    stack_on_small_disk: Stack, small_disk: Path
) -> None:
    stack = stack_on_small_disk
    remount(small_disk, "ro")
    process = stack.start("ingest", wait_for="Listening on")
    with Flood(stack, rate=500) as flood:
        process.wait_for_line(SAYS)
        wait_until(lambda: journaled(stack) > 500, 30)
        flood.stop()
    remount(small_disk, "rw")
    check_it_went_on(stack, process, flood.sent)
    assert "Nothing is lost" in complaints(process)[0]


@needs_a_file
def test_one_disk_for_everything_that_is_full_loses_nothing_the_system_held(
    stack_on_small_disk: Stack, small_disk: Path, fill: Callable[[int], Path]
) -> None:
    stack = stack_on_small_disk
    stack.var = small_disk / "var"
    stack.env |= {"RESTRIKE_VAR": str(stack.var), "JOURNAL_SEGMENT_MB": "1"}
    process = stack.start()
    # The journal's segments have their room already, so the database is the first to be without.
    wait_until((stack.var / "journal" / "main" / "next.segment").exists)
    filler = fill(100_000)
    with Flood(stack, rate=2_000) as flood:
        process.wait_for_line(SAYS)
        flood.wait_for(flood.sent + 3_000)
        flood.stop()
    filler.unlink()
    check_it_went_on(stack, process, flood.sent)


def test_a_read_only_directory_is_one_sentence_that_says_what_to_do(
    small_disk: Path, fresh_database: str, make_stack: Callable[[str], Stack]
) -> None:
    remount(small_disk, "ro")
    stack = make_stack(fresh_database)
    stack.env["RESTRIKE_VAR"] = str(small_disk / "var")
    done = stack.manage("ingest", check=False)
    assert done.returncode not in (0, None)
    assert "Traceback" not in done.stderr
    (sentence,) = done.stderr.strip().splitlines()
    assert "RESTRIKE_VAR" in sentence
    assert str(small_disk) in sentence


def remount(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(place)], check=True, capture_output=True)
