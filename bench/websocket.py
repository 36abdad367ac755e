"""Datagram to WebSocket frame, with 50 viewers: from the sender's clock to the frame in the viewer's hands.

The viewers are in a process of their own on the same two cores as everything else, and read with
Python: part of what is measured is theirs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from bench.commit import read_times
from bench.report import Options, Row, percentile, say
from bench.stand import stand, wait_load

VIEWERS = 50
PROBES = 20
# rate of datagrams -> p99 to reach, ms
TARGETS = {1_000: 200, 20: 60}


def run(options: Options) -> Iterator[Row]:
    seconds = options.choose(20, 6)
    for database in options.databases:
        name = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[database]
        for rate, target in TARGETS.items():
            medians: list[float] = []
            worst: list[float] = []
            missed: list[float] = []
            note = ""
            for _ in range(options.repeat):
                times, frames, missing, text = one_run(options, database, rate, seconds)
                medians.append(percentile(times, 0.5))
                worst.append(percentile(times, 0.99))
                missed.append(missing)
                note = text
                say(f"{rate}/s: p50 {medians[-1]:.0f} ms, p99 {worst[-1]:.0f} ms, {frames:,} frames")
            label = f"websocket {name}"
            yield Row(label, f"{rate:,}/s, {VIEWERS} viewers p50", medians, "ms")
            yield Row(label, f"{rate:,}/s, {VIEWERS} viewers p99", worst, "ms", target, note=note)
            yield Row(label, f"{rate:,}/s, not shown to a viewer", missed, "datagrams")


def one_run(options: Options, database: str, rate: int, seconds: int) -> tuple[list[float], int, int, str]:
    """(ms for each viewer and numbered datagram, frames, numbered datagrams not seen, a note)"""
    with stand(options, database) as made:
        made.start("ingest")
        made.start_web()
        output, times = made.var / "viewers.json", made.var / "times"
        viewers = made.module(
            *("bench.viewers", "--url", f"ws://127.0.0.1:{made.web_port}/ws/live/"),
            *("--session", made.hall["session"], "--viewers", str(VIEWERS), "--output", str(output)),
        )
        viewers.wait_for_line("watching", 60)
        probes = PROBES * seconds
        count = max(rate - PROBES, 0) * seconds
        numbered = made.start_numbered(PROBES, probes, times)
        if count:
            load = made.start_load(rate - PROBES, count)
            wait_load(load)
        wait_load(numbered)
        made.wait_stored(count + probes)
        # Frames that are on their way: the feed widens its pace to at most a second under load.
        time.sleep(2)
        assert viewers.stop() == 0, viewers.output
        found = json.loads(output.read_text())
        sent = read_times(times)
        made.check_ledger(count + probes)
    assert not found["ended"], found["ended"][:3]
    delays = [(at - sent[n]) / 1e6 for seen in found["seen"] for n, at in seen]
    missing = VIEWERS * probes - len(delays)
    note = f"{found['frames'] / VIEWERS / seconds:.1f} frames/s a viewer, {found['gaps']} gaps"
    return delays, found["frames"], missing, note
