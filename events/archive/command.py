"""What the archive's two commands share: saying what would happen, doing it, saying what came of it."""

from __future__ import annotations

import signal
import sys
import threading
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence

from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat

from events.archive import room, runs
from events.archive.scope import Part
from events.models import ArchiveRun
from events.progress import ProgressLine
from tournaments.wording import counted


class ArchiveCommand(BaseCommand):
    direction: str
    doing = ""
    done = ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter

    def say(self, parts: Sequence[Part]) -> None:
        """What would be moved."""
        for part in parts:
            large, small = room.estimate(part.events)
            if self.direction == runs.Direction.BRING_BACK:
                large, small = small, large
            what = f"{counted(part.events, 'event')} of {counted(part.matches, 'match', 'matches')}"
            now, then = filesizeformat(large), filesizeformat(small)
            self.stdout.write(f"{part.name}: {what}, about {now} now and {then} afterwards.")

    def move(self, parts: Sequence[Part]) -> ArchiveRun:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        try:
            run = runs.begin(self.direction, parts)
        except runs.NotBegunError as error:
            raise CommandError(str(error)) from None
        progress = ProgressLine(sys.stderr)

        def tell(run: ArchiveRun) -> None:
            what = f"{self.doing} {run.events:,} of {counted(run.total, 'event')}"
            progress.tell(what, run.events / max(run.total, 1))

        run = runs.work(run, parts, progress=tell, stop=stop)
        progress.done()
        self.stdout.write(f"{self.done} {counted(run.events, 'event')}{self._room(run)}.")
        if run.state == runs.State.DONE:
            return run
        if run.error:
            raise CommandError(run.error)
        raise CommandError("Stopped. What was moved is kept; run it again to go on.")

    def _room(self, run: ArchiveRun) -> str:
        if not (run.bytes_before and run.bytes_after):
            return ""
        before, after = filesizeformat(run.bytes_before), filesizeformat(run.bytes_after)
        return f", which took {before} and take {after} now: {run.saved_percent} % less"


def days(text: str) -> int:
    """An argument that is a number of days."""
    number = int(text)
    if number < 0:
        raise ValueError
    return number
