"""What a person is told when a backup cannot be made, read or restored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError

from events.archive.room import is_used_up

DISK_FULL = "The disk of the database is full. Make room, then start it again; nothing was changed."


class BackupError(Exception):
    """One plain sentence saying what is wrong, and where there is something to do, what."""


class BadBackupError(BackupError):
    """The file is not a sound backup. Nothing was changed."""


@contextmanager
def full_disk_in_words() -> Iterator[None]:
    """BackupError when the disk of the database is full; for work that is done as a whole or not at all."""
    try:
        yield
    except OperationalError as error:
        if not is_used_up(error):
            raise
        raise BackupError(DISK_FULL) from error
