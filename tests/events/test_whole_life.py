"""From the command line, beside a capture. `python -m bench operate` is the same with 100,000 events."""

from __future__ import annotations

from tests.events.whole_life import CommandLine, fill, live
from tests.processes import Stack


def test_tournament_is_the_same_after_backup_deletion_restore_and_archive(stack: Stack) -> None:
    fill(stack, 2_000)
    process = stack.start()

    lived = live(stack, CommandLine(stack), 2_000, rate=300)

    assert process.stop() == 0
    assert lived.captured > 300
