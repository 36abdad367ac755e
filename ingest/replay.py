"""Sending recorded datagrams again: at their own pace, faster, or as fast as possible.

Each source of the recording gets a socket of its own, so that courts and sessions stay apart as
they were. To a target on this machine each source address also gets an address of its own in
127.0.0.0/8, where the system has them (Linux, Windows).
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

from ingest.captures import Captured
from ingest.listen import ListenError, parse_listen

MAX_SOCKETS = 256
#: 127.0.0.1 is left to the first source; the last of 127.0.0.x is taken again for all beyond.
MAX_LOOPBACK = 250


class TargetError(Exception):
    """The target cannot be sent to. The message is one sentence for people."""


class Replay:
    """Sends datagrams to one target.

    `speed`: 1 is the pace of the recording, 10 ten times as fast, None as fast as possible.
    `sent` and `sources` count; `unsent` counts datagrams the system refused.
    """

    def __init__(
        self,
        target: str,
        speed: float | None = 1.0,
        *,
        stop: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises TargetError for a target that is none."""
        try:
            host, port = parse_listen(target)
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        except (ListenError, OSError, UnicodeError) as error:
            raise TargetError(
                f"“{target}” is not an address to send to. Write HOST:PORT, for example 127.0.0.1:6000."
            ) from error
        self.family, self.address = found[0], found[4]
        self.speed = speed
        self.sent = self.unsent = self.sources = 0
        self._stop = stop or threading.Event()
        self._clock = clock
        self._sockets: OrderedDict[tuple[str, int], socket.socket] = OrderedDict()
        self._hosts: dict[str, str] = {}
        self._local = self.family == socket.AF_INET and str(self.address[0]).startswith("127.")

    def run(self, datagrams: Iterable[Captured], progress: Callable[[], None] = lambda: None) -> bool:
        """Send all of them; False when stopped before the end. `progress` is called now and then."""
        begin, first = self._clock(), None
        told = begin
        try:
            for captured in datagrams:
                now = self._clock()
                if self.speed is not None:
                    first = captured.at_ns if first is None else first
                    due = begin + (captured.at_ns - first) / 1e9 / self.speed
                    while now < due and not self._stop.is_set():
                        self._stop.wait(min(due - now, 1.0))
                        now = self._clock()
                        if now - told >= 1:
                            told = now
                            progress()
                if now - told >= 1:
                    told = now
                    progress()
                if self._stop.is_set():
                    return False
                self._send(captured)
        finally:
            for one in self._sockets.values():
                one.close()
            self._sockets.clear()
        return True

    def _send(self, captured: Captured) -> None:
        out = self._socket(captured.source, captured.source_port)
        try:
            out.sendto(captured.payload, self.address)
            self.sent += 1
        except ConnectionRefusedError:
            # Nobody listened to an earlier one; this one was not sent then. Once more.
            with contextlib.suppress(OSError):
                out.sendto(captured.payload, self.address)
            self.sent += 1
        except OSError:
            self.unsent += 1

    def _socket(self, source: str, port: int) -> socket.socket:
        key = (source, port)
        out = self._sockets.get(key)
        if out is not None:
            self._sockets.move_to_end(key)
            return out
        if len(self._sockets) >= MAX_SOCKETS:
            self._sockets.popitem(last=False)[1].close()
        out = self._sockets[key] = socket.socket(self.family, socket.SOCK_DGRAM)
        self.sources += 1
        if self._local and source:
            with contextlib.suppress(OSError):
                out.bind((self._host(source), 0))
        return out

    def _host(self, source: str) -> str:
        """The address on this machine that stands for a source."""
        if source not in self._hosts:
            with contextlib.suppress(ValueError):
                if ipaddress.ip_address(source).is_loopback and ":" not in source:
                    self._hosts[source] = source
            if source not in self._hosts:
                taken = set(self._hosts.values())
                free = (f"127.0.0.{n}" for n in range(1, MAX_LOOPBACK))
                self._hosts[source] = next((h for h in free if h not in taken), f"127.0.0.{MAX_LOOPBACK}")
        return self._hosts[source]
