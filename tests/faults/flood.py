"""Courts that never stop talking, and the proof that all they said is stored once."""

from __future__ import annotations

import socket
import threading
import time

from tests.processes import Stack, wait_until

_LISTENING = "FROM events_listenernode WHERE importer_seen_at IS NOT NULL"


class Flood:
    """Sends to a stack from several sources at a rate, until told to stop.

    Nearly every datagram is `sup;N` with an N of its own, so that each can be found again; every
    tenth is one of a match.
    """

    MATCH = (b"clk;01:59;start\r\n", b"hl1;30\r\n", b"pt1;2\r\n", b"sc1;2;sc2;0\r\n", b"wg1;1;wg2;0\r\n")

    def __init__(self, stack: Stack, rate: int, sources: int = 8) -> None:
        self.stack = stack
        self.rate = rate
        self.sent = 0
        self._sockets = [_open(f"127.0.2.{n}") for n in range(1, sources + 1)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Flood:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Nothing is sent any more when this returns."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for one in self._sockets:
            one.close()

    def wait_for(self, number: int, timeout: float = 30) -> None:
        """Until so many have been sent in all."""
        wait_until(lambda: self.sent >= number, timeout, f"{number} datagrams sent")

    def _run(self) -> None:
        address = ("127.0.0.1", self.stack.port)
        begin = time.monotonic()
        while not self._stop.wait(0.01):
            for number in range(self.sent, int((time.monotonic() - begin) * self.rate)):
                payload = self.MATCH[number // 10 % 5] if number % 10 == 0 else b"sup;%d\r\n" % number
                self._sockets[number % len(self._sockets)].sendto(payload, address)
                self.sent = number + 1


def _open(source: str) -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind((source, 0))
    return one


def wait_until_stored(stack: Stack, number: int, timeout: float = 60) -> None:
    """Until the ledger says that so many datagrams are stored or were dropped by the kernel."""

    def stored() -> bool:
        rows = stack.fetch(f"SELECT stored + kernel_drops {_LISTENING}")
        return bool(rows) and int(rows[0][0]) >= number

    wait_until(stored, timeout, f"{number} datagrams stored")


def check_everything_is_stored_once(stack: Stack, sent: int, beside: int = 0) -> None:
    """0 lost, 0 twice, each session's sequence without gaps, and every total true.

    `beside`: events that were there already, of other senders.
    """
    stored, drops = stack.fetch(f"SELECT stored, kernel_drops {_LISTENING}")[0]
    assert stored == sent - drops
    numbered = sum(1 for number in range(sent) if number % 10)
    count, different = stack.fetch(
        "SELECT count(*), count(DISTINCT raw) FROM events_pssevent WHERE stream = 'sup'"
    )[0]
    assert count == different
    assert numbered - drops <= count <= numbered
    assert stack.count() == stored + beside
    sessions = stack.fetch(
        "SELECT s.id, s.events, s.datagrams, count(*), min(e.sequence), max(e.sequence),"
        " count(DISTINCT e.sequence) FROM events_udpsession s JOIN events_pssevent e ON e.session_id = s.id"
        " WHERE CAST(s.source AS text) LIKE '127.0.2.%' GROUP BY s.id, s.events, s.datagrams"
    )
    for session, events, datagrams, *found in sessions:
        assert (events, *found) == (datagrams, events, 1, events, events), session
    assert stack.fetch("SELECT sum(events) FROM events_eventtally")[0][0] == stored + beside
    assert stack.fetch("SELECT sum(count) FROM events_unknownmessage")[0][0] == count
