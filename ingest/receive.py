"""Receiving datagrams: `recvmmsg` into the staging file on Linux, plain `recvfrom` elsewhere.

Both give datagrams as the journal takes them and are used in the same way:

    datagrams = receiver.receive(listener)      # at most 64, [] when there is none
    journal.append(datagrams)
    receiver.release(journal.next_sequence)

Between `receive` and `release` a receiver on Linux holds the datagrams in the staging file, from
which the next process takes what a dead one had not appended (`recover`). Nothing else may be
appended to the journal meanwhile, and after anything else is, `release` says so.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import sys
import time
from typing import Protocol

from ingest.journal import Datagram, pack_address
from ingest.listen import SO_RXQ_OVFL, SO_TIMESTAMPNS, address_of, dropped, socket_cookie
from ingest.staging import (
    CONTROL_BYTES,
    CONTROLLEN_AT,
    CONTROLS_AT,
    EMPTY,
    IOV_BYTES,
    IOVS_AT,
    LEN_AT,
    MSG_BYTES,
    MSGS_AT,
    NAME_BYTES,
    NAMES_AT,
    PAYLOADS_AT,
    SLOT_BYTES,
    SLOTS,
    STAGING_BYTES,
    IoVec,
    MMsgHdr,
    MsgHdr,
    Staging,
    W,
)

#: cmsghdr and timespec, then cmsghdr and counter: what the kernel appends, in this order.
CONTROL = struct.Struct("=QiiqqQiiI")
TIMES_ONLY, TIMES_AND_DROPS = 32, 52
#: msg_controllen, msg_flags, msg_len: the end of a struct mmsghdr.
HEADER_END = struct.Struct("=Qi4xI")
MSG_TRUNC = 0x20
SOCKADDR_BYTES = 28
MAX_SOURCES = 4096
#: Errors after which there is no use in asking this socket again.
BROKEN = {errno.EBADF, errno.ENOTSOCK, errno.EFAULT, errno.EINVAL, errno.ENOSYS}


class Listener:
    """A listening socket with what is remembered of it."""

    def __init__(self, one: socket.socket) -> None:
        self.socket = one
        self.fd = one.fileno()
        self.address = address_of(one)
        self.port = self.address.port
        self.cookie = socket_cookie(one)
        #: Drops the kernel has counted at this socket, as far as known here.
        self.drops = 0

    def ask_drops(self) -> int:
        """Ask the kernel for `drops`, which otherwise only come along with a datagram."""
        self.drops = max(self.drops, dropped(self.socket))
        return self.drops


class Receiver(Protocol):
    """What the recorder needs of a way to receive."""

    #: Datagrams that were longer than the room there is; cannot happen, and is counted.
    truncated: int

    def recover(self, next_sequence: int) -> list[Datagram]:
        """What the process before held and had not appended yet, given the journal's end."""

    def receive(self, listener: Listener) -> list[Datagram]:
        """The next datagrams of a socket, none when it has none. Does not wait."""

    def release(self, next_sequence: int) -> None:
        """All that was received is appended; the journal goes on with `next_sequence`."""


def make_receiver(staging: Staging) -> Receiver:
    """The best way to receive that this system has."""
    if sys.platform == "linux" and ctypes.sizeof(ctypes.c_void_p) == 8:
        try:
            return MappedReceiver(staging)
        except (OSError, AttributeError):
            pass
    return PlainReceiver()


class PlainReceiver:
    """`recvfrom`, one datagram at a time, timed by the clock. A kill can lose what it holds."""

    def __init__(self) -> None:
        self.truncated = 0
        self._buffer = bytearray(SLOT_BYTES)
        self._sources: dict[str, bytes] = {}

    def recover(self, next_sequence: int) -> list[Datagram]:
        """Nothing: what it held died with it."""
        return []

    def receive(self, listener: Listener) -> list[Datagram]:
        """See Receiver."""
        got: list[Datagram] = []
        for _ in range(SLOTS):
            try:
                size, source = listener.socket.recvfrom_into(self._buffer)
            except (BlockingIOError, InterruptedError):
                break
            except ConnectionResetError:
                continue  # Windows: an answer of ours came back unwanted. No datagram.
            host, port = source[:2]
            packed = self._sources.get(host)
            if packed is None:
                if len(self._sources) >= MAX_SOURCES:
                    self._sources.clear()
                packed = self._sources[host] = pack_address(host)
            got.append((time.time_ns(), listener.port, packed, port, bytes(self._buffer[:size])))
        return got

    def release(self, next_sequence: int) -> None:
        """Nothing to do."""


