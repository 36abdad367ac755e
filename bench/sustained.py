"""The highest rate that is stored for 30 s with nothing lost and no growing backlog, and beside simpler ways.

The search goes in steps of short runs from the target up, or down; the rate found is then confirmed
by full runs. The rate reported is what was stored, not what was asked of the sender.
"""

from __future__ import annotations

import json
import signal
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.report import Options, Row, say
from bench.stand import Stand, Work, stand, wait_load
from tests.processes import free_port

TARGET = {"sqlite": 40_000, "postgresql": 15_000}
STEP = {"sqlite": 2_500, "postgresql": 2_500}
# More than this at the end of the sending, in seconds of the rate, is a backlog that grows.
BACKLOG_S = 1.0
_MOST_STEPS = 10
_MOST_LOWERED = 3


@dataclass
class Run:
    asked: int
    rate: float  # events stored a second, from the first to the last
    lost: int
    backlog: int  # datagrams sent and not stored when the sender ended
    growth: float  # datagrams a second by which the backlog grew in the second half
    importer_us: float  # processor time for a datagram
    recorder_us: float
    others: float  # share of the machine that other processes had

    @property
    def holds(self) -> bool:
        return self.lost == 0 and self.backlog <= self.asked * BACKLOG_S and self.rate >= 0.97 * self.asked


def one_run(made: Stand, rate: int, seconds: float) -> Run:
    """Ingest and the simulator on a fresh stand, until all is stored."""
    count = int(rate * seconds)
    ingest = made.start("ingest")
    before = made.stored()
    work = Work(ingest)
    load = made.start_load(rate, count)
    began = 0.0
    samples: list[tuple[float, int]] = []
    while load.popen.poll() is None:
        stored = made.stored() - before
        if stored and not began:
            began = time.monotonic()
        if began:
            samples.append((time.monotonic() - began, stored))
        time.sleep(0.05)
    wait_load(load)
    backlog = count - (made.stored() - before)
    ended = made.wait_stored(before + count)
    spent, others = work.spent(), work.others()
    events = made.events()
    ledger = made.check_ledger(count)
    ingest.stop()
    half = [sample for sample in samples if sample[0] >= seconds / 2]
    growth = 0.0
    if len(half) > 2 and half[-1][0] > half[0][0]:
        growth = rate - (half[-1][1] - half[0][1]) / (half[-1][0] - half[0][0])
    run = Run(
        asked=rate,
        rate=events / max(ended - began, 0.001),
        lost=ledger["lost"],
        backlog=backlog,
        growth=growth,
        importer_us=spent.get("import_journal", 0.0) / count * 1e6,
        recorder_us=spent.get("ingest.recorder", 0.0) / count * 1e6,
        others=others,
    )
    say(
        f"asked {rate:,}/s: stored {run.rate:,.0f}/s, lost {run.lost}, backlog {backlog:,}"
        f" ({'holds' if run.holds else 'does not hold'}; importer {run.importer_us:.1f} µs, recorder"
        f" {run.recorder_us:.1f} µs a datagram; others had {others:.0%} of the machine)"
    )
    return run


def find_rate(options: Options, database: str) -> int:
    """The highest step that holds in short runs; the lowest one tried if none does."""
    seconds = options.choose(8, 4)
    rate, step = TARGET[database], STEP[database]
    direction = 0
    for _ in range(_MOST_STEPS):
        with stand(options, database) as made:
            holds = one_run(made, rate, seconds).holds
        if holds and direction < 0:
            return rate
        if not holds and (direction > 0 or rate <= step):
            return max(rate - step, step)
        direction = direction or (1 if holds else -1)
        rate += direction * step
    return rate


def run(options: Options) -> Iterator[Row]:
    for database in options.databases:
        name = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[database]
        seconds = options.choose(30, 8)
        rate = find_rate(options, database)
        runs: list[Run] = []
        lowered = 0
        while len(runs) < options.repeat:
            with stand(options, database) as made:
                found = one_run(made, rate, seconds)
                if not found.holds and lowered < _MOST_LOWERED:
                    # A short run flattered: all full runs are of one rate, so begin again lower.
                    lowered += 1
                    rate = max(rate - STEP[database], STEP[database])
                    runs.clear()
                    continue
                runs.append(found)
                if len(runs) == options.repeat:
                    bare = [_baseline(options, database, made.url, "prepared") for _ in range(options.repeat)]
                    django = [_baseline(options, database, made.url, "bulk") for _ in range(options.repeat)]
        naive = [_naive(options, database) for _ in range(options.repeat)]
        ours = statistics.median(run.rate for run in runs)
        yield Row(
            f"sustained {name}",
            f"events/s stored for {seconds} s, 0 lost",
            [run.rate for run in runs],
            "events/s",
            TARGET[database],
            "higher",
            note=f"backlog at the end at most {max(run.backlog for run in runs):,} datagrams"
            + ("" if all(run.holds for run in runs) else "; no rate held")
            + f"; others had {max(run.others for run in runs):.0%} of the machine",
        )
        for what, times in (
            ("importer", [run.importer_us for run in runs]),
            ("recorder", [run.recorder_us for run in runs]),
        ):
            yield Row(f"sustained {name}", f"{what}, processor time", times, "µs/datagram")
        yield Row(f"sustained {name}", "lost", [run.lost for run in runs], "datagrams", 0)
        for what, rates in (
            ("same rows by a bare prepared statement", bare),
            ("Django's bulk_create alone", django),
            ("asyncio listener, create() per datagram", naive),
        ):
            baseline = statistics.median(rates)
            yield Row(
                f"sustained {name}",
                what,
                rates,
                "events/s",
                better="higher",
                share=ours / baseline,
            )


def _baseline(options: Options, database: str, source: str, way: str) -> float:
    """Rows a second on a fresh database."""
    limit = options.choose(200_000, 50_000)
    with stand(options, database) as made:
        process = made.module("bench.baselines", way, "--source", source, "--limit", str(limit))
        assert process.wait(300) == 0, process.output
        return float(json.loads(process.lines[-1])["rate"])


def _naive(options: Options, database: str) -> float:
    with stand(options, database) as made:
        made.port = free_port()
        listener = made.module("bench.baselines", "naive", "--port", str(made.port))
        listener.wait_for_line("listening")
        load = made.start_load(10_000, options.choose(60_000, 30_000))
        wait_load(load)
        listener.stop(signal.SIGTERM, 60)
        return float(json.loads(listener.lines[-1])["rate"])
