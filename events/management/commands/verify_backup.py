"""`manage.py verify_backup`: is this file whole, and does it come back as it went in?"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.template.defaultfilters import filesizeformat

from events.backup.command import BackupCommand, existing
from events.backup.make import verify_again
from events.backup.trouble import BackupError
from events.backup.verify import verify
from events.models_backup import Backup


class Command(BackupCommand):
    help = (
        "Reads a backup, checks every hash and count, restores it into a scratch database and compares\n"
        "every row. Nothing of this installation is changed.\n\n"
        "Example: manage.py verify_backup var/backups/berlin-open-2026-20260516-190000-manual.zip"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", help="the backup")

    def work(self, *, file: str, **options: Any) -> dict[str, Any]:
        path = existing(file).resolve()
        try:
            row = Backup.objects.filter(file=path.name, directory=str(path.parent)).first()
            if row is not None:
                verify_again(row, self.user, self.progress)
            found = verify(path, progress=self.progress) if row is None else None
        except BackupError as error:
            raise BackupError(f"Not sound: {error}") from error
        size = found.size if found else path.stat().st_size
        rows = found.manifest.rows if found else (row.rows if row else 0)
        line = f"Sound: {rows:,} rows, {filesizeformat(size)}; restored and compared, nothing differs."
        self.say(line)
        return {"lines": [line], "backup": row.pk if row else 0}
