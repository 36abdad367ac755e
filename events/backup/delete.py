"""Deleting a tournament with everything of it, after a backup of it; all of it or nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from events.archive.scope import count_archived
from events.backup.collect import OnProgress, no_progress
from events.backup.make import backup_before
from events.backup.remove import remove_rows, size_of
from events.backup.restore import refuse_in_force, why_not
from events.backup.rules import plan
from events.backup.trouble import BackupError
from events.models import HourTally, Match
from events.models_backup import Backup
from tournaments.models import Tournament
from tournaments.wording import counted

_CHANGED = "“{}” has changed since it was backed up. Nothing was deleted; try again in a minute."


@dataclass
class Doomed:
    """What would go with a tournament; `why_not` says why it may not go now ('' when it may)."""

    days: int
    matches: int
    events: int
    archived: int
    why_not: str

    @property
    def in_words(self) -> str:
        """ "200 events of 4 matches on 1 day"."""
        events, matches = counted(self.events, "event"), counted(self.matches, "match", "matches")
        return f"{events} of {matches} on {counted(self.days, 'day')}"


@dataclass
class Deleted:
    """What went, in rows of each name, and the backup that holds it."""

    backup: Backup
    rows: dict[str, int] = field(default_factory=dict)

    def lines(self, name: str) -> list[str]:
        one = {many: one for one, many in (part.names for part in plan())}
        gone = [
            f"  {count:>12,}  {one[what] if count == 1 else what}"
            for what, count in self.rows.items()
            if count
        ]
        return [f"“{name}” was deleted:", *gone, f"All of it is in the backup {self.backup.path}."]


def doomed(tournament: Tournament) -> Doomed:
    """Told from the totals, so that asking costs nothing however large it is."""
    return Doomed(
        days=tournament.days.count(),
        matches=Match.objects.filter(day__tournament=tournament).count(),
        events=HourTally.objects.filter(day__tournament=tournament).total(),
        archived=count_archived(tournament),
        why_not=why_not(tournament),
    )


def delete_tournament(
    tournament: Tournament, user: User | None = None, progress: OnProgress = no_progress
) -> Deleted:
    """BackupError, and nothing is deleted, while it is active or when no verified backup can be made.

    What arrived for it after the backup would be in neither, so then it is refused, too. What arrives
    while it goes stays, without a day.
    """
    name = str(tournament)
    refuse_in_force(tournament, "default")
    before = size_of(tournament)
    backup = backup_before(tournament, "Before it was deleted", user, progress)
    try:
        with transaction.atomic():
            refuse_in_force(tournament, "default")
            if size_of(tournament) != before:
                raise BackupError(_CHANGED.format(name))
            rows = remove_rows(tournament.pk, "default", progress)
            if user is not None:
                LogEntry.objects.log_actions(user.pk, [tournament], DELETION, single_object=True)
    except IntegrityError as error:
        # A total of it was counted up while it went.
        raise BackupError(_CHANGED.format(name)) from error
    return Deleted(backup, rows)
