"""Writing a backup: beside its place, on the disk for good, and only then under its name."""

from __future__ import annotations

import hashlib
import os
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from events.backup.collect import Collector, OnProgress, as_line, no_progress
from events.backup.manifest import NAME, File, Manifest, describe, file_name
from events.backup.rules import Part
from events.backup.snapshot import snapshot
from events.backup.trouble import BackupError
from events.backup.witness import Witness
from tournaments.models import Tournament

SEAL = b"reStrike backup sealed sha256:"
_BLOCK = 1024 * 1024
_LEVEL = 3  # a fifth larger than 6, in half the time


def write_backup(
    tournament_id: int,
    path: Path,
    *,
    reason: str = "manual",
    made_by: str = "",
    progress: OnProgress = no_progress,
    using: str = "default",
    witness: Witness | None = None,
) -> Manifest:
    """Writes the tournament, as it is at one moment, to `path`; returns what the file says of itself.

    A `witness` then reads everything again, as it was at that moment, for `verify`.

    Raises BackupError, and leaves nothing behind, when there is no such tournament or the file
    cannot be written.
    """
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        if path.exists():
            raise BackupError(f"There is a file {path} already.")
        with _removed_on_error(partial):
            # First, since it says that the name is taken.
            with partial.open("xb") as file, snapshot(using) as alias:
                manifest = _write(tournament_id, file, reason, made_by, progress, alias, witness)
                file.flush()
            seal(partial)
            # Of two that were given one name after all, one fails and neither is overwritten.
            path.touch(exist_ok=False)
            partial.replace(path)
            sync_directory(path.parent)
    except OSError as error:
        raise BackupError(
            f"The backup cannot be written to {path.parent}: {error.strerror or error}."
        ) from error
    return manifest


def _write(
    tournament_id: int,
    file: IO[bytes],
    reason: str,
    made_by: str,
    progress: OnProgress,
    using: str,
    witness: Witness | None,
) -> Manifest:
    tournament = Tournament.objects.using(using).filter(pk=tournament_id).first()
    if tournament is None:
        raise BackupError("This tournament is no longer there.")
    collector = Collector(tournament_id, using)
    manifest = describe(tournament, list(collector.parts.values()), reason, made_by, using)
    files: dict[str, File] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for part in collector.in_reading_order():
            files[part.label] = _write_part(archive, collector, part, progress)
        manifest.files = [files[part.label] for part in collector.parts.values()]
        archive.writestr(NAME, manifest.as_json())
        archive.comment = SEAL + b"0" * 64
    if witness is not None:
        for part in collector.parts.values():
            witness.read(part, collector, progress)
    return manifest


def _write_part(archive: zipfile.ZipFile, collector: Collector, part: Part, progress: OnProgress) -> File:
    keys = collector.keys(part)
    name, digest = file_name(part), hashlib.sha256()
    size = done = 0
    with archive.open(name, "w", force_zip64=True) as member:
        for chunk in collector.slices(part, keys):
            text = b"".join(map(as_line, chunk))
            digest.update(text)
            member.write(text)
            size += len(text)
            done += len(chunk)
            progress(f"Writing {part.names[1]}", done, len(keys))
    columns = [column.name for column in part.columns]
    return File(name, part.label, part.role.value, columns, done, size, digest.hexdigest())


def seal(path: Path) -> None:
    """Puts the hash of all before it at the end of the file, and both on the disk."""
    with path.open("r+b") as file:
        file.seek(-64, os.SEEK_END)
        end = file.tell()
        digest = hashed(file, end - len(SEAL))
        file.seek(end)
        file.write(digest.encode())
        file.flush()
        os.fsync(file.fileno())


def hashed(file: IO[bytes], size: int | None = None) -> str:
    """SHA-256, as hex, of the first `size` bytes (None: all)."""
    digest = hashlib.sha256()
    file.seek(0)
    left = size if size is not None else -1
    while left and (block := file.read(_BLOCK if left < 0 else min(left, _BLOCK))):
        digest.update(block)
        left -= len(block) if left > 0 else 0
    return digest.hexdigest()


def sync_directory(path: Path) -> None:
    """Makes a rename in it last through a power cut."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _removed_on_error(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
