"""`manage.py unarchive_events`: the events of a tournament back from the archive, as they were."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from events.archive import runs, scope
from events.archive.command import ArchiveCommand
from tournaments.lookup import find_tournament


class Command(ArchiveCommand):
    help = (
        "Brings the archived events of a tournament back among the live ones, identical to what they were:\n"
        "to move them to another day, or to read them again with a newer parser.\n\n"
        "Example: manage.py unarchive_events --tournament berlin-open-2026"
    )
    direction = runs.Direction.BRING_BACK
    doing, done = "Brought back", "Brought back"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--tournament", required=True, metavar="SLUG", help="the tournament, as its address has it"
        )

    def handle(self, *args: Any, tournament: str, **options: Any) -> None:
        part = scope.to_bring_back(find_tournament(tournament))
        if not part.events:
            self.stdout.write(f"Nothing of {part.name} is in the archive.")
            return
        self.say([part])
        self.move([part])
