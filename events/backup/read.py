"""Reading a backup that may be damaged or hostile: everything is checked before it is believed."""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from events.backup import manifest as manifests
from events.backup.manifest import File, Manifest
from events.backup.trouble import BackupError, BadBackupError
from events.backup.write import SEAL, hashed

_BLOCK = 1024 * 1024
_LONGEST_LINE = 16 * 1024 * 1024
# Rows of a tournament pack to a tenth; what packs to less than this is made to fill a disk.
_MOST_PACKED = 300
_SMALL = 4 * 1024 * 1024


@dataclass
class Source:
    """An opened backup whose outside has been checked; `sha256` is of the whole file."""

    path: Path
    manifest: Manifest
    sha256: str
    size: int
    _archive: zipfile.ZipFile

    def lines(self, file: File) -> Iterator[list[bytes]]:
        """Its lines, some thousand at a time; BadBackupError when they are not what was promised.

        The last error can come after the last line: believe nothing before the iterator has ended.
        """
        digest, size, count, rest = hashlib.sha256(), 0, 0, b""
        for block in _unpack(self._archive, file.name, file.bytes):
            digest.update(block)
            size += len(block)
            lines = (rest + block).split(b"\n")
            rest = lines.pop()
            if len(rest) > _LONGEST_LINE:
                raise BadBackupError(f"{file.name} has a line of more than 16 MB.")
            count += len(lines)
            yield lines
        if rest:
            raise BadBackupError(f"{file.name} ends in the middle of a row.")
        if size != file.bytes or digest.hexdigest() != file.sha256:
            raise BadBackupError(f"{file.name} is not what its manifest says: the hash is another.")
        if count != file.rows:
            raise BadBackupError(f"{file.name} has {count:,} rows, its manifest says {file.rows:,}.")


@contextmanager
def open_backup(path: Path) -> Iterator[Source]:
    """BadBackupError when the file is not whole, not a backup, or not one for this version."""
    try:
        with path.open("rb") as file:
            size = _check_seal(path)
            try:
                archive = zipfile.ZipFile(file)
            except (zipfile.BadZipFile, ValueError, NotImplementedError):
                raise BadBackupError("This is not a backup of reStrike VTA, or it is damaged.") from None
            with archive:
                text = b"".join(_unpack(archive, _only(archive, manifests.NAME), manifests.LARGEST))
                found = manifests.read(text)
                _check_members(archive, found, size)
                yield Source(path, found, hashed(file), size, archive)
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror or error}.") from error


def _check_seal(path: Path) -> int:
    """Every bit of the file is as it was written; returns its size in bytes."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        tail = len(SEAL) + 64
        if size < tail:
            raise BadBackupError("This is not a backup of reStrike VTA, or it is cut short.")
        file.seek(size - tail)
        comment = file.read()
        if not comment.startswith(SEAL):
            raise BadBackupError("This is not a backup of reStrike VTA, or it is cut short.")
        if hashed(file, size - tail) != comment[len(SEAL) :].decode("ascii", "replace"):
            raise BadBackupError("The file is damaged: its seal is broken. Take another copy.")
    return size


def _only(archive: zipfile.ZipFile, name: str) -> str:
    if archive.namelist().count(name) != 1:
        raise BadBackupError(f"It has no {name}, or more than one.")
    return name


def _check_members(archive: zipfile.ZipFile, manifest: Manifest, size: int) -> None:
    promised = {file.name: file for file in manifest.files}
    names = archive.namelist()
    for info in archive.infolist():
        _check_member(info)
        if info.filename != manifests.NAME and info.filename not in promised:
            raise BadBackupError(f"It has a file too many: “{info.filename[:80]}”.")
    if len(set(names)) != len(names):
        raise BadBackupError("It has a file twice.")
    if missing := sorted(promised.keys() - set(names)):
        raise BadBackupError(f"A file is missing: {missing[0]}.")
    if sum(info.compress_size for info in archive.infolist()) > size:
        raise BadBackupError("Its files lie over each other, as only a made-up archive has them.")
    for info in archive.infolist():
        file = promised.get(info.filename)
        if file is not None and info.file_size != file.bytes:
            raise BadBackupError(f"{file.name} is not what its manifest says: the size is another.")
        if info.file_size > _SMALL and info.file_size > _MOST_PACKED * max(info.compress_size, 1):
            raise BadBackupError(
                f"{info.filename} would unpack to far more than any tournament has. Refused."
            )


def _check_member(info: zipfile.ZipInfo) -> None:
    name = info.filename
    if name.startswith(("/", "\\")) or ".." in name or "\\" in name or ":" in name:
        raise BadBackupError(f"It has a file whose path leads out of it: “{name[:80]}”.")
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode) or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)) or info.is_dir():
        raise BadBackupError(f"It has a link or a directory: “{name[:80]}”.")
    if info.flag_bits & 0x1:
        raise BadBackupError(f"“{name[:80]}” is encrypted.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadBackupError(f"“{name[:80]}” is packed in a way this version does not know.")


def _unpack(archive: zipfile.ZipFile, name: str, most: int) -> Iterator[bytes]:
    """The member in blocks; stops at `most` bytes whatever its header says."""
    size = 0
    try:
        with archive.open(name) as member:
            while block := member.read(_BLOCK):
                size += len(block)
                if size > most:
                    raise BadBackupError(f"{name} is larger than it says. Refused.")
                yield block
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise BadBackupError(f"{name} cannot be unpacked: {error}.") from None
