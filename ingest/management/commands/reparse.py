"""manage.py reparse: stored messages through the parser of today."""

from __future__ import annotations

import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.models import EventTally, PssEvent
from events.reparse import Outcome, reparse
from ingest import reader

EXAMPLES = """
Events, totals, the hits and points of matches and the counts of unknown messages follow; what else is
known of a match stays as it is. Recording may go on meanwhile.

examples:
  manage.py reparse                 what could not be read, or only in part
  manage.py reparse --dry-run       say what would change, change nothing
  manage.py reparse --all           every stored message
"""


class Command(BaseCommand):
    help = "Run stored messages through the parser in force and keep what it understands better."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = EXAMPLES
        parser.add_argument("--all", action="store_true", help="also messages that were recognized")
        parser.add_argument("--dry-run", action="store_true", help="write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        events = PssEvent.objects.all()
        tallies = EventTally.objects.all()
        if not options["all"]:
            events = events.not_recognized()
            tallies = tallies.exclude(status="recognized")
        progress = _Progress(self, tallies.total())
        try:
            outcome = reparse(events, reader, dry_run=options["dry_run"], progress=progress)
        except KeyboardInterrupt:
            raise CommandError("Stopped. What was done so far is kept; run it again to go on.") from None
        if progress.shown:
            self.stderr.write("")
        verb = "would change" if options["dry_run"] else "changed"
        self.stdout.write(f"{outcome.read:,} messages read again, {outcome.changed:,} {verb}.")
        for (before, after), count in sorted(outcome.became.items()):
            what = f"from {before} to {after}" if before != after else f"{after}, with other fields"
            self.stdout.write(f"  {count:,} {what}")


class _Progress:
    """A line that says how far it is and how long it still takes, twice a second on a terminal."""

    def __init__(self, command: BaseCommand, total: int) -> None:
        self.stream = command.stderr
        self.total = total
        self.began = self.last = time.monotonic()
        self.shown = False

    def __call__(self, outcome: Outcome) -> None:
        now = time.monotonic()
        if now - self.last < 0.5:
            return
        self.last, self.shown = now, True
        rate = outcome.read / (now - self.began)
        left = max(self.total - outcome.read, 0) / rate if rate else 0
        line = f"{outcome.read:,} of {self.total:,} read, {rate:,.0f}/s, about {left:.0f} s left"
        if self.stream.isatty():
            self.stream.write(f"\r{line}  ", ending="")
            self.stream.flush()
        else:
            self.stream.write(line)
