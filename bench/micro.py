"""Parser and scoreboard alone: microseconds per message of simulated matches. Informative."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

from bench.report import Options, Row
from events.scoreboard import Scoreboard
from ingest.protocol import Message, parse, parser
from ingest.simulator.match import simulate_match


def _best_us(work: Callable[[], int], times: int) -> list[float]:
    """Microseconds per message of each run; `work` returns how many messages it handled."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        messages = work()
        found.append((time.perf_counter() - began) / messages * 1e6)
    return found


def run(options: Options) -> Iterator[Row]:
    matches = options.choose(40, 10)
    times = max(options.repeat, 3)
    chance = random.Random(1)
    played = [simulate_match(chance, str(number)).datagrams() for number in range(101, 101 + matches)]
    datagrams = [payload for match in played for _, payload in match]

    def cached() -> int:
        return sum(len(parse(payload, "T")) for payload in datagrams)

    def uncached() -> int:
        return sum(len(parser._parse(payload, "T")) for payload in datagrams)

    cached()
    yield Row("micro", "parse, cache warm", _best_us(cached, times), "µs/message")
    yield Row("micro", "parse, no cache", _best_us(uncached, times), "µs/message")

    def told(pace: float) -> list[list[tuple[Message, int]]]:
        return [
            [
                (message, int(seconds / pace * 1e9) + 1)
                for seconds, payload in match
                for message in parse(payload)
            ]
            for match in played
        ]

    for name, pace in (("in their own time", 1.0), ("a thousand times as fast", 1000.0)):
        streams = told(pace)

        def fold(streams: list[list[tuple[Message, int]]] = streams) -> int:
            count = 0
            for stream in streams:
                board = Scoreboard()
                for count_in_match, (message, received_ns) in enumerate(stream):
                    board.apply(message, received_ns, count_in_match)
                count += len(stream)
            return count

        yield Row("micro", f"scoreboard, {name}", _best_us(fold, times), "µs/message")
