"""A snapshot of the whole database, of everything in it: accounts too. For moving to another machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from django.db import connections

from events.backup.collect import OnProgress, no_progress
from events.backup.keep import force_to_disk
from events.backup.trouble import BackupError
from events.backup.write import sync_directory


def backup_database(path: Path, *, progress: OnProgress = no_progress, using: str = "default") -> str:
    """Writes the database to `path`; returns in a sentence how it was checked. Recording goes on.

    SQLite: a database file, taken with its online backup. PostgreSQL: a pg_dump in the custom format.
    """
    if path.exists():
        raise BackupError(f"There is a file {path} already.")
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Accounts are in it.
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        if connections[using].vendor == "sqlite":
            checked = _sqlite(partial, progress, using)
        else:
            checked = _postgresql(partial, progress, using)
        with partial.open("rb+") as file:
            force_to_disk(file)
        partial.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise BackupError(f"The database cannot be written to {path}: {error.strerror or error}.") from error
    finally:
        for left in partial.parent.glob(f"{partial.name}*"):
            with suppress(OSError):
                left.unlink()
    return checked


def _sqlite(partial: Path, progress: OnProgress, using: str) -> str:
    import sqlite3  # the newest at hand, which settings have put in its place

    database = connections[using]
    database.ensure_connection()
    settings = database.settings_dict
    try:
        name = str(settings["NAME"])
        opened = sqlite3.connect(name, timeout=20, uri="file:" in name)
        with closing(opened) as source, closing(sqlite3.connect(partial)) as target:
            # One step, since a step begins anew whenever somebody has written in between.
            progress("Copying the database", 0, 0)
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            source.backup(target, pages=-1)
            target.execute("PRAGMA journal_mode=DELETE")
            progress("Checking the copy", 0, 0)
            said = target.execute("PRAGMA integrity_check(1)").fetchone()[0]
            loose = target.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        raise BackupError(f"The database cannot be copied: {error}.") from error
    if said != "ok":
        raise BackupError(f"The copy is damaged, and so is the database: {said}.")
    if loose is not None:
        return "integrity_check: ok; some rows refer to rows that are gone."
    return "integrity_check: ok, and no row refers to one that is gone."


def _postgresql(partial: Path, progress: OnProgress, using: str) -> str:
    program = shutil.which("pg_dump")
    if program is None:
        raise BackupError(
            "This needs pg_dump, which is not installed. On Debian: apt install postgresql-client"
        )
    settings: dict[str, Any] = connections[using].settings_dict
    environment = {**os.environ}
    for name, key in (("PGHOST", "HOST"), ("PGPORT", "PORT"), ("PGUSER", "USER"), ("PGPASSWORD", "PASSWORD")):
        if settings.get(key):
            environment[name] = str(settings[key])
    progress("Copying the database", 0, 0)
    done = subprocess.run(
        [program, "--format=custom", f"--file={partial}", "--no-password", str(settings["NAME"])],
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BackupError(f"pg_dump could not copy the database: {said}.")
    progress("Checking the copy", 0, 0)
    lister = shutil.which("pg_restore")
    if lister is None:
        return "pg_dump reported no error."
    listed = subprocess.run([lister, f"--file={os.devnull}", str(partial)], capture_output=True, text=True)
    if listed.returncode:
        raise BackupError("The copy cannot be read back by pg_restore.")
    return "pg_restore reads all of it."
