"""Proving that a backup can be restored: by restoring it, and comparing every row with the file."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import DataError, IntegrityError, OperationalError, transaction

from events.backup.collect import OnProgress, encode, no_progress, read_slices
from events.backup.manifest import File, Manifest
from events.backup.read import Source, open_backup
from events.backup.restore import Mode, Restorer
from events.backup.rows import Reader
from events.backup.rules import Holds, Model, Part, plan
from events.backup.scratch import scratch
from events.backup.trouble import BackupError, BadBackupError
from events.backup.witness import Lines, Witness

# Keys of rows that are gone, moved to where no key is, and back.
_AWAY = 2**62


@dataclass
class Verified:
    """A backup that was read back, restored and found equal; `sha256` is of the whole file."""

    manifest: Manifest
    sha256: str
    size: int


def verify(path: Path, *, progress: OnProgress = no_progress, witness: Witness | None = None) -> Verified:
    """BadBackupError when anything is not as it was written. Touches no database but its own.

    With a `witness`, from when it was made, it is held against what the database had, too.
    """
    try:
        return _verify(path, progress, witness)
    except (OperationalError, OSError) as error:
        said = " ".join(str(error).split())
        raise BackupError(
            f"It could not be tried out: {said}. Make room in RESTRIKE_VAR, then again."
        ) from error


def _verify(path: Path, progress: OnProgress, witness: Witness | None) -> Verified:
    with open_backup(path) as source, scratch([part.model for part in plan()]) as alias:
        trial = _Trial(source, Mode.NEW, alias, progress, witness)
        try:
            with transaction.atomic(using=alias):
                trial.run()
        except (IntegrityError, DataError) as error:
            said = " ".join(str(error).split())
            raise BadBackupError(f"Its rows do not fit together. (The database said: {said})") from None
        for part in trial.parts.values():
            if part.model in trial.readers:
                trial.compare(part)
        return Verified(source.manifest, source.sha256, source.size)


class _Trial(Restorer):
    """A restore that remembers what each row was, so that the rows stored can be held against it."""

    def __init__(
        self, source: Source, mode: Mode, using: str, progress: OnProgress, witness: Witness | None
    ) -> None:
        super().__init__(source, mode, using, progress)
        self.witness = witness
        self.readers: dict[Model, Reader] = {}
        self.lines: dict[Model, Lines] = {}
        # By model, in the order of the file: the keys there, and the keys given here.
        self.old: dict[Model, Any] = {}
        self.new: dict[Model, Any] = {}

    def reader(self, part: Part, file: File) -> Reader:
        reader = super().reader(part, file)
        expected = self.witness.hashes[part.label] if self.witness is not None else None
        self.lines[part.model] = Lines(file.name, expected)
        reader.note = self.lines[part.model].note
        reader.make_users = True
        reader.gone = lambda key: key - _AWAY
        self.readers[part.model] = reader
        self.old[part.model] = array("q") if part.has_numbers else []
        self.new[part.model] = range(0) if part.has_numbers else []
        return reader

    def store(self, reader: Reader, rows: list[list[Any]]) -> Sequence[Any]:
        model = reader.part.model
        self.old[model].extend([row[reader.key_index] for row in rows])
        new = super().store(reader, rows)
        known = self.new[model]
        if isinstance(known, range) and isinstance(new, range) and (not known or known.stop == new.start):
            # As in an empty database they do; a million keys then take no room.
            self.new[model] = range(known.start if known else new.start, new.stop)
        else:
            self.new[model] = list(known) if isinstance(known, range) else known
            self.new[model].extend(new)
        return new

    def compare(self, part: Part) -> None:
        """Every row of the scratch database is the one of the file."""
        reader = self.readers[part.model]
        self.lines[part.model].end()
        old, new, hashes = self.old[part.model], self.new[part.model], self.lines[part.model].hashes
        total = part.model._base_manager.using(self.using).count()
        if total != len(hashes):
            raise BadBackupError(f"{reader.file.name}: of {len(hashes):,} rows {total:,} could be restored.")
        back = [
            (n, change)
            for n, column in enumerate(reader.columns)
            if (change := self._back(column.holds, column.target))
        ]
        place = 0
        for rows in read_slices(part, reader.columns, new, self.using):
            for row in rows:
                values = list(row)
                if reader.key.holds is Holds.KEY:
                    values[reader.key_index] = old[place]
                for n, change in back:
                    values[n] = change(values[n])
                if hash(encode(values)) != hashes[place]:
                    raise BadBackupError(f"{reader.file.name}: row {place + 1:,} comes back as another.")
                place += 1
            self.progress(f"Comparing {part.names[1]}", place, total)

    def _back(self, holds: Holds, target: Model | None) -> Callable[[Any], Any] | None:
        if holds not in (Holds.REFERENCE, Holds.TRACE) or target is None:
            return None
        there = {new: old for old, new in self.keys.get(target, {}).items()}
        if holds is Holds.REFERENCE:
            return lambda key: None if key is None else there[key]
        return lambda key: key + _AWAY if key < -_AWAY // 2 else there[key]
