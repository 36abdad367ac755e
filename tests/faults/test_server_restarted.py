"""A PostgreSQL server of the test's own, stopped and crashed in the middle of writing: 0 lost, 0 twice."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import on_postgresql, unavailable
from tests.faults.flood import Flood, check_everything_is_stored_once, wait_until_stored
from tests.processes import Stack, free_port

PROGRAMS = "/usr/lib/postgresql"
# PostgreSQL does not run as root.
ACCOUNT = "postgres"


class Server:
    def __init__(self, programs: Path, place: Path) -> None:
        self.programs = programs
        self.place = place
        self.port = free_port(socket.SOCK_STREAM)
        self.url = f"postgres://{ACCOUNT}@127.0.0.1:{self.port}/postgres"
        self.run("initdb", "--auth=trust", f"--username={ACCOUNT}", "--no-sync")
        self.start()

    def start(self) -> None:
        options = f"-p {self.port} -k {self.place} -c listen_addresses=127.0.0.1 -c fsync=off"
        self.run("pg_ctl", "start", "-w", "-l", str(self.place / "log"), "-o", options)

    def stop(self, how: str) -> None:
        """`fast`: connections are cut; `immediate`: as if it had crashed, without writing anything more."""
        self.run("pg_ctl", "stop", "-w", "-m", how)

    def run(self, program: str, *args: str) -> None:
        subprocess.run(
            [str(self.programs / program), "-D", str(self.place / "data"), *args],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.place,
            user=ACCOUNT if os.geteuid() == 0 else None,
            timeout=60,
        )


@pytest.fixture
def server() -> Iterator[Server]:
    if not on_postgresql():
        pytest.skip("about a server; the run on PostgreSQL has it")
    found = sorted(Path(PROGRAMS).glob("*/bin/initdb"))
    if not found:
        unavailable(f"there is no initdb in {PROGRAMS}")
    # Short, as the path of a socket has to be, and open to the server's account.
    place = Path(tempfile.mkdtemp(prefix="pg-"))
    if os.geteuid() == 0:
        shutil.chown(place, ACCOUNT)
    made = Server(found[-1].parent, place)
    try:
        yield made
    finally:
        made.stop("immediate")
        shutil.rmtree(place, ignore_errors=True)


def test_server_restarted_in_the_middle_of_writing_loses_and_doubles_nothing(
    server: Server, make_stack: Callable[[str], Stack]
) -> None:
    stack = make_stack(server.url)
    stack.manage("migrate", "-v0")
    process = stack.start()
    with Flood(stack, rate=1_500) as flood:
        for how in ("immediate", "fast"):
            flood.wait_for(flood.sent + 1_000)
            server.stop(how)
            flood.wait_for(flood.sent + 1_000)
            server.start()
        flood.stop()
    wait_until_stored(stack, flood.sent)
    assert process.stop() == 0
    assert "Traceback" not in process.output
    assert "Cannot write to the database" in process.output
    check_everything_is_stored_once(stack, flood.sent)
