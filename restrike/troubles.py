"""What went wrong, in one sentence that says what to do: for whoever stands beside the mat."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from events.typed import manage

_DISK = {
    errno.ENOSPC: "The disk is full",
    errno.EDQUOT: "The disk quota is used up",
    errno.EROFS: "The disk is read-only",
    errno.EACCES: "Not allowed to write",
    errno.EPERM: "Not allowed to write",
}
_MAKE_ROOM = "Make room or set RESTRIKE_VAR to another directory, then start again; nothing recorded is lost."

# PostgreSQL on a full disk, when its list of tables has to be written anew; it gives no code for it.
_NO_ROOM_TO_CONNECT = "could not write init file"

# What the databases say, and what it means here.
_DATABASE = (
    (
        "readonly database",
        "The database file is read-only. Make it writable, or set DATABASE_URL.",
    ),
    (
        "unable to open database file",
        "The database file cannot be opened. Check that its directory can be written.",
    ),
    ("disk i/o error", "The disk of the database reports an error. Check the disk and the room on it."),
    ("database is locked", "Another program has held the database for 20 s. Close it, or try again."),
    ("not a database", "The database file is damaged or is no SQLite database. Restore a backup."),
    ("malformed", "The database file is damaged. Restore a backup."),
    ("no such table", "The database has no tables yet. Run: {bootstrap}"),
    ("does not exist", "The database is not set up. Make it, then run: {bootstrap}"),
    ("password authentication", "The database refused the user or password in DATABASE_URL."),
)


def in_plain_words(error: BaseException) -> str | None:
    """One sentence for a trouble of settings, database or disk; None for anything else, which is a bug."""
    if isinstance(error, ImproperlyConfigured):
        return " ".join(str(error).split())
    from django.db.utils import DatabaseError, InterfaceError

    if isinstance(error, DatabaseError | InterfaceError):
        return _database(error)
    if isinstance(error, OSError) and error.errno in _DISK:
        where = f": {error.filename}" if error.filename else ""
        return f"{_DISK[error.errno]}{where}. {_MAKE_ROOM}"
    return None


def _database(error: Exception) -> str | None:
    from django.db.utils import DatabaseError, OperationalError, ProgrammingError

    from events.archive.room import is_used_up

    said = _said(error)
    if (isinstance(error, DatabaseError) and is_used_up(error)) or _NO_ROOM_TO_CONNECT in said:
        return f"The disk of the database is full. {_room_for_database()} (It said: {said})"
    for part, sentence in _DATABASE:
        if part in said.lower():
            return f"{sentence.format(bootstrap=manage('bootstrap'))} (It said: {said})"
    if isinstance(error, ProgrammingError) or not isinstance(error, OperationalError):
        return None
    return f"{database_name()} does not answer. Start it, or correct DATABASE_URL. (It said: {said})"


def _said(error: Exception) -> str:
    """What the database says. The pool keeps to itself why it has no connection: that is asked once more."""
    if "couldn't get a connection" in str(error):
        import psycopg
        from django.db import connection

        try:
            psycopg.connect(**{**connection.get_connection_params(), "connect_timeout": 5}).close()
        except psycopg.Error as refused:
            error = refused
    return " ".join(str(error).split())


def _room_for_database() -> str:
    from django.conf import settings

    if Path(settings.DATABASES["default"]["NAME"]).is_relative_to(settings.RESTRIKE_VAR):
        return _MAKE_ROOM
    return f"Make room where {database_name()} keeps its data, then start again; nothing recorded is lost."


def database_name() -> str:
    """Which database the settings name, without the password."""
    from django.conf import settings

    config: dict[str, Any] = settings.DATABASES["default"]
    if config["ENGINE"].endswith("sqlite3"):
        return f"SQLite {config['NAME']}"
    return f"PostgreSQL {config['NAME']} at {config.get('HOST') or 'localhost'}:{config.get('PORT') or 5432}"
