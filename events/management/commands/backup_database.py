"""`manage.py backup_database`: all of it in one file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.db import connection
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from events.backup.command import BackupCommand
from events.backup.database import backup_database
from events.backup.make import backup_directory


class Command(BackupCommand):
    help = (
        "Writes the whole database, accounts included, into one file and checks it. Recording goes on.\n"
        "SQLite gives a database file (used in place of the old one), PostgreSQL a file for pg_restore.\n\n"
        "Example: manage.py backup_database\n"
        "         manage.py backup_database --to /media/stick/restrike.sqlite3"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--to", metavar="FILE", help="file to write (default: one in BACKUP_DIR)")

    def work(self, *, to: str | None, **options: Any) -> dict[str, Any]:
        suffix = "sqlite3" if connection.vendor == "sqlite" else "dump"
        name = f"database-{timezone.localtime():%Y%m%d-%H%M%S}.{suffix}"
        path = Path(to).expanduser() if to else backup_directory() / name
        if path.is_dir():
            path /= name
        checked = backup_database(path, progress=self.progress)
        self.say(f"{path}\n  {filesizeformat(path.stat().st_size)}; {checked}")
        return {"lines": [checked]}
