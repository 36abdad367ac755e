"""The sockets a recorder listens on: opened, taken over, with as much buffer as there is to have.

Standard library only. Options that Python's socket module does not name are those of Linux,
include/uapi/asm-generic/socket.h.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import sys
from collections.abc import Sequence
from typing import NamedTuple

SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
SO_RXQ_OVFL = 40
SO_MEMINFO = 55
SO_COOKIE = 57

#: 360,000 small datagrams in a burst take 280 MB of the kernel's accounting.
FORCED_BUFFER = 512 << 20
SD_LISTEN_FDS_START = 3


class ListenError(Exception):
    """An address cannot be listened on. The message is one sentence saying what to do."""


class Address(NamedTuple):
    """A host (IPv4, IPv6 or a name) and a UDP port (0: any free one)."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen(text: str) -> Address:
    """`0.0.0.0:6000`, `[::]:6000`, `:6000` or `6000` as an Address; raises ListenError."""
    host, _, port = text.strip().rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not (port.isascii() and port.isdigit() and int(port) < 65_536) or (":" in bare and bare == host):
        raise ListenError(
            f"“{text}” is not an address to listen on. "
            f"Write HOST:PORT, for example 0.0.0.0:6000 or [::]:6000, in INGEST_LISTEN."
        )
    return Address(bare or "0.0.0.0", int(port))  # noqa: S104 - a hall's network is the default


def open_sockets(listen: Sequence[str]) -> list[socket.socket]:
    """One socket for each address; raises ListenError and leaves none open."""
    addresses = [parse_listen(text) for text in listen]
    if not addresses:
        raise ListenError("No address to listen on. Set INGEST_LISTEN, for example to 0.0.0.0:6000.")
    opened: list[socket.socket] = []
    try:
        for address in addresses:
            # [::] takes IPv4 too, unless that is asked for beside it on the same port.
            both = not any(":" not in a.host and a.port == address.port for a in addresses)
            opened.append(_open(address, both))
    except BaseException:
        for one in opened:
            one.close()
        raise
    return opened


def systemd_sockets() -> list[socket.socket]:
    """The UDP sockets systemd hands over (LISTEN_FDS); empty when it does not."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(os.environ.get("LISTEN_FDS") or 0)
    return adopt_sockets(range(SD_LISTEN_FDS_START, SD_LISTEN_FDS_START + count))


def adopt_sockets(fds: Sequence[int]) -> list[socket.socket]:
    """Sockets another process opened, made ready here; raises ListenError for other things."""
    taken: list[socket.socket] = []
    for fd in fds:
        try:
            one = socket.socket(fileno=fd)
        except OSError as error:
            raise ListenError(f"File descriptor {fd} is not a socket: {error.strerror}.") from error
        if one.type != socket.SOCK_DGRAM:
            raise ListenError(f"File descriptor {fd} is not a UDP socket. Use ListenDatagram=.")
        _prepare(one)
        taken.append(one)
    return taken


def address_of(one: socket.socket) -> Address:
    """Where a socket listens, with the port it really has."""
    host, port = one.getsockname()[:2]
    return Address(host, port)


def receive_buffer(one: socket.socket) -> int:
    """Bytes the kernel really keeps for a socket (on Linux twice what was asked for)."""
    return one.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


def socket_cookie(one: socket.socket) -> int:
    """A number that names this socket while the machine runs; 0 where there is none."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return int(struct.unpack("=Q", one.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8))[0])
    return 0


def dropped(one: socket.socket) -> int:
    """Datagrams the kernel has dropped at this socket since it was opened; 0 where unknown.

    Asks the socket (SO_MEMINFO, Linux 4.12), else its row in /proc/net/udp or udp6.
    """
    if sys.platform != "linux":
        return 0
    with contextlib.suppress(OSError, struct.error):
        return int(struct.unpack("=9I", one.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36))[8])
    inode = str(os.fstat(one.fileno()).st_ino)
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        with contextlib.suppress(OSError), open(table) as rows:
            for row in rows:
                columns = row.split()
                if len(columns) > 12 and columns[9] == inode:
                    return int(columns[12])
    return 0


def _open(address: Address, both: bool) -> socket.socket:
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
        )[0]
        one = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise ListenError(
            f"{address.host} is not an address of this machine. Choose one it has, or 0.0.0.0 for all, "
            f"with INGEST_LISTEN."
        ) from error
    try:
        if sys.platform == "win32":
            one.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if both else 1)
        _prepare(one)
        one.bind(where)
    except OSError as error:
        one.close()
        raise ListenError(_why(address, error)) from error
    return one


def _prepare(one: socket.socket) -> None:
    """Not blocking, the largest buffer allowed, receive times and drop counts where there are."""
    one.setblocking(False)
    _enlarge(one)
    if sys.platform == "linux":
        for option in (SO_TIMESTAMPNS, SO_RXQ_OVFL):
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, option, 1)


def _enlarge(one: socket.socket) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, FORCED_BUFFER)
            return
    # Linux takes the most it allows; macOS and Windows refuse what is too much.
    for size in (FORCED_BUFFER, 64 << 20, 8 << 20, 4 << 20, 1 << 20):
        with contextlib.suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
            return


def _why(address: Address, error: OSError) -> str:
    if error.errno in (errno.EADDRINUSE, 10048):
        return (
            f"UDP port {address.port} on {address.host} is in use by another program. "
            f"Stop it, or choose another port with INGEST_LISTEN."
        )
    if error.errno in (errno.EACCES, errno.EPERM, 10013):
        return (
            f"UDP port {address.port} on {address.host} may not be opened by this user. "
            f"Choose a port of 1024 or higher with INGEST_LISTEN."
        )
    if error.errno in (errno.EADDRNOTAVAIL, 10049):
        return (
            f"{address.host} is not an address of this machine. "
            f"Choose one it has, or 0.0.0.0 for all, with INGEST_LISTEN."
        )
    return f"UDP port {address.port} on {address.host} cannot be opened: {error.strerror}."
