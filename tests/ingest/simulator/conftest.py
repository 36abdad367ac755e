import socket
import threading
from collections.abc import Iterator

import pytest

from ingest.simulator.target import Target

Source = tuple[str, int]


class Receiver:
    """Collects what comes to a socket of its own, in a thread, until `close`."""

    def __init__(self) -> None:
        self.received: list[tuple[bytes, Source]] = []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.sock.bind(("127.0.0.1", 0))
        self.target = Target(socket.AF_INET, "127.0.0.1", self.sock.getsockname()[1])
        self.thread = threading.Thread(target=self._collect)
        self.thread.start()

    def close(self) -> None:
        """Ends when all that was sent before has been read: the end is a datagram too."""
        if self.thread.is_alive():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.sendto(b"", ("127.0.0.1", self.target.port))
            self.thread.join(10)
            self.sock.close()

    def _collect(self) -> None:
        while True:
            payload, source = self.sock.recvfrom(65_535)
            if not payload:
                return
            self.received.append((payload, source))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()
