"""SIGKILL again and again under 4,000 datagrams/s: nothing may be lost, nothing stored twice.

One datagram of four carries its number, so each can be looked for; the others are counted. A kill
comes at a random moment, and only to a process that has done some work since the one before.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.report import Options, Row, say
from bench.stand import Stand, stand
from ingest.journal import iterate
from tests.processes import Process, wait_until

RATE = 4_000
KILLS = 200
SOURCES = 4
# child -> a word of its command line
CHILDREN = {"recorder": "ingest.recorder", "importer": "import_journal"}


@dataclass
class Outcome:
    sent: int
    lost: int
    twice: int
    journal_lost: int
    journal_twice: int
    kernel_drops: int


def run(options: Options) -> Iterator[Row]:
    kills = options.choose(KILLS, 20)
    for database in options.databases:
        name = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[database]
        for child in CHILDREN:
            with stand(options, database) as made:
                outcome = one_run(made, child, kills)
            say(f"{child}: {outcome}")
            label = f"kills {name}"
            note = f"of {outcome.sent:,}; dropped by the kernel {outcome.kernel_drops}"
            yield Row(label, f"{child} x{kills}: lost", [outcome.lost], "datagrams", 0, note=note)
            yield Row(label, f"{child} x{kills}: twice", [outcome.twice], "datagrams", 0)
            if child == "recorder":
                wrong = outcome.journal_lost + outcome.journal_twice
                yield Row(label, f"{child} x{kills}: journal wrong", [wrong], "datagrams", 0)


def one_run(made: Stand, child: str, kills: int) -> Outcome:
    ingest = made.start("ingest")
    before = made.stored()
    times = made.var / "times"
    sender = made.start_numbered(RATE, 10**9, times, "--mixed", "--sources", str(SOURCES))
    wait_until(lambda: made.stored() > before, 30, "the first datagrams stored")
    chance = random.Random(1)
    began = time.monotonic()
    for done in range(kills):
        kill(made, ingest, CHILDREN[child], chance)
        if (done + 1) % 20 == 0:
            say(f"{child}: {done + 1} kills in {time.monotonic() - began:.0f} s")
    # The last one restarts under load too.
    wait_until(working(made, ingest, CHILDREN[child]), 30, f"{child} back at work")
    assert sender.stop() == 0, sender.output
    sent = int(json.loads(sender.lines[-1])["sent"])
    made.wait_stored(before + sent, quiet_s=10)
    return look(made, sent)


def working(made: Stand, ingest: Process, word: str) -> Callable[[], int]:
    """The pid of the child as soon as something has been stored since this was called; else 0."""
    before = made.stored()

    def is_working() -> int:
        child = ingest.child(word)
        return child.pid if child is not None and made.stored() > before + 10 else 0

    return is_working


def kill(made: Stand, ingest: Process, word: str, chance: random.Random) -> None:
    pid = wait_until(working(made, ingest, word), 30, f"{word} at work")
    time.sleep(chance.uniform(0, 0.25))
    os.kill(pid, signal.SIGKILL)
    wait_until(
        lambda: (found := ingest.child(word)) is not None and found.pid != pid, 10, f"{word} restarted"
    )


def look(made: Stand, sent: int) -> Outcome:
    """Looks for every datagram, in the journal and in the database."""
    expected = len(range(0, sent, 4))
    numbered, distinct = made.query(
        "SELECT count(*), count(DISTINCT value) FROM events_pssevent WHERE kind = 'settings'"
    )[0]
    others = made.events() - numbered
    # Those without a number can only be counted; one lost and one twice would have to meet.
    lost = expected - distinct + max(sent - expected - others, 0)
    twice = numbered - distinct + max(others - (sent - expected), 0)
    journaled = 0
    numbers: set[bytes] = set()
    journal_numbered = 0
    for record in iterate(made.var / "journal" / "main"):
        if record.local_port:
            journaled += 1
            if record.payload.startswith(b"inth"):
                journal_numbered += 1
                numbers.add(record.payload)
    return Outcome(
        sent=sent,
        lost=lost,
        twice=twice,
        journal_lost=expected - len(numbers) + max(sent - journaled, 0),
        journal_twice=journal_numbered - len(numbers) + max(journaled - sent, 0),
        kernel_drops=made.kernel_drops(),
    )
