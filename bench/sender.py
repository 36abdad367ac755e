"""`python -m bench.sender`: numbered datagrams at an even pace, so that each can be found again.

A datagram is `inth;<number>:` from TkStrike's settings, which needs no match; with `--mixed` three
of four are ordinary messages of a match without a number. `--times FILE` gets the time each numbered
one was sent, int64 nanoseconds since 1970, in order. SIGTERM ends it early; it says how many it sent.
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import threading
import time
from array import array
from collections.abc import Sequence

# The first number: beyond every threshold that a simulated match tells with the same message.
FIRST = 1_000_000
_NUMBER = b"inth;%d:\r\n"
_OTHERS = (b"hl1;%d\r\n", b"clk;01:%02d\r\n", b"hl2;%d\r\n")
# As long as a real match; one that never ended would be folded again from its start at each restart.
_FOURS_IN_A_MATCH = 250


def datagram(n: int, mixed: bool, sources: int) -> bytes:
    """The `n`th datagram; only `inth` ones say their number. Mixed, four in a row are of one source."""
    if not mixed or n % 4 == 0:
        return _NUMBER % (FIRST + n)
    if n % 4 == 1 and n // 4 // sources % _FOURS_IN_A_MATCH == 0:
        return b"pre;FightLoaded\r\n"
    return _OTHERS[n % 4 - 1] % (n // 4 % 50 + 1)


def send(
    target: tuple[str, int], rate: float, count: int, sources: int, mixed: bool, stop: threading.Event
) -> array[int]:
    """Sends them from `sources` sockets in turn and returns when each numbered one was sent."""
    sockets = []
    for index in range(sources):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind((f"127.0.0.{101 + index}", 0))
        sockets.append(sender)
    times: array[int] = array("q")
    start = time.monotonic()
    n = 0
    while n < count and not stop.is_set():
        due = min(count, int((time.monotonic() - start) * rate) + 1)
        while n < due:
            line = datagram(n, mixed, sources)
            now = time.time_ns()
            sockets[(n // 4 if mixed else n) % sources].sendto(line, target)
            if not mixed or n % 4 == 0:
                times.append(now)
            n += 1
        time.sleep(max(start + n / rate - time.monotonic(), 0.0002))
    print(json.dumps({"sent": n}), flush=True)
    return times


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sender")
    parser.add_argument("--target", required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--sources", type=int, default=1)
    parser.add_argument("--mixed", action="store_true")
    parser.add_argument("--times", required=True)
    given = parser.parse_args(arguments)
    host, _, port = given.target.rpartition(":")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    times = send((host, int(port)), given.rate, given.count, given.sources, given.mixed, stop)
    with open(given.times, "wb") as file:
        times.tofile(file)


if __name__ == "__main__":
    main()
