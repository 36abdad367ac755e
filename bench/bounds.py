"""What the tests ask only roughly, since it depends on what else the machine does: measured here.

The processor time of a recorder that hears nothing; and how soon a child that was killed is back.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import psutil

from bench.kills import CHILDREN
from bench.report import Options, Row
from bench.stand import Stand, stand
from ingest.staging import recorder_state
from tests.processes import Process, wait_until

# In two heartbeats of a second each.
IDLE_S = 0.03
BACK_S = 1.0


def run(options: Options) -> Iterator[Row]:
    with stand(options, "sqlite") as made:
        ingest = made.start("ingest")
        wait_until(lambda: ingest.child(CHILDREN["importer"]), 30, "the importer")
        idle = [idle_recorder(made, ingest) for _ in range(options.repeat)]
        yield Row("bounds", "idle recorder, processor time in two heartbeats", idle, "s", IDLE_S)
        for child, word in CHILDREN.items():
            back = [seconds_until_back(ingest, word) for _ in range(options.choose(5, 2))]
            yield Row("bounds", f"killed {child} is started again within", [max(back)], "s", BACK_S)


def idle_recorder(made: Stand, ingest: Process) -> float:
    """Seconds of processor time from one heartbeat to the second one after it."""
    directory = made.var / "journal" / "main"

    def beat() -> int:
        state = recorder_state(directory)
        return state.heartbeat_ns if state is not None else 0

    child = wait_until(lambda: ingest.child(CHILDREN["recorder"]), 30, "the recorder")
    process = psutil.Process(child.pid)
    first = beat()
    began = wait_until(lambda: (now := beat()) > first and now, 10, "a heartbeat")
    used = sum(process.cpu_times()[:2])
    wait_until(lambda: beat() > began + 1_900_000_000, 10, "two heartbeats")
    return sum(process.cpu_times()[:2]) - used


def seconds_until_back(ingest: Process, word: str) -> float:
    """From a SIGKILL until the supervisor has another one running."""
    child = wait_until(lambda: ingest.child(word), 30, word)
    # One that dies young waits longer before it is started again.
    wait_until(lambda: time.time() - child.create_time() > 3, 10, f"{word} settled")
    killed = time.monotonic()
    os.kill(child.pid, signal.SIGKILL)
    wait_until(lambda: (now := ingest.child(word)) is not None and now.pid != child.pid, 20, f"{word} back")
    return time.monotonic() - killed
