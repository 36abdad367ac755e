"""Bringing a backup into the database, in one transaction: all of it or nothing.

`NEW` makes a tournament beside those that are there. `MERGE` adds to the tournament of the same slug
what it lacks; where both have a row and the rows differ, the database's stays and the difference is
told. `REPLACE` deletes a tournament's rows first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import DataError, IntegrityError, transaction

from events.backup import remove
from events.backup.collect import OnProgress, no_progress
from events.backup.manifest import File, Manifest
from events.backup.read import Source, open_backup
from events.backup.rows import Reader
from events.backup.rules import Model, Part, Role, plan
from events.backup.same import Finder, Match
from events.backup.totals import TotalsOf, add_hours, add_totals
from events.backup.trouble import BackupError, BadBackupError
from events.models_backup import Backup
from events.tallies import Amount, Key, shift_hours
from tournaments.context import days_in_force
from tournaments.models import Tournament, TournamentDay, free_slug

TALLY = "events.eventtally"
_MOST_TOLD = 40


class Mode(Enum):
    NEW = "as a new tournament"
    MERGE = "merged"
    REPLACE = "replacing"


@dataclass
class Outcome:
    """What a restore did, or would do: a dry run gives the same."""

    mode: Mode
    name: str = ""
    slug: str = ""
    tournament_id: int = 0
    removed: dict[str, int] = field(default_factory=dict)
    added: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    differing: int = 0
    notes: list[str] = field(default_factory=list)
    singular: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.added.values())

    def lines(self) -> list[str]:
        """For people; the same for a dry run and for the real one."""
        lines = [f"“{self.name}” ({self.slug}), {self.mode.value}:"]
        for names, numbers in (
            ("removed", self.removed),
            ("added", self.added),
            ("there already", self.found),
        ):
            for label, count in numbers.items():
                what = self.singular.get(label, label) if count == 1 else label
                lines += [f"  {count:>12,}  {what} {names}"] if count else []
        lines += [f"  {note}" for note in self.notes]
        if self.differing:
            lines.append(f"  {self.differing:,} differ from the backup and stay as they are here:")
            lines += [f"    {sentence}" for sentence in self.differences]
            if self.differing > len(self.differences):
                lines.append(f"    and {self.differing - len(self.differences):,} more")
        return lines


def restore(
    path: Path,
    mode: Mode = Mode.NEW,
    *,
    replaced: str = "",
    size: tuple[int, int] | None = None,
    dry_run: bool = False,
    user: User | None = None,
    progress: OnProgress = no_progress,
    using: str = "default",
) -> Outcome:
    """Restores a backup; `replaced` is the slug of the tournament that `REPLACE` replaces.

    With `size`, that tournament's events and matches when it was backed up, it has to have as many still.

    A dry run does everything and takes it back. BackupError when it cannot be, and then nothing has
    changed.
    """
    with open_backup(path) as source:
        try:
            with transaction.atomic(using=using):
                restorer = Restorer(source, mode, using, progress)
                outcome = restorer.run(replaced, size)
                shift_hours(restorer.hours, using=using)
                _keep_account(outcome, user, using)
                if dry_run:
                    transaction.set_rollback(True, using=using)
        except (IntegrityError, DataError) as error:
            said = " ".join(str(error).split())
            raise BadBackupError(
                f"Its rows do not fit together or into this database. (It said: {said})"
            ) from error
    return outcome


def _keep_account(outcome: Outcome, user: User | None, using: str) -> None:
    tournament = Tournament.objects.using(using).get(pk=outcome.tournament_id)
    # Backups of what was replaced are backups of what took its place.
    Backup.objects.using(using).filter(slug=tournament.slug, tournament=None).update(tournament=tournament)
    if user is not None:
        flag = ADDITION if outcome.mode is Mode.NEW else CHANGE
        said = f"Restored from a backup, {outcome.mode.value}: {outcome.total:,} rows."
        LogEntry.objects.log_actions(user.pk, [tournament], flag, said, single_object=True)


class Restorer:
    """One restore, inside a transaction of `using`."""

    def __init__(self, source: Source, mode: Mode, using: str, progress: OnProgress) -> None:
        self.source = source
        self.manifest: Manifest = source.manifest
        self.mode = mode
        self.using = using
        self.progress = progress
        self.parts: dict[Model, Part] = {part.model: part for part in plan()}
        self.outcome = Outcome(mode)
        self.outcome.singular = {many: one for one, many in (part.names for part in self.parts.values())}
        # model -> key in the file -> key here
        self.keys: dict[Model, dict[Any, Any]] = {}
        self.carried: dict[Model, set[Any]] = {}
        self.totals = TotalsOf()
        self.hours: dict[Key, Amount] = {}

    def run(self, replaced: str = "", size: tuple[int, int] | None = None) -> Outcome:
        files = self._files()
        self._prepare(replaced, size)
        for part in self.parts.values():
            file = files.get(part.label)
            if file is not None:
                self._restore_part(part, file)
        if self.mode is Mode.MERGE:
            add_totals(self.totals, self.using)
        return self.outcome

    def reader(self, part: Part, file: File) -> Reader:
        return Reader(part, file, self.keys, self.using)

    def store(self, reader: Reader, rows: list[list[Any]]) -> Sequence[Any]:
        return reader.store(rows)

    def _files(self) -> dict[str, File]:
        known = {part.label for part in self.parts.values()}
        for file in self.manifest.files:
            if file.model not in known:
                self.outcome.notes.append(f"{file.model} is left out: this version no longer keeps it.")
        files = {file.model: file for file in self.manifest.files}
        if files.get("tournaments.tournament") is None or files["tournaments.tournament"].rows != 1:
            raise BadBackupError("It does not hold exactly one tournament.")
        return files

    def _prepare(self, replaced: str, size: tuple[int, int] | None) -> None:
        slug, name = self.manifest.tournament.get("slug", ""), self.manifest.tournament.get("name", "")
        same = Tournament.objects.using(self.using).filter(slug=slug).first()
        if self.mode is Mode.REPLACE:
            old = Tournament.objects.using(self.using).filter(slug=replaced).first()
            if old is None:
                raise BackupError(f"There is no tournament “{replaced}” to replace.")
            if same is not None and same.pk != old.pk:
                raise BackupError(
                    f"The backup is of “{slug}”, which is here too. Replace that, or restore as new."
                )
            refuse_in_force(old, self.using)
            if size is not None and remove.size_of(old, self.using) != size:
                raise BackupError(
                    f"“{old}” has changed since it was backed up. Nothing was changed; try again in a minute."
                )
            self.outcome.removed = remove.remove_rows(old.pk, self.using, self.progress)
        elif self.mode is Mode.MERGE and same is None:
            raise BackupError(f"There is no tournament “{slug}” to merge into. Restore it as a new one.")
        elif same is not None:
            refuse_in_force(same, self.using)
            self.carried = remove.carried_keys(self.parts, same.pk, self.using)
        if self.mode is Mode.NEW:
            slug = free_slug(slug, self.using)
            if slug != self.manifest.tournament.get("slug"):
                name = f"{name} (restored)"[:200]
        self.outcome.name, self.outcome.slug = name, slug

    def _restore_part(self, part: Part, file: File) -> None:
        reader = self.reader(part, file)
        if part.label == "tournaments.tournament":
            reader.instead = {"slug": self.outcome.slug, "name": self.outcome.name}
        if part.label == TALLY and self.mode is Mode.MERGE:
            # Both have counted some of the same events: what is added is counted anew.
            for lines in self.source.lines(file):
                reader.read(lines)
            return
        known = part.role is Role.SHARED or self.mode is Mode.MERGE
        # A copy of this tournament has sessions that look the same and are not.
        among = self.carried.get(part.model) if part.role is Role.CARRIED else None
        finder = Finder(part, reader.columns, self.using, among) if known else None
        done = 0
        for lines in self.source.lines(file):
            for start in range(0, len(lines), 5_000):
                some = lines[start : start + 5_000]
                rows = reader.read(some)
                if finder is not None:
                    rows = self._only_new(part, reader, finder, rows)
                if self.mode is Mode.MERGE:
                    self.totals.count(part, reader, rows)
                if part.label == TALLY:
                    add_hours(reader, rows, self.hours)
                new = self.store(reader, rows)
                self.outcome.added[part.names[1]] += len(rows)
                if part.label == "tournaments.tournament" and rows:
                    self.outcome.tournament_id = new[0]
                done += len(some)
                self.progress(f"Reading {part.names[1]}", done, file.rows)

    def _only_new(self, part: Part, reader: Reader, finder: Finder, rows: list[list[Any]]) -> list[list[Any]]:
        """The rows that are not there yet; of the others the keys and the differences are noted."""
        new = []
        elsewhere = finder.find_elsewhere(rows)
        for row, match, is_elsewhere in zip(rows, finder.find(rows), elsewhere, strict=True):
            if match is None and is_elsewhere:
                self.outcome.found[part.names[1]] += 1
                continue
            if match is None:
                if part.role is Role.SHARED:
                    finder.make_room(row, self.outcome.notes)
                new.append(row)
                continue
            reader.is_there(row, match.key)
            self.outcome.found[part.names[1]] += 1
            if part.label == "tournaments.tournament":
                self.outcome.tournament_id = match.key
            if match.differing:
                self._tell(part, match)
        return new

    def _tell(self, part: Part, match: Match) -> None:
        self.outcome.differing += 1
        if len(self.outcome.differences) < _MOST_TOLD:
            here = part.model._base_manager.using(self.using).get(pk=match.key)
            self.outcome.differences.append(f"{part.names[0]} “{here}”: {match.differing}")


def refuse_in_force(tournament: Tournament, using: str) -> None:
    """BackupError while events are being filed under one of its days."""
    if reason := why_not(tournament, using):
        raise BackupError(reason)


def why_not(tournament: Tournament, using: str = "default") -> str:
    """Why it may be neither deleted nor restored now, and what to do; '' when it may."""
    days = set(TournamentDay.objects.using(using).filter(tournament=tournament).values_list("pk", flat=True))
    if not days & days_in_force():
        return ""
    return (
        f"“{tournament}” is active now, so its events are still coming in. "
        "Make another day or none active first (page Context), then try again."
    )
