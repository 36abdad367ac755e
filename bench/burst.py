"""A burst far above what can be stored at once: nothing may be lost, and the backlog has to drain fast."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.report import Options, Row, say
from bench.stand import stand, wait_load

RATE = 120_000
DATAGRAMS = 360_000
DRAIN_TARGET = 35_000


def run(options: Options) -> Iterator[Row]:
    count = options.choose(DATAGRAMS, 120_000)
    for database in options.databases:
        name = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[database]
        lost: list[float] = []
        drain: list[float] = []
        sent_rate: list[float] = []
        for _ in range(options.repeat):
            with stand(options, database) as made:
                made.start("ingest")
                before = made.stored()
                load = made.start_load(RATE, count)
                while made.stored() == before and load.popen.poll() is None:
                    time.sleep(0.002)
                began = time.monotonic()
                wait_load(load)
                ended = time.monotonic()
                left = before + count - made.stored()
                last = made.wait_stored(before + count)
                lost.append(made.check_ledger(count)["lost"])
                # What waited when the sending ended, by the time it took with the machine to itself.
                drain.append(left / max(last - ended, 0.001))
                sent_rate.append(count / max(ended - began, 0.001))
                say(f"sent at {sent_rate[-1]:,.0f}/s, {left:,} waited, drained at {drain[-1]:,.0f}/s")
        yield Row(f"burst {name}", f"lost of {count:,}", lost, "datagrams", 0)
        yield Row(f"burst {name}", "sent at", sent_rate, "datagrams/s", better="higher")
        target = DRAIN_TARGET if database == "sqlite" else None
        yield Row(f"burst {name}", "drained at", drain, "datagrams/s", target, "higher")
