"""`manage.py restore_tournament`: a backup back into the database."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from events.backup.command import BackupCommand, existing
from events.backup.make import backup_before
from events.backup.remove import size_of
from events.backup.restore import Mode, restore
from tournaments.lookup import find_tournament


class Command(BackupCommand):
    help = (
        "Restores a tournament from a backup: as a new one beside those that are there, merged into the one\n"
        "of the same name, or replacing one. All of it or, when anything is wrong, nothing.\n\n"
        "Example: manage.py restore_tournament berlin.zip --dry-run\n"
        "         manage.py restore_tournament berlin.zip\n"
        "         manage.py restore_tournament berlin.zip --merge\n"
        "         manage.py restore_tournament berlin.zip --replace berlin-open-2026 --yes berlin-open-2026"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", help="the backup")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--as-new", action="store_true", help="beside what is there (the usual)")
        how.add_argument("--merge", action="store_true", help="add what is missing; what differs stays")
        how.add_argument(
            "--replace", metavar="SLUG", help="delete this tournament first; it is backed up before"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, change nothing")
        parser.add_argument(
            "--yes", metavar="SLUG", help="with --replace: its name once more, in place of asking"
        )

    def work(
        self, *, file: str, merge: bool, replace: str | None, dry_run: bool, yes: str | None, **options: Any
    ) -> dict[str, Any]:
        path = existing(file)
        mode = Mode.MERGE if merge else Mode.REPLACE if replace else Mode.NEW
        size = None
        if replace and not dry_run:
            tournament = find_tournament(replace)
            warning = f"All of “{tournament}” will be deleted, and the backup put in its place."
            self.confirm(replace, yes, warning)
            size = size_of(tournament)
            row = backup_before(tournament, "Before it was replaced", self.user, self.progress)
            self.say(f"What is there now is kept in {row.path}")
        outcome = restore(
            path,
            mode,
            replaced=replace or "",
            size=size,
            dry_run=dry_run,
            user=self.user,
            progress=self.progress,
        )
        for line in outcome.lines():
            self.say(line)
        if dry_run:
            self.say("Nothing was changed: this was a dry run.")
        return {"lines": outcome.lines(), "tournament": outcome.tournament_id}
