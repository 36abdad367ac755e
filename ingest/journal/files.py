"""What a journal needs of the file system: a lock, room, whole writes."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from pathlib import Path

from ingest.journal.format import O_BINARY

#: The lock is on a byte far behind the text of the file, so that others can read the text.
LOCK_AT = 1 << 30


class JournalLocked(Exception):
    """Another process writes this journal. The message is one sentence for people."""


def boot_id() -> str:
    """Names this run of the machine; '' where the system does not tell (then never trusted)."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def why_not_written(error: OSError, directory: Path) -> str:
    """Why a journal cannot be written and what to do, in one sentence."""
    if error.errno == errno.ENOSPC:
        return f"The disk is full: free some space for the journal in {directory}."
    if error.errno == errno.EROFS:
        return f"The disk is read-only: make {directory} writable, or choose another RESTRIKE_VAR."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"This user may not write in {directory}: give it the right, or choose another RESTRIKE_VAR."
    return f"The journal in {directory} cannot be written ({error.strerror or error}): check the disk."


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data` at the file's place. Raises OSError when only a part could be."""
    written = os.write(fd, data)
    while written < len(data):
        more = os.write(fd, data[written:])
        if not more:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written += more


def replace_file(path: Path, data: bytes) -> None:
    """Write a small file so that it is there as a whole or not at all."""
    temporary = path.with_suffix(path.suffix + ".tmp")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | O_BINARY, 0o640)
    try:
        write_all(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)
    os.replace(temporary, path)


def allocate(path: Path, size: int) -> None:
    """Make `path` a file of `size` zero bytes that has its room on the disk.

    Raises OSError (ENOSPC on a full disk) and then leaves no file that holds room.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | O_BINARY, 0o640)
    try:
        if not _reserve(fd, size):
            block = bytes(1 << 20)
            for at in range(0, size, len(block)):
                write_all(fd, block[: size - at])
    except OSError:
        os.close(fd)
        fd = -1
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    finally:
        if fd >= 0:
            os.close(fd)


def _reserve(fd: int, size: int) -> bool:
    """Have the file system set room aside; False where it cannot."""
    if sys.platform != "linux":
        return False
    try:
        os.posix_fallocate(fd, 0, size)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
            return False
        raise
    return True


class DirectoryLock:
    """Held by the writer of a journal; the system frees it when the process ends in any way.

    `was_clean` and `was_boot` say how the writer before ended and in which run of the machine.
    """

    def __init__(self, directory: Path) -> None:
        """Raises JournalLocked, or OSError when the file cannot be made."""
        path = directory / "lock"
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | O_BINARY, 0o640)
        try:
            _lock(self._fd)
        except OSError as error:
            holder = _read(self._fd).get("pid", "unknown")
            os.close(self._fd)
            raise JournalLocked(
                f"Another recorder (process {holder}) already writes the journal in {directory}. "
                f"Stop it, or give this one another node with INGEST_NODE."
            ) from error
        before = _read(self._fd)
        self.was_clean = bool(before.get("clean", True))
        self.was_boot = str(before.get("boot", ""))
        if self.was_boot == "" and not self.was_clean:
            self.was_boot = "unknown"
        self._say(clean=False)

    def release(self, *, clean: bool) -> None:
        """Give the lock back; `clean`: everything is on the disk."""
        with contextlib.suppress(OSError):
            if clean:
                self._say(clean=True)
            os.close(self._fd)

    def _say(self, *, clean: bool) -> None:
        text = json.dumps({"pid": os.getpid(), "boot": boot_id(), "clean": clean}).encode()
        os.lseek(self._fd, 0, os.SEEK_SET)
        write_all(self._fd, text.ljust(256))


def _read(fd: int) -> dict[str, object]:
    os.lseek(fd, 0, os.SEEK_SET)
    try:
        content = json.loads(os.read(fd, 256) or b"{}")
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        os.lseek(fd, LOCK_AT, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
