"""The load generator: real matches' datagrams, at a steady rate, as fast as 120,000 a second.

`sendmmsg` hands the kernel many datagrams in one call; it is reached through ctypes because
the standard library does not offer it. Where it is missing each datagram is sent by itself.
"""

import ctypes
import errno
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ingest.simulator.court import SimulatedCourt
from ingest.simulator.sender import Report, send
from ingest.simulator.target import SimulatorError, Target, open_socket

# Datagrams go out once per tick, so a burst is what one tick owes, and after a delay half as much again.
_TICK = 0.001
_CATCH_UP = 1.5
# Datagrams of one court in one call, so that a tick holds several courts'.
_AT_ONCE = 16
_MATCHES_PER_COURT = 3
_PROGRESS_SECONDS = 5.0


@dataclass(slots=True)
class LoadReport(Report):
    """What a load run sent. `late` is the longest time, in seconds, that it was behind its rate."""

    late: float = 0.0


def send_load(
    target: Target,
    courts: int,
    rate: int,
    count: int,
    seed: int,
    dialect: str,
    stop: threading.Event,
    tell: Callable[[str], None],
) -> LoadReport:
    """Send `count` datagrams (0: until `stop`) at `rate` a second, spread over `courts` sockets.

    Each court repeats its first few matches. Raises SimulatorError when the target cannot be reached.
    """
    report = LoadReport()
    senders: list[_Sender] = []
    try:
        for number in range(1, courts + 1):
            payloads = [
                datagram.payload
                for datagram in SimulatedCourt(number, seed, _MATCHES_PER_COURT, dialect).datagrams()
            ]
            senders.append(_make_sender(open_socket(target, number), payloads, target))
        _pace(senders, rate, count, report, stop, tell)
    finally:
        for sender in senders:
            sender.close()
    return report


def _pace(
    senders: Sequence["_Sender"],
    rate: int,
    count: int,
    report: LoadReport,
    stop: threading.Event,
    tell: Callable[[str], None],
) -> None:
    most = max(1, math.ceil(rate * _TICK * _CATCH_UP))
    turn = 0
    started = tick = told = time.perf_counter()
    while not count or report.sent < count:
        if stop.is_set():
            report.stopped = True
            break
        now = time.perf_counter()
        owed = int((now - started) * rate) + 1 - report.sent
        if count:
            owed = min(owed, count - report.sent)
        report.late = max(report.late, (owed - 1) / rate)
        burst = min(owed, most)
        while burst > 0:
            sender = senders[turn % len(senders)]
            turn += 1
            sent = sender.send(min(burst, _AT_ONCE))
            burst -= sent
            report.sent += sent
        if now - told >= _PROGRESS_SECONDS:
            told = now
            tell(_progress(report.sent, count, now - started))
        # Slow rates wait for their next datagram, fast ones for the next tick.
        tick = max(tick + _TICK, started + report.sent / rate if owed <= most else 0.0)
        wait = tick - time.perf_counter()
        if wait > 0:
            # Not stop.wait(): it costs more than a tick has to spare.
            time.sleep(min(wait, 0.1))
        else:
            tick = time.perf_counter()
    report.seconds = time.perf_counter() - started
    report.refused = sum(sender.refused for sender in senders)


def _progress(sent: int, count: int, seconds: float) -> str:
    rate = sent / seconds
    if not count:
        return f"{sent:,} datagrams sent, {rate:,.0f}/s"
    return f"{sent:,} of {count:,} datagrams sent, {rate:,.0f}/s, about {(count - sent) / rate:,.0f} s left"


class _Sender(Protocol):
    refused: int

    def send(self, count: int) -> int:
        """Send the next datagrams, at most `count`; returns how many (at least 1)."""

    def close(self) -> None:
        """Close the socket."""


def _make_sender(sock: socket.socket, payloads: list[bytes], target: Target) -> _Sender:
    call = _find_sendmmsg()
    if call is None:
        return _OneByOne(sock, payloads, target)
    return _ManyAtOnce(sock, payloads, target, call)


class _OneByOne:
    """The portable way."""

    def __init__(self, sock: socket.socket, payloads: list[bytes], target: Target) -> None:
        self.refused = 0
        self._sock = sock
        self._payloads = payloads
        self._target = target
        self._next = 0

    def send(self, count: int) -> int:
        for _ in range(count):
            self.refused += send(self._sock, self._payloads[self._next], self._target)
            self._next = (self._next + 1) % len(self._payloads)
        return count

    def close(self) -> None:
        self._sock.close()


class _iovec(ctypes.Structure):
    _fields_ = [("iov_base", ctypes.c_char_p), ("iov_len", ctypes.c_size_t)]


class _msghdr(ctypes.Structure):
    _fields_ = [
        ("msg_name", ctypes.c_void_p),
        ("msg_namelen", ctypes.c_uint32),
        ("msg_iov", ctypes.POINTER(_iovec)),
        ("msg_iovlen", ctypes.c_size_t),
        ("msg_control", ctypes.c_void_p),
        ("msg_controllen", ctypes.c_size_t),
        ("msg_flags", ctypes.c_int),
    ]


class _mmsghdr(ctypes.Structure):
    _fields_ = [("msg_hdr", _msghdr), ("msg_len", ctypes.c_uint)]


def _find_sendmmsg() -> Any:
    if os.name != "posix":
        return None
    call = getattr(ctypes.CDLL(None, use_errno=True), "sendmmsg", None)
    if call is not None:
        call.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]
        call.restype = ctypes.c_int
    return call


class _ManyAtOnce:
    """`sendmmsg` over headers made once; sending builds nothing."""

    def __init__(self, sock: socket.socket, payloads: list[bytes], target: Target, call: Any) -> None:
        self.refused = 0
        self._sock = sock
        self._target = target
        self._call = call
        self._count = len(payloads)
        self._next = 0
        # The headers point into these; they live as long as the sender.
        self._payloads = payloads
        self._vectors = (_iovec * self._count)()
        self._headers = (_mmsghdr * self._count)()
        for vector, header, payload in zip(self._vectors, self._headers, payloads, strict=True):
            vector.iov_base = payload
            vector.iov_len = len(payload)
            header.msg_hdr.msg_iov = ctypes.pointer(vector)
            header.msg_hdr.msg_iovlen = 1
        self._start = ctypes.addressof(self._headers)
        self._size = ctypes.sizeof(_mmsghdr)

    def send(self, count: int) -> int:
        count = min(count, self._count - self._next)
        while True:
            sent: int = self._call(self._sock.fileno(), self._start + self._next * self._size, count, 0)
            if sent > 0:
                self._next = (self._next + sent) % self._count
                return sent
            number = ctypes.get_errno()
            if number == errno.ECONNREFUSED:
                # The answer to an earlier datagram; nothing of this call was sent.
                self.refused += 1
            elif number not in (errno.EINTR, errno.ENOBUFS, errno.EAGAIN):
                raise SimulatorError(f"cannot send to {self._target}: {os.strerror(number)}")

    def close(self) -> None:
        self._sock.close()
