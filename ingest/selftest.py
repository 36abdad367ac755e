"""A datagram of our own, sent to ourselves, to see that what is sent here really arrives.

It goes the whole way, socket, journal and importer, where it is recognised by its form and by coming from
this very machine. It is counted as received and as stored, and kept in the journal like any other;
but it becomes no event, and makes no session and no court.
"""

from __future__ import annotations

import re
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

from ingest.journal import JournalReader, Record
from ingest.listen import parse_listen

PREFIX = b"restrike self-test "
_FORM = re.compile(re.escape(PREFIX) + rb"[0-9a-f]{32}\r\n")
_LOOK_S = 0.02
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a test datagram got. `trouble`: why it could not even be sent, or ''."""

    address: str
    trouble: str = ""
    recorded: bool = False
    stored: bool = False
    took_ms: float = 0.0


def is_self_test(record: Record) -> bool:
    """Whether a record is one of ours. What comes over a network never is, whatever it says."""
    if not record.payload.startswith(PREFIX):
        return False
    return _FORM.fullmatch(record.payload) is not None and _is_own(record.source)


def try_out(address: str, directory: Path, is_stored: Callable[[int], bool], patience_s: float) -> Outcome:
    """Sends one to `address`, and waits for it in the journal, then until `is_stored(its sequence)`.

    `address` is one the recorder of the journal in `directory` listens on. Waits at most `patience_s`
    seconds for each of the two.
    """
    reader = JournalReader(directory)
    try:
        position = reader.end()
        payload = PREFIX + secrets.token_hex(16).encode() + b"\r\n"
        began = time.monotonic()
        try:
            _send(address, payload)
        except OSError as error:
            return Outcome(address, trouble=error.strerror or str(error))

        def recorded() -> Record | None:
            nonlocal position
            records, position = reader.read(position, 1_000)
            return next((record for record in records if record.payload == payload), None)

        found = _wait_for(recorded, patience_s)
        if found is None:
            return Outcome(address)
        stored = _wait_for(lambda: is_stored(found.sequence), patience_s)
        return Outcome(address, "", True, bool(stored), (time.monotonic() - began) * 1000)
    finally:
        reader.close()


def _send(address: str, payload: bytes) -> None:
    host, port = parse_listen(address)
    if host in ("0.0.0.0", "::"):  # noqa: S104  compared, not listened on
        host = "::1" if ":" in host else "127.0.0.1"
    family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        # From loopback whichever address is listened on: that is what it is recognised by.
        sender.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        sender.sendto(payload, where)


def _wait_for(look: Callable[[], T], patience_s: float) -> T:
    end = time.monotonic() + patience_s
    while not (found := look()) and time.monotonic() < end:
        time.sleep(_LOOK_S)
    return found


def _is_own(source: str) -> bool:
    address = ip_address(source)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
