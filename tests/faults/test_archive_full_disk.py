"""The disk fills up while events move: one sentence, every event in one place, and the rest another time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import on_postgresql
from tests.processes import Stack

EVENTS = 30_000
SENTENCE = "The disk of the database is full. Make room, then start it again; what was moved is kept."
FULL = f"CommandError: {SENTENCE}"

# SQLite needs 32 KB of them to be opened at all.
NONE_TO_BEGIN = 0 if on_postgresql() else 40_960
# The record of the run, not a slice.
ENOUGH_TO_BEGIN = 100_000
# Measured, either way: a slice takes 2.9 to 3.4 MB on PostgreSQL (of 7 to 8.5 MB for all), and on SQLite
# 1.6 to 1.8 MB each of the first three, all that are written before its log is used again.
ENOUGH_FOR_SOME_SLICES = 4_300_000


def staged(stack: Stack, expression: str) -> str:
    """What an expression gives in a process on the database of the stack."""
    code = f"from tests.events.archive_stage import *; print({expression})"
    return stack.manage("shell", "--no-imports", "-c", code).stdout.strip()


def places(stack: Stack) -> tuple[int, int, int]:
    """Events that are live, that are archived, and that are both."""
    both = "SELECT id FROM events_pssevent INTERSECT SELECT id FROM events_archivedpssevent"
    return (
        stack.count(),
        stack.count("events_archivedpssevent"),
        stack.count(f"({both}) AS both_places"),
    )


@pytest.mark.parametrize(
    "leaving",
    [
        pytest.param(NONE_TO_BEGIN, id="before it begins"),
        pytest.param(ENOUGH_TO_BEGIN, id="at once"),
        pytest.param(ENOUGH_FOR_SOME_SLICES, id="after some slices"),
    ],
)
def test_full_disk_stops_the_archive_in_one_sentence_and_loses_nothing(
    stack_on_small_disk: Stack, fill: Callable[[int], Path], leaving: int
) -> None:
    stack = stack_on_small_disk
    slug = staged(stack, f"finished_tournament({EVENTS}).slug")
    before = staged(stack, "live_hash(Tournament.objects.get())")

    for command, end in (("archive_events", (0, EVENTS, 0)), ("unarchive_events", (EVENTS, 0, 0))):
        begun = places(stack)
        filler = fill(leaving)
        done = stack.manage(command, "--tournament", slug, check=False)
        assert (done.returncode, done.stderr.strip()) == (1, FULL)
        live, archived, both = places(stack)
        assert (live + archived, both) == (EVENTS, 0)
        assert (live, archived, both) != end
        assert ((live, archived, both) == begun) is (leaving < 1_000_000)

        filler.unlink()
        stack.manage(command, "--tournament", slug)
        assert places(stack) == end
    assert staged(stack, "live_hash(Tournament.objects.get())") == before


def test_daily_work_on_a_full_disk_says_one_sentence_and_archives_another_day(
    stack_on_small_disk: Stack, fill: Callable[[int], Path]
) -> None:
    stack = stack_on_small_disk
    staged(stack, "finished_tournament(30)")
    filler = fill(NONE_TO_BEGIN)

    done = stack.manage("runjob", "events", "archive")

    assert SENTENCE in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert places(stack) == (30, 0, 0)
    filler.unlink()
    stack.manage("runjob", "events", "archive")
    assert places(stack) == (0, 30, 0)
