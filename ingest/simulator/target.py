"""Where the simulator sends, and the sockets it sends from."""

import ipaddress
import socket
from dataclasses import dataclass

# Courts send from 127.0.0.11, .12 and so on when the target is this machine.
_FIRST_SOURCE = ipaddress.IPv4Address("127.0.0.10")


class SimulatorError(Exception):
    """Something is wrong with what was asked; the text says what to do about it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A resolved address."""

    family: socket.AddressFamily
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_target(text: str) -> Target:
    """Read ``HOST:PORT`` (``[::1]:6000`` for IPv6). Raises SimulatorError."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535):
        raise SimulatorError(f"--target must be HOST:PORT, such as 127.0.0.1:6000, not {text!r}")
    try:
        found = socket.getaddrinfo(host, int(port), type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        raise SimulatorError(f"--target: no address is known for {host!r}") from None
    # "localhost" is both ::1 and 127.0.0.1; scoring systems and the listener's default speak IPv4.
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    family, _, _, _, address = found[0]
    return Target(family, str(address[0]), int(port))


def court_source(court: int) -> str:
    """The address of this machine that `court` (from 1) sends from when the target is this machine."""
    return str(_FIRST_SOURCE + court)


def open_socket(target: Target, court: int) -> socket.socket:
    """A socket of its own for `court` (from 1), connected to `target`. Raises SimulatorError.

    Connected, so that the kernel says when nobody listens there.
    """
    sock = socket.socket(target.family, socket.SOCK_DGRAM)
    try:
        if target.family == socket.AF_INET and ipaddress.IPv4Address(target.host).is_loopback:
            _bind_source(sock, court_source(court))
        sock.connect((target.host, target.port))
    except OSError as problem:
        sock.close()
        raise SimulatorError(f"cannot send to {target}: {problem.strerror}") from None
    return sock


def _bind_source(sock: socket.socket, source: str) -> None:
    try:
        sock.bind((source, 0))
    except OSError:
        # Some systems know only 127.0.0.1; the ports still differ.
        sock.bind(("127.0.0.1", 0))
