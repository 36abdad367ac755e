"""manage.py reparse: stored messages through the parser of today."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.models import EventTally, PssEvent
from events.progress import ProgressLine
from events.reparse import Outcome, reparse
from ingest import reader
from tournaments.wording import counted

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
        total = max(tallies.total(), 1)
        progress = ProgressLine(sys.stderr)

        def tell(outcome: Outcome) -> None:
            # More may have come since they were counted.
            progress.tell(f"{outcome.read:,} of {counted(total, 'message')} read", outcome.read / total)

        try:
            outcome = reparse(events, reader, dry_run=options["dry_run"], progress=tell)
        except KeyboardInterrupt:
            raise CommandError("Stopped. What was done so far is kept; run it again to go on.") from None
        finally:
            progress.done()
        verb = "would change" if options["dry_run"] else "changed"
        self.stdout.write(f"{outcome.read:,} messages read again, {outcome.changed:,} {verb}.")
        for (before, after), count in sorted(outcome.became.items()):
            what = f"from {before} to {after}" if before != after else f"{after}, with other fields"
            self.stdout.write(f"  {count:,} {what}")
