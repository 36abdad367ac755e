"""Which backups are due, and which may go."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, NamedTuple

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from events.models import EventTally
from events.models_backup import Backup, BackupKind
from tournaments.models import Progress, Tournament

KEEP_LAST = 10
_TRY_AGAIN = timedelta(minutes=5)
#: Somebody looks each minute; whoever makes a large backup has no time to look meanwhile.
LOOKED_LATELY = timedelta(minutes=5)
_LEFTOVER_S = 6 * 3600
#: What `write_backup` and `backup_database` call a file that is not whole yet. Others name theirs alike, and
#: a backup may be written to any directory.
_PARTIAL = f"*.{'[0-9a-f]' * 8}.partial"


class Due(NamedTuple):
    """A tournament that wants a backup now, and why."""

    tournament: Tournament
    reason: str


def look(now: datetime | None = None) -> list[Due]:
    """`due_backups`, for whoever makes them by itself: that somebody looked is kept, for the page."""
    mark_look()
    return due_backups(now)


def mark_look() -> None:
    """Keeps that somebody looks on this machine from now on."""
    mark = _mark()
    with suppress(OSError):
        # A disk that is full must not keep a backup on another from being made.
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


def last_look() -> datetime | None:
    """When somebody last looked on this machine for backups that are due; None: never."""
    try:
        return datetime.fromtimestamp(_mark().stat().st_mtime, UTC)
    except OSError:
        return None


def is_looked_for(now: datetime | None = None) -> bool:
    """Whether backups that are due are made by themselves on this machine at the moment."""
    looked = last_look()
    return looked is not None and (now or timezone.now()) - looked < LOOKED_LATELY


def due_backups(now: datetime | None = None) -> list[Due]:
    """Tournaments whose last good backup is too old for what was recorded since.

    At the end of a day, when the day is over where the tournament is or is marked finished; while it
    runs, BACKUP_EVERY_MINUTES after the last one. Where the last attempt failed, five minutes later.
    """
    now = now or timezone.now()
    every = timedelta(minutes=settings.BACKUP_EVERY_MINUTES)
    due = []
    for tournament in Tournament.objects.exclude(status=Progress.PLANNED):
        heard = _last_heard(tournament)
        if heard is None:
            continue
        attempts = Backup.objects.filter(slug=tournament.slug).exclude(kind=BackupKind.UPLOADED)
        newest = attempts.aggregate(newest=Max("made_at"))["newest"]
        good = attempts.filter(verified_at__isnull=False).aggregate(newest=Max("made_at"))["newest"]
        failed = newest is not None and newest != good
        if (good is not None and good >= heard) or (failed and now - newest < _TRY_AGAIN):
            continue
        if _day_is_over(tournament, heard, now):
            due.append(Due(tournament, "End of the day"))
        elif tournament.status == Progress.RUNNING and (good is None or now - good >= every):
            due.append(Due(tournament, f"Every {settings.BACKUP_EVERY_MINUTES} minutes"))
    return due


def prune(slug: str) -> list[Path]:
    """Removes automatic backups of a tournament beyond the last ten and the last of each day."""
    automatic = [BackupKind.AUTOMATIC, BackupKind.BEFORE_DANGEROUS]
    rows = list(Backup.objects.filter(slug=slug, kind__in=automatic).order_by("-made_at", "-id"))
    good = [row for row in rows if row.verified_at]
    days: dict[object, int] = {}
    for row in good:
        days.setdefault(timezone.localdate(row.made_at), row.pk)
    kept = {row.pk for row in good[:KEEP_LAST]} | set(days.values())
    # Failed attempts are told for as long as they are among the last.
    kept |= {row.pk for row in rows[:KEEP_LAST] if not row.verified_at}
    removed = []
    for row in rows:
        if row.pk not in kept:
            removed += row.remove_files()
            row.delete()
    return removed


def remove_leftovers(directory: Path) -> None:
    """Halves of backups that were being written when the machine went down."""
    for path in directory.glob(_PARTIAL):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _LEFTOVER_S:
                path.unlink()


def force_to_disk(file: IO[bytes]) -> None:
    """So that the stick may be pulled out."""
    os.fsync(file.fileno())


def _mark() -> Path:
    return Path(settings.RESTRIKE_VAR) / "tmp" / "looked-for-backups"


def _last_heard(tournament: Tournament) -> datetime | None:
    """The minute of its last event, from the totals."""
    last: datetime | None = EventTally.objects.filter(day__tournament=tournament).aggregate(m=Max("minute"))[
        "m"
    ]
    return last + timedelta(minutes=1) if last else None


def _day_is_over(tournament: Tournament, heard: datetime, now: datetime) -> bool:
    day = timezone.localdate(heard - timedelta(minutes=1), timezone=tournament.tz)
    if day < timezone.localdate(now, timezone=tournament.tz):
        return True
    return tournament.days.filter(date=day, status=Progress.FINISHED).exists()
