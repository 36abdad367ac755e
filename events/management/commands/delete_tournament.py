"""`manage.py delete_tournament`: a tournament and all of it, after a backup."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from events.backup.command import BackupCommand
from events.backup.delete import delete_tournament, doomed
from events.backup.trouble import BackupError
from tournaments.lookup import find_tournament


class Command(BackupCommand):
    help = (
        "Deletes a tournament with its days, matches, events and totals. A backup is made and verified\n"
        "first; without it nothing is deleted. All of it goes or, when anything is wrong, nothing.\n\n"
        "Example: manage.py delete_tournament berlin-open-2026 --dry-run\n"
        "         manage.py delete_tournament berlin-open-2026"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", help="the tournament, as its address has it")
        parser.add_argument("--dry-run", action="store_true", help="say what would go, delete nothing")
        parser.add_argument("--yes", metavar="SLUG", help="its name once more, in place of asking")

    def work(self, *, slug: str, dry_run: bool, yes: str | None, **options: Any) -> dict[str, Any]:
        tournament = find_tournament(slug)
        going = doomed(tournament)
        archived = f", {going.archived:,} of them archived" if going.archived else ""
        self.say(f"“{tournament}”: {going.in_words}{archived}.")
        if going.why_not:
            raise BackupError(going.why_not)
        if dry_run:
            self.say("Nothing was changed: this was a dry run.")
            return {"lines": []}
        self.confirm(slug, yes, f"All of “{tournament}” will be deleted, after a backup of it.")
        deleted = delete_tournament(tournament, self.user, self.progress)
        lines = deleted.lines(str(tournament))
        for line in lines:
            self.say(line)
        return {"lines": lines, "backup": deleted.backup.pk}