class MappedReceiver:
    """`recvmmsg` into the staging file: the kernel itself writes down all there is to know.

    Raises OSError or AttributeError where the C library has no recvmmsg.
    """

    def __init__(self, staging: Staging) -> None:
        self.truncated = 0
        self._words = staging.words
        self._map = staging.map
        libc = ctypes.CDLL(None, use_errno=True)
        self._recvmmsg = libc.recvmmsg
        self._recvmmsg.argtypes = (
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_void_p,
        )
        self._recvmmsg.restype = ctypes.c_int
        self._anchor = ctypes.c_char.from_buffer(staging.map)
        self._base = ctypes.addressof(self._anchor)
        # Pages that are in memory and stay there: the kernel's copy into them never has to wait
        # for a disk. Refused without the right to lock 4 MB; then it is only less likely to wait.
        libc.mlock(ctypes.c_void_p(self._base), ctypes.c_size_t(STAGING_BYTES))
        self._sources: dict[bytes, tuple[bytes, int]] = {}
        self._used = 0
        self._drops = 0
        self._ready = self._vector()
        if staging.fresh:
            self._map[MSGS_AT : MSGS_AT + len(self._ready)] = self._ready

    def recover(self, next_sequence: int) -> list[Datagram]:
        """See Receiver. Reads by place only: the pointers in there are a dead process's."""
        appended = next_sequence - self._words[W.BASE_SEQUENCE]
        datagrams: list[Datagram] = []
        for slot in range(max(0, appended), SLOTS):
            if self._length(slot) == EMPTY:
                break
            datagrams.append(self._read(slot, self._words[W.LOCAL_PORT]))
        self._used = SLOTS
        return datagrams

    def receive(self, listener: Listener) -> list[Datagram]:
        """See Receiver. Never to be called again before `release`."""
        self._words[W.LOCAL_PORT] = listener.port
        count = self._recvmmsg(listener.fd, self._base + MSGS_AT, SLOTS, socket.MSG_DONTWAIT, None)
        if count <= 0:
            error = ctypes.get_errno() if count < 0 else 0
            if error in BROKEN:
                raise OSError(error, os.strerror(error))
            return []  # nothing there (EAGAIN), or an error of the network that has been told now
        self._used = count
        port = listener.port
        datagrams = [self._read(slot, port) for slot in range(count)]
        if self._drops > listener.drops:
            listener.drops = self._drops
        return datagrams

    def release(self, next_sequence: int) -> None:
        """See Receiver. The slots first, then the word that says from where on they count."""
        end = self._used * MSG_BYTES
        self._map[MSGS_AT : MSGS_AT + end] = self._ready[:end]
        self._used = 0
        self._drops = 0
        self._words[W.BASE_SEQUENCE] = next_sequence

    def _read(self, slot: int, port: int) -> Datagram:
        """The datagram in a slot."""
        controllen, flags, length = HEADER_END.unpack_from(
            self._map, MSGS_AT + slot * MSG_BYTES + CONTROLLEN_AT
        )
        if flags & MSG_TRUNC:
            self.truncated += 1
        at = NAMES_AT + slot * NAME_BYTES
        name = self._map[at : at + SOCKADDR_BYTES]
        source = self._sources.get(name) or self._source(name)
        level, kind, seconds, nanoseconds, _, level2, kind2, drops = CONTROL.unpack_from(
            self._map, CONTROLS_AT + slot * CONTROL_BYTES
        )[1:]
        if controllen >= TIMES_ONLY and level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            received_ns = seconds * 1_000_000_000 + nanoseconds
        else:
            received_ns = time.time_ns()
        if controllen >= TIMES_AND_DROPS and kind2 == SO_RXQ_OVFL and level2 == socket.SOL_SOCKET:
            self._drops = max(self._drops, drops)
        at = PAYLOADS_AT + slot * SLOT_BYTES
        return received_ns, port, source[0], source[1], self._map[at : at + length]

    def _source(self, name: bytes) -> tuple[bytes, int]:
        """Address and port of a sockaddr; remembered, since senders are few."""
        family = int.from_bytes(name[:2], sys.byteorder)
        port = int.from_bytes(name[2:4], "big")
        if family == socket.AF_INET6:
            source = name[8:24], port
        else:
            source = pack_address(socket.inet_ntop(socket.AF_INET, name[4:8])), port
        if len(self._sources) >= MAX_SOURCES:
            self._sources.clear()
        self._sources[name] = source
        return source

    def _length(self, slot: int) -> int:
        at = MSGS_AT + slot * MSG_BYTES + LEN_AT
        return int.from_bytes(self._map[at : at + 4], sys.byteorder)

    def _vector(self) -> bytes:
        """The vector as it has to be before each call, its pointers those of this process."""
        for slot in range(SLOTS):
            iov = IoVec(self._base + PAYLOADS_AT + slot * SLOT_BYTES, SLOT_BYTES)
            at = IOVS_AT + slot * IOV_BYTES
            self._map[at : at + IOV_BYTES] = bytes(iov)
        return b"".join(
            bytes(
                MMsgHdr(
                    MsgHdr(
                        self._base + NAMES_AT + slot * NAME_BYTES,
                        NAME_BYTES,
                        self._base + IOVS_AT + slot * IOV_BYTES,
                        1,
                        self._base + CONTROLS_AT + slot * CONTROL_BYTES,
                        CONTROL_BYTES,
                        0,
                    ),
                    EMPTY,
                )
            )
            for slot in range(SLOTS)
        )
