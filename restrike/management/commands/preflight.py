"""`manage.py preflight`: before the doors open, one list of green and red."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from events.backup.telling import terminal
from restrike.preflight import Line, Preflight, State

_MARKS = {State.GOOD: "ok ", State.BAD: "NO ", State.UNKNOWN: " ? "}


class Command(BaseCommand):
    help = (
        "Is everything in order before the doors open? Sends a test datagram to the listener, backs up\n"
        "the active tournament, and says how to mend what is wrong. Ends with 1 when something is.\n\n"
        "Example: manage.py preflight\n"
        "         manage.py preflight --json"
    )
    # What is wrong becomes a line of the list, not a refusal to make it.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--json", action="store_true", help="for programs: one JSON object")
        parser.add_argument("--no-backup", action="store_true", help="do not write a backup")

    def handle(self, *args: Any, **options: Any) -> None:
        progress = terminal(None)
        lines = Preflight(trial=True, backup=not options["no_backup"], progress=progress).lines()
        progress.end()
        wrong = sum(line.is_bad for line in lines)
        if options["json"]:
            found = {
                "ready": not wrong,
                "at": timezone.now().isoformat(),
                "lines": [line.as_dict() for line in lines],
            }
            self.stdout.write(json.dumps(found))
        else:
            for line in lines:
                self._print(line)
        if wrong and options["json"]:
            sys.exit(1)
        if wrong:
            raise CommandError(f"{wrong} of {len(lines)} points are not in order.")
        if not options["json"]:
            self.stdout.write("\nReady.")

    def _print(self, line: Line) -> None:
        style = {State.GOOD: self.style.SUCCESS, State.BAD: self.style.ERROR}.get(
            line.state, self.style.WARNING
        )
        self.stdout.write(f"{style(_MARKS[line.state])} {line.title}: {line.says}")
        if line.mend:
            self.stdout.write(f"    -> {line.mend}")
