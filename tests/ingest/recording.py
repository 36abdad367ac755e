"""What the tests of the capture half share: recorders in threads, numbered datagrams."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ingest.journal import JournalReader, Record, iterate
from ingest.listen import open_sockets
from ingest.recorder import Recorder
from tests.processes import wait_until


def datagrams(directory: Path) -> list[Record]:
    """What a journal holds, without the notes."""
    return [record for record in iterate(directory) if record.local_port]


def notes(directory: Path, kind: str = "") -> list[dict[str, Any]]:
    """The notes of a journal, all or those of a kind."""
    found = [json.loads(record.payload) for record in iterate(directory) if not record.local_port]
    return [note for note in found if kind in ("", note["note"])]


def total(directory: Path) -> int:
    """Datagrams in a journal."""
    reader = JournalReader(directory)
    try:
        return reader.total()
    finally:
        reader.close()


def noted(directory: Path, kind: str) -> Callable[[], bool]:
    """A condition: a note of this kind is in the journal."""
    return lambda: bool(notes(directory, kind))


@contextmanager
def recording(
    directory: Path, listen: str = "127.0.0.1:0", sockets: list[socket.socket] | None = None, **options: Any
) -> Iterator[tuple[Recorder, tuple[Any, ...], list[str]]]:
    """A recorder at work in a thread; gives it, the address of its first socket, and what it says."""
    said: list[str] = []
    starts = len(notes(directory, "start"))
    opened = sockets if sockets is not None else open_sockets([listen])
    recorder = Recorder(directory, opened, log=said.append, **options)
    result: list[int] = []
    thread = threading.Thread(target=lambda: result.append(recorder.run()))
    thread.start()
    try:
        wait_until(lambda: len(notes(directory, "start")) > starts or not thread.is_alive())
        yield recorder, opened[0].getsockname(), said
    finally:
        recorder.stop()
        thread.join(30)
        assert not thread.is_alive()


class Sender:
    """Sends numbered datagrams at a rate from a thread until told to stop."""

    def __init__(self, address: tuple[Any, ...], rate: int) -> None:
        self.sent = 0
        self._address = address
        self._rate = rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def __enter__(self) -> Sender:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _send(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            begin = time.monotonic()
            while not self._stop.is_set():
                due = int((time.monotonic() - begin) * self._rate)
                while self.sent < due:
                    out.sendto(b"%d\r\n" % self.sent, self._address)
                    self.sent += 1
                self._stop.wait(0.001)
