"""`manage.py archive_events`: events of finished tournaments, and old ones, into the archive."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils.formats import date_format

from events.archive import runs, scope
from events.archive.command import ArchiveCommand, days
from events.archive.scope import Part
from tournaments.lookup import find_tournament
from tournaments.models import Progress


class Command(ArchiveCommand):
    help = (
        "Moves the events of finished tournaments, and those older than ARCHIVE_AFTER_DAYS, into the\n"
        "archive, where they take much less room. Pages, matches and totals go on showing them. What is\n"
        "still going on is left alone; recording goes on meanwhile.\n\n"
        "Example: manage.py archive_events --dry-run\n"
        "         manage.py archive_events\n"
        "         manage.py archive_events --tournament berlin-open-2026\n"
        "         manage.py archive_events --older-than 90"
    )
    direction = runs.Direction.ARCHIVE
    doing, done = "Archived", "Archived"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--older-than",
            type=days,
            metavar="DAYS",
            help="only events received more than so many days ago (ARCHIVE_AFTER_DAYS; "
            "of finished tournaments all)",
        )
        parser.add_argument(
            "--tournament", metavar="SLUG", help="only this tournament, as its address has it"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be archived, change nothing"
        )

    def handle(
        self, *args: Any, older_than: int | None, tournament: str | None, dry_run: bool, **options: Any
    ) -> None:
        if tournament:
            parts = self._one(tournament, older_than)
        else:
            parts, waiting = scope.due(older_than)
            for reason in waiting:
                self.stdout.write(f"Left alone: {reason}")
        if not parts:
            self.stdout.write("There is nothing to archive.")
            return
        self.say(parts)
        if dry_run:
            self.stdout.write("Nothing was changed.")
            return
        self.move(parts)

    def _one(self, slug: str, older_than: int | None) -> list[Part]:
        tournament = find_tournament(slug)
        if reason := scope.why_not(tournament):
            raise CommandError(reason)
        part = scope.to_archive(tournament, older_than)
        if part.before is not None and not part.events:
            self.stdout.write(
                f"No event of {tournament} was received before {date_format(part.before, 'j M Y')}."
            )
            if tournament.status != Progress.FINISHED:
                self.stdout.write("All of it can be archived once its status is “Finished”.")
        return [part] if part.events else []
