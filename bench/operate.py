"""A tournament of 100,000 events: backed up, deleted, restored, archived and brought back.

By command and on the pages, beside another tournament that is being captured. After each step every
row is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.report import Options, Row, percentile
from bench.stand import Stand, stand
from tests.events.admin_pages import AdminPages
from tests.events.whole_life import CommandLine, Way, fill, live

EVENTS = 100_000
RATE = 1_000
STEPS = {
    "back_up": "backed up and verified",
    "delete": "deleted, with a backup before",
    "restore": "restored",
    "archive": "archived",
    "bring_back": "brought back",
}


def by_page(made: Stand) -> Way:
    made.start_web()
    return AdminPages(made, f"http://127.0.0.1:{made.web_port}")


WAYS: dict[str, Callable[[Stand], Way]] = {"command line": CommandLine, "admin": by_page}


def run(options: Options) -> Iterator[Row]:
    events = options.choose(EVENTS, 10_000)
    for database in options.databases:
        for name, way in WAYS.items():
            with stand(options, database) as made:
                fill(made, events)
                made.start("ingest")
                lived = live(made, way(made), events, RATE)
            label = f"operate, {database}, {name}"
            for step, words in STEPS.items():
                yield Row(label, f"{events:,} events {words}", [lived.seconds[step]], "s")
            note = (
                f"of {lived.captured:,} captured meanwhile at {RATE:,}/s; every row compared after each step"
            )
            yield Row(label, "dropped or lost", [lived.drops], "datagrams", 0, note=note)
            p99 = percentile(lived.waited_ms, 0.99)
            yield Row(label, "datagram to commit meanwhile, p99", [p99], "ms")
