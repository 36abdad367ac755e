"""Writing a journal: one writer at a time, and its background thread.

What is appended is in the page cache when `append` returns, so it survives the process; it is on
the disk at the latest `sync_ms` later, so a power failure costs no more than that.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from ingest.journal.files import DirectoryLock, allocate, boot_id, replace_file, why_not_written, write_all
from ingest.journal.format import (
    DATAGRAM_MARK,
    HEADER_BYTES,
    MAX_PAYLOAD,
    NOTE_MARK,
    O_BINARY,
    RECORD_BYTES,
    RECORD_REST,
    Position,
    SegmentFile,
    SegmentHeader,
    Tail,
    digest_path,
    read_tail,
    segment_numbers,
    segment_path,
)
from ingest.journal.reader import JournalReader, read_uuid

#: received ns since 1970, local port (never 0), source in 16 bytes, source port, payload.
Datagram = tuple[int, int, bytes, int, bytes]

SEGMENT_BYTES = 64 << 20
#: A torn record longer than what one call of `append` writes is not one of ours.
LONGEST_TORN = 8 << 20

fdatasync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


class JournalWriter:
    """The one writer of a journal directory.

    Raises `JournalLocked` when another process writes this journal, OSError when the directory
    or a segment cannot be made. Continues where the journal ends. `sequence_at_least` raises
    the next sequence, for a caller who knows of records that a power failure took away.
    """

    def __init__(
        self,
        directory: str | Path,
        segment_bytes: int = SEGMENT_BYTES,
        *,
        sync_ms: int = 200,
        sequence_at_least: int = 0,
        log: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.directory = Path(directory)
        self.segment_bytes = max(segment_bytes, HEADER_BYTES + RECORD_BYTES)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._sync_s = sync_ms / 1000
        self._log = log
        self._fd = -1
        self._thread: threading.Thread | None = None
        self._lock = DirectoryLock(self.directory)
        try:
            self._open(sequence_at_least)
        except BaseException:
            self._close_files()
            self._lock.release(clean=False)
            raise
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._next_lock = threading.Lock()
        self._rolled: list[tuple[int, int, int]] = []
        self._dirty = True
        self._complaint = ""
        self._thread = threading.Thread(target=self._maintain, name="journal", daemon=True)
        self._thread.start()
        self._wake.set()

    # -- what callers use ------------------------------------------------------------------

    @property
    def position(self) -> Position:
        """The place behind the last record."""
        return Position(*self._place[:3])

    @property
    def next_sequence(self) -> int:
        """The sequence the next record gets."""
        return self._place.sequence

    @property
    def datagrams(self) -> int:
        """Datagrams this journal has ever held, notes not counted."""
        return self._place.datagrams

    def append(self, datagrams: Sequence[Datagram]) -> None:
        """Write datagrams, which get the sequences from `next_sequence` on.

        On OSError (a full or read-only disk) the first `next_sequence` minus its value before
        are written and kept; call again with the others.
        """
        pack = RECORD_REST.pack
        crc32 = zlib.crc32
        sequence = self.next_sequence
        parts: list[bytes] = []
        room = self._size - self._place.offset
        for received_ns, local_port, source, source_port, payload in datagrams:
            length = len(payload)
            room -= RECORD_BYTES + length
            if room < 0:
                self._write(parts, sequence - self.next_sequence, sequence - self.next_sequence)
                parts = []
                self._roll(RECORD_BYTES + length)
                room = self._size - HEADER_BYTES - RECORD_BYTES - length
            rest = pack(length, sequence, received_ns, local_port, source_port, DATAGRAM_MARK, source)
            parts += (crc32(payload, crc32(rest)).to_bytes(4, "little"), rest, payload)
            sequence += 1
        self._write(parts, sequence - self.next_sequence, sequence - self.next_sequence)

    def note(self, note: dict[str, Any], received_ns: int | None = None) -> None:
        """Write a note. Raises OSError as `append` does, ValueError when it is too long."""
        payload = json.dumps(note, separators=(",", ":")).encode()
        if len(payload) > MAX_PAYLOAD:
            raise ValueError(f"a note of {len(payload)} bytes is longer than {MAX_PAYLOAD}")
        if self._size - self._place.offset < RECORD_BYTES + len(payload):
            self._roll(RECORD_BYTES + len(payload))
        at = time.time_ns() if received_ns is None else received_ns
        rest = RECORD_REST.pack(len(payload), self.next_sequence, at, 0, 0, NOTE_MARK, self._uuid)
        check = zlib.crc32(payload, zlib.crc32(rest)).to_bytes(4, "little")
        self._write([check, rest, payload], 1, 0)

    def sync(self) -> None:
        """Return when everything appended so far is on the disk."""
        place = self._place
        fdatasync(self._fd)
        self._write_tail(place)

    def close(self) -> None:
        """Finish what the background thread has to do, sync and unlock. Never raises OSError."""
        if self._thread is None:
            return
        self._stop.set()
        self._wake.set()
        self._thread.join()
        self._thread = None
        clean = True
        try:
            self.sync()
        except OSError:
            clean = False
        self._close_files()
        self._lock.release(clean=clean)

    # -- opening ----------------------------------------------------------------------------

    def _open(self, sequence_at_least: int) -> None:
        name = read_uuid(self.directory)
        self.uuid = name or str(uuid.uuid4())
        self._uuid = uuid.UUID(self.uuid).bytes
        if not name or not (self.directory / "journal.json").exists():
            about = {"uuid": self.uuid, "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
            replace_file(self.directory / "journal.json", json.dumps(about).encode())
        # A machine that went down may have lost what the processes on it had seen written.
        crashed = not self._lock.was_clean and self._lock.was_boot != boot_id()
        numbers = segment_numbers(self.directory)
        reader = JournalReader(self.directory)
        try:
            end = reader.end()
            datagrams = reader.datagrams_at(end)
            damaged = reader.bad > 0
        finally:
            reader.close()
        tail = read_tail(self.directory) or Tail(0, 0, 0, 0)
        floor = max(end.sequence, sequence_at_least, tail.sequence)
        self._torn = b""
        self._place = Tail(end.segment, end.offset, end.sequence, datagrams)
        if numbers:
            segment = SegmentFile(self.directory, end.segment)
            try:
                self._size = segment.size()
                # What is written is written from front to back: no torn end begins with zeros.
                if any(segment.chunk(end.offset, RECORD_BYTES)):
                    self._torn = segment.chunk(end.offset, LONGEST_TORN).rstrip(b"\0")
                damaged = damaged or segment.header is None or self._size < end.offset
            finally:
                segment.close()
        else:
            self._place = Tail(tail.segment, 0, floor, tail.datagrams)
        if not numbers or crashed or damaged or end.sequence < floor or len(self._torn) >= LONGEST_TORN:
            previous_end = self._end_of_data()
            self._place = self._place._replace(sequence=floor)
            self._begin(self._prepare(0), previous_end)
        else:
            self._fd = os.open(segment_path(self.directory, end.segment), os.O_RDWR | O_BINARY)

    def _end_of_data(self) -> int:
        """Where the segment may be cut when it is sealed; 0 where it holds torn bytes to keep."""
        return 0 if self._torn else self._place.offset

    # -- segments ---------------------------------------------------------------------------

    def _prepare(self, needed: int) -> Path:
        """The file of the segment to come, allocated; at least `needed` bytes of records."""
        path = self.directory / "next.segment"
        size = max(self.segment_bytes, HEADER_BYTES + needed)
        if not path.exists() or path.stat().st_size < size:
            allocate(path, size)
        return path

    def _begin(self, prepared: Path, previous_end: int) -> None:
        """Make the prepared file the next segment and go on in it."""
        _, _, sequence, datagrams = self._place
        number = self._place.segment + 1
        header = SegmentHeader(number, sequence, datagrams, time.time_ns(), previous_end, self._uuid)
        fd = os.open(prepared, os.O_RDWR | O_BINARY)
        try:
            write_all(fd, header.pack())
            self._size = os.fstat(fd).st_size
        finally:
            os.close(fd)
        # Renamed when it has its header, and closed for it: Windows renames no open file.
        path = segment_path(self.directory, number)
        os.replace(prepared, path)
        self._fd = os.open(path, os.O_RDWR | O_BINARY)
        self._torn = b""
        self._place = Tail(number, HEADER_BYTES, sequence, datagrams)

    def _roll(self, needed: int) -> None:
        """Go on in the next segment; the full one is handed to the thread to be sealed."""
        with self._next_lock:
            previous = (self._fd, self._place.segment, self._end_of_data())
            self._begin(self._prepare(needed), previous[2])
        self._rolled.append(previous)
        self._wake.set()

    def _write(self, parts: list[bytes], records: int, datagrams: int) -> None:
        """Write at the end of the segment; the end moves only when all of it is written."""
        if not parts:
            return
        data = b"".join(parts)
        if self._torn and data[: len(self._torn)] != self._torn:
            # A torn end that is not the beginning of what comes now stays as it is, as evidence.
            # The sequences are given already; the next segment has room, being made for it.
            self._roll(len(data))
        number, offset, sequence, count = self._place
        os.lseek(self._fd, offset, os.SEEK_SET)
        write_all(self._fd, data)
        self._torn = b""
        # One assignment: the thread that syncs must never see half of it.
        self._place = Tail(number, offset + len(data), sequence + records, count + datagrams)
        if not self._dirty:
            self._dirty = True
            self._wake.set()

    # -- background -------------------------------------------------------------------------

    def _maintain(self) -> None:
        """Sync, allocate the next segment ahead, seal full ones: all off the receive path."""
        self._seal_left_over()
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            self._attempt(self._prepare_ahead)
            while self._rolled:
                self._attempt(lambda: self._seal(*self._rolled.pop(0)))
            self._stop.wait(self._sync_s)
            if self._dirty:
                self._dirty = False
                self._attempt(self._sync_here)
        while self._rolled:
            self._attempt(lambda: self._seal(*self._rolled.pop(0)))

    def _attempt(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            complaint = why_not_written(error, self.directory)
            if complaint != self._complaint:
                self._log(complaint)
            self._complaint = complaint
            self._stop.wait(1)
            self._wake.set()
        else:
            self._complaint = ""

    def _prepare_ahead(self) -> None:
        with self._next_lock:
            self._prepare(0)

    def _sync_here(self) -> None:
        place, fd = self._place, self._fd
        fdatasync(fd)
        if self._fd == fd:
            self._write_tail(place)

    def _write_tail(self, tail: Tail) -> None:
        fd = os.open(self.directory / "tail", os.O_RDWR | os.O_CREAT | O_BINARY, 0o640)
        try:
            write_all(fd, tail.pack())
        finally:
            os.close(fd)

    def _seal(self, fd: int, number: int, end: int) -> None:
        with contextlib.closing(os.fdopen(fd, "rb+", buffering=0)) as file:
            if end:
                file.truncate(end)
            os.fsync(fd)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        name = segment_path(self.directory, number).name
        replace_file(digest_path(self.directory, number), f"{digest}  {name}\n".encode())

    def _seal_left_over(self) -> None:
        """Seal what an earlier process had no time to seal."""
        numbers = segment_numbers(self.directory)
        for number, following in pairwise(numbers):
            if self._stop.is_set() or digest_path(self.directory, number).exists():
                continue
            with contextlib.suppress(OSError):
                after = SegmentFile(self.directory, following)
                after.close()
                follows = after.header is not None and following == number + 1
                end = after.header.previous_end if follows and after.header else 0
                fd = os.open(segment_path(self.directory, number), os.O_RDWR | O_BINARY)
                self._seal(fd, number, min(end, os.fstat(fd).st_size))

    def _close_files(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
