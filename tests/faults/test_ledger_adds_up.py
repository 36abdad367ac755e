"""The ledger after a bad day: a tiny receive buffer, a recorder killed, and everything killed at once."""

from __future__ import annotations

import os
import signal
import socket
import sys
from typing import Any

import pytest

from ingest.listen import dropped, open_sockets
from tests.ingest.recording import noted, recording
from tests.processes import Stack, wait_until

COURTS = ("127.0.3.1", "127.0.3.2")


def send(stack: Stack, number: int) -> None:
    for source in COURTS:
        stack.send(*[b"pt1;%d\r\n" % (n % 3 + 1) for n in range(number)], source=source)


def stored(stack: Stack, number: int) -> dict[str, Any]:
    """The status when so many datagrams are stored."""
    wait_until(lambda: stack.fetch("SELECT stored FROM events_listenernode")[0][0] >= number, 40)
    return stack.status()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what it drops")
def test_ledger_adds_up_after_drops_and_kills(stack: Stack) -> None:
    directory = stack.var / "journal" / "main"
    (one,) = open_sockets([f"127.0.0.1:{stack.port}"])
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    send(stack, 200)
    lost = dropped(one)
    assert 300 < lost < 400
    with recording(directory, sockets=[one]):
        wait_until(noted(directory, "drops"))

    # Then it goes on as usual, after some blind time: no socket was open in between.
    process = stack.start()
    send(stack, 10)
    recorder = process.child("ingest.recorder")
    assert recorder
    recorder.kill()
    send(stack, 10)
    received = 400 - lost + 40
    stored(stack, received)
    stack.manage("preflight", "--json", check=False)
    os.killpg(process.pid, signal.SIGKILL)
    process.destroy()
    stack.start()
    send(stack, 10)
    # Two courts sent 10 more each; the pre-flight list has sent a datagram of its own.
    status = stored(stack, received + 20 + 1)

    (main,) = status["by_court"]
    assert (status["received"], status["backlog"]) == (received + 21, 0)
    assert (main["received"], main["stored"], main["tests"]) == (received + 21, received + 21, 1)
    assert sum(court["stored"] for court in main["courts"]) + main["tests"] == main["stored"]
    assert main["elsewhere"] == 0
    assert main["kernel_drops"] == status["kernel_drops"] == lost
    assert status["blind_seconds"] > 0
    for court in main["courts"]:
        assert court["received"] == court["stored"]
        # Nobody knows which of the two they were.
        assert court["kernel_drops_up_to"] == lost
        assert court["blind_seconds_up_to"] == status["blind_seconds"]

    # Each loss has its time, and together they are the totals.
    rows = stack.fetch(
        "SELECT kind, sum(datagrams), sum(blind_ms) FROM events_loss GROUP BY kind ORDER BY kind"
    )
    drops, blind = stack.fetch("SELECT kernel_drops, blind_ms FROM events_listenernode")[0]
    assert [(kind, int(a), int(b)) for kind, a, b in rows] == [("blind", 0, blind), ("drops", drops, 0)]
    assert stack.fetch('SELECT count(*) FROM events_loss WHERE "end" < "begin"') == [(0,)]
    assert {port for (port,) in stack.fetch("SELECT port FROM events_loss WHERE kind = 'drops'")} == {
        stack.port
    }
