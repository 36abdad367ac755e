"""The importer killed over and over under load: 0 lost, 0 twice."""

from __future__ import annotations

import signal
from random import Random

import pytest

from tests.faults.flood import Flood, check_everything_is_stored_once, wait_until_stored
from tests.ingest.recording import total
from tests.processes import Process, Stack, wait_until

KILLS = 40


def position(stack: Stack) -> int:
    """The next record the importer will read."""
    rows = stack.fetch("SELECT sequence FROM events_listenernode")
    return int(rows[0][0]) if rows else 0


def kill_importer(process: Process) -> int:
    """SIGKILL; returns its process id."""
    child = wait_until(lambda: process.child("import_journal"), what="an importer")
    child.kill()
    child.wait(10)
    return int(child.pid)


@pytest.mark.slow
def test_an_importer_killed_forty_times_under_load_loses_and_doubles_nothing(stack: Stack) -> None:
    random = Random(40)
    process = stack.start()
    killed = set()
    in_its_work = 0
    with Flood(stack, rate=4_000) as flood:
        for number in range(KILLS):
            if number % 4 == 0:
                # Once it has stored something since the kill before: in the middle of its work.
                before = position(stack)
                wait_until(lambda before=before: position(stack) > before, 30, "the importer to go on")
                in_its_work += 1
            else:
                # Anywhere else, also while it is still starting.
                flood.wait_for(flood.sent + random.randint(40, 3_000))
            killed.add(kill_importer(process))
        flood.stop()
        assert len(killed) == KILLS
        assert in_its_work == KILLS // 4
        wait_until_stored(stack, flood.sent, 90)
    assert process.stop(signal.SIGTERM) == 0
    assert "Traceback" not in process.output
    check_everything_is_stored_once(stack, flood.sent)


def test_an_importer_stopped_under_load_stores_what_was_received(stack: Stack) -> None:
    process = stack.start()
    with Flood(stack, rate=2_000) as flood:
        flood.wait_for(2_000)
        assert process.stop(signal.SIGTERM) == 0
    assert "Traceback" not in process.output
    stored = stack.fetch("SELECT stored FROM events_listenernode")[0][0]
    assert stored == total(stack.var / "journal" / "main") > 0
    # What was sent while nobody listened is lost, and how long that was is said: nothing else is.
    again = stack.start()
    stack.send(b"pt1;3\r\n")
    wait_until_stored(stack, stored + 1)
    assert again.stop(signal.SIGTERM) == 0
    assert stack.fetch("SELECT blind_ms > 0 FROM events_listenernode")[0][0]
    assert stack.count() == stored + 1
