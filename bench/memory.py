"""Memory of everything that runs in a hall, ingest and web, after 100,000 events in a day.

PSS counts a shared page once, divided among those who share it, so the sum over processes is what
the machine really gives away; RSS counts it in each.
"""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Iterator

import psutil

from bench.report import Options, Row, say
from bench.stand import Stand, stand, wait_load

EVENTS = 100_000
RATE = 5_000
TARGET_MB = 300
# What somebody at the table opens in a day.
PAGES = ("/", "/live/", "/events/pssevent/", "/events/match/", "/tournaments/court/", "/context/")


def get(made: Stand, path: str) -> int:
    """Status of a page asked for by staff."""
    connection = http.client.HTTPConnection("127.0.0.1", made.web_port, timeout=60)
    connection.request("GET", path, headers={"Cookie": f"sessionid={made.hall['session']}"})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def measure(made: Stand, roots: list[int]) -> dict[str, tuple[float, float]]:
    """command -> (PSS, RSS) in MB, of the processes and all below them."""
    found: dict[str, tuple[float, float]] = {}
    for root in roots:
        for process in [psutil.Process(root), *psutil.Process(root).children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                memory = process.memory_full_info()
                words = [word.rpartition("/")[2] for word in process.cmdline()[1:4]]
                pss = getattr(memory, "pss", memory.uss)
                found[f"{process.pid} {' '.join(words)}"] = (pss / 2**20, memory.rss / 2**20)
    return found


def run(options: Options) -> Iterator[Row]:
    count = options.choose(EVENTS, 30_000)
    for database in options.databases:
        pss: list[float] = []
        rss: list[float] = []
        note = ""
        for _ in range(options.repeat):
            with stand(options, database) as made:
                ingest = made.start("ingest")
                web = made.start_web()
                viewers = made.module(
                    *("bench.viewers", "--url", f"ws://127.0.0.1:{made.web_port}/ws/live/", "--viewers", "3"),
                    *("--session", made.hall["session"], "--output", str(made.var / "viewers.json")),
                )
                viewers.wait_for_line("watching", 60)
                before = made.stored()
                load = made.start_load(RATE, count, 8)
                answers = {path: get(made, path) for path in PAGES}
                wait_load(load)
                made.wait_stored(before + count)
                answers |= {path: get(made, path) for path in PAGES}
                if odd := {path: status for path, status in answers.items() if status != 200}:
                    say(f"pages that did not answer: {odd}")
                found = measure(made, [ingest.pid, web.pid])
                made.check_ledger(count)
            pss.append(sum(sizes[0] for sizes in found.values()))
            rss.append(sum(sizes[1] for sizes in found.values()))
            note = ", ".join(f"{name.partition(' ')[2]} {sizes[0]:.0f}" for name, sizes in found.items())
            say(f"PSS {pss[-1]:.0f} MB: {note}")
        name = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[database]
        yield Row(f"memory {name}", f"PSS after {count:,} events", pss, "MB", TARGET_MB, note=note)
        yield Row(
            f"memory {name}", f"RSS after {count:,} events", rss, "MB", note="shared pages counted in each"
        )
