"""Datagram to commit at 1,000/s: what the events say themselves, and what a reader beside them sees.

`processing_ms` is the importer's word: received by the kernel until written. The independent measure
is a reader's: kernel receive time until the row was visible to another connection, and for numbered
datagrams from the sender's clock. The reader looks each millisecond, so it finds up to 1 ms more.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.report import Options, Row, percentile, say
from bench.sender import FIRST
from bench.stand import Stand, stand, wait_load

RATE = 1_000
PROBES = 20
_LOOK_S = 0.001


class Watcher:
    """Follows the event table from outside and notes when each row was seen first."""

    def __init__(self, made: Stand) -> None:
        self.made = made
        self.last_id = 0
        self.received: list[float] = []  # ms from the kernel's receive time to visible
        self.probes: dict[int, int] = {}  # number of a probe -> when it was visible, ns
        self._version: Any = None

    def look(self) -> None:
        if not self.made.is_postgresql:
            # Tells in microseconds whether anybody committed, where a query would cost the writer.
            version = self.made.query("PRAGMA data_version")
            if version == self._version:
                return
            self._version = version
        rows = self.made.query(
            f"SELECT id, kind, value, received_at FROM events_pssevent WHERE id > {self.last_id} ORDER BY id"
        )
        now = time.time_ns()
        for pk, kind, value, received in rows:
            self.last_id = pk
            self.received.append(now / 1e6 - _ms(received))
            if kind == "settings" and (value or 0) >= FIRST:
                self.probes[value - FIRST] = now


def _ms(received: Any) -> float:
    if isinstance(received, str):
        received = datetime.fromisoformat(received).replace(tzinfo=UTC)
    return float(received.timestamp() * 1000)


def read_times(path: Path) -> array[int]:
    times: array[int] = array("q")
    times.frombytes(path.read_bytes())
    return times


def run(options: Options) -> Iterator[Row]:
    seconds = options.choose(30, 8)
    for database in options.databases:
        own: list[list[float]] = []
        seen: list[list[float]] = []
        probed: list[list[float]] = []
        lost: list[float] = []
        for _ in range(options.repeat):
            with stand(options, database) as made:
                made.start("ingest")
                count, probes = RATE * seconds, PROBES * seconds
                load = made.start_load(RATE, count)
                times = made.var / "times"
                numbered = made.start_numbered(PROBES, probes, times)
                watcher = Watcher(made)
                ends = 0.0
                while not ends or time.monotonic() < ends:
                    watcher.look()
                    time.sleep(_LOOK_S)
                    if not ends and load.popen.poll() is not None and numbered.popen.poll() is not None:
                        ends = time.monotonic() + 0.5
                wait_load(load)
                wait_load(numbered)
                sent = read_times(times)
                own.append([row[0] for row in made.query("SELECT processing_ms FROM events_pssevent")])
                seen.append(watcher.received)
                probed.append(
                    [(watcher.probes[n] - at) / 1e6 for n, at in enumerate(sent) if n in watcher.probes]
                )
                lost.append(made.check_ledger(count + probes)["lost"] + probes - len(watcher.probes))
                middle, late = percentile(own[-1], 0.5), percentile(own[-1], 0.99)
                say(f"{len(own[-1]):,} events, p50 {middle:.1f} ms, p99 {late:.1f} ms")
        name = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[database]
        for what, runs, targets in (
            ("kernel to written (processing_ms)", own, (15, 30)),
            ("kernel to visible, by a reader", seen, (15, 30)),
            ("sent to visible, numbered datagrams", probed, (None, None)),
        ):
            for share, target in zip((0.5, 0.99), targets, strict=True):
                values = [percentile(run, share) for run in runs]
                yield Row(f"commit {name}", f"{what} p{share * 100:.0f}", values, "ms", target)
        yield Row(f"commit {name}", "lost", lost, "datagrams", 0)
