"""`manage.py backup_tournament`: one tournament, or all, each into a file of its own."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.template.defaultfilters import filesizeformat

from events.backup import keep
from events.backup.command import BackupCommand
from events.backup.make import make_backup
from events.backup.trouble import BackupError
from events.models_backup import BackupKind
from tournaments.lookup import find_tournament
from tournaments.models import Tournament
from tournaments.wording import counted


class Command(BackupCommand):
    help = (
        "Writes everything of a tournament into one file, then reads it back, restores it into a scratch\n"
        "database and compares every row. Recording goes on meanwhile.\n\n"
        "Example: manage.py backup_tournament berlin-open-2026\n"
        "         manage.py backup_tournament berlin-open-2026 --to /media/stick\n"
        "         manage.py backup_tournament --all"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("slug", nargs="?", help="the tournament, as its address has it")
        which.add_argument("--all", action="store_true", help="every tournament")
        which.add_argument("--due", action="store_true", help="those that want one now; for a timer")
        parser.add_argument("--to", metavar="DIR", help="directory to write to (BACKUP_DIR)")

    def work(self, *, slug: str | None, to: str | None, due: bool, **options: Any) -> dict[str, Any]:
        kind, directory = BackupKind.MANUAL, None
        if to:
            directory = Path(to).expanduser()
            if not directory.is_dir():
                raise BackupError(f"There is no directory {to}. Is the stick plugged in?")
        if due:
            kind = BackupKind.AUTOMATIC
            wanted = [(one.tournament, one.reason) for one in keep.look()]
        else:
            chosen = [find_tournament(slug)] if slug else Tournament.objects.order_by("start_date")
            wanted = [(tournament, "") for tournament in chosen]
        failed, row = [], None
        for tournament, reason in wanted:
            try:
                row = make_backup(
                    tournament,
                    kind,
                    reason=reason,
                    user=self.user,
                    directory=directory,
                    progress=self.progress,
                )
            except BackupError as error:
                if len(wanted) == 1:
                    raise
                failed.append(f"{tournament}: {error}")
                continue
            self.say(
                f"{row.path}\n  {row.content}, {counted(row.rows, 'row')} in all, "
                f"{filesizeformat(row.size)}; read back, restored and compared: nothing differs."
            )
            if row.copied_to:
                self.say(f"  A copy is at {row.copied_to}.")
            elif row.copy_error:
                self.say(f"  There is no copy: {row.copy_error}")
        if failed:
            raise BackupError(" ".join(failed))
        lines = []
        if row:
            lines = [f"{row.content}, read back and compared."]
        if row and row.copy_error:
            lines.append(f"There is no copy: {row.copy_error}")
        return {"lines": lines, "backup": row.pk if row else 0}
