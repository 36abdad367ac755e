"""Looking after a journal: what there is, whether it is sound, what may go."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from ingest.journal.format import (
    HEADER_BYTES,
    Position,
    Record,
    SegmentFile,
    digest_path,
    segment_numbers,
    segment_path,
)
from ingest.journal.reader import JournalReader


class SegmentInfo(NamedTuple):
    """One segment as `journal ls` shows it. `datagrams` is -1 when it cannot be told."""

    number: int
    size: int
    first_sequence: int
    datagrams: int
    created_ns: int
    sealed: bool


def list_segments(directory: Path) -> list[SegmentInfo]:
    """The segments of a journal, oldest first."""
    reader = JournalReader(directory)
    total = reader.total()
    reader.close()
    found: list[SegmentInfo] = []
    until = total
    for number in reversed(segment_numbers(directory)):
        try:
            segment = SegmentFile(directory, number)
        except OSError:
            continue
        header, size = segment.header, segment.size()
        segment.close()
        sealed = digest_path(directory, number).exists()
        if header is None:
            found.append(SegmentInfo(number, size, 0, -1, 0, sealed))
            continue
        datagrams = until - header.datagrams_before
        until = header.datagrams_before
        found.append(SegmentInfo(number, size, header.first_sequence, datagrams, header.created_ns, sealed))
    return found[::-1]


def iterate(directory: Path, only: int | None = None) -> Iterator[Record]:
    """All records of a journal, notes included, or those of segment `only`."""
    reader = JournalReader(directory)
    try:
        for number in segment_numbers(directory) if only is None else [only]:
            at, exhausted = Position(number, HEADER_BYTES, 0), False
            while not exhausted:
                records, at, exhausted = reader.read_segment(at, 5_000, followed=True)
                yield from records
    finally:
        reader.close()


def verify(directory: Path, progress: Callable[[int, int], None] = lambda done, of: None) -> list[str]:
    """What is wrong with a journal, one sentence each; empty when it is sound.

    Checks every record's CRC, the sequences and the SHA-256 of sealed segments. `progress` is
    called with the segments done and their number. What a recorder is writing at this moment
    is not taken for damage.
    """
    numbers = segment_numbers(directory)
    if not numbers:
        return [f"There is no journal in {directory}."]
    wrong: list[str] = []
    expected = None
    reader = JournalReader(directory)
    for done, number in enumerate(numbers):
        progress(done, len(numbers))
        name = segment_path(directory, number).name
        last = number == numbers[-1]
        try:
            segment = SegmentFile(directory, number)
        except OSError as error:
            wrong.append(f"{name} cannot be read: {error.strerror}.")
            continue
        segment.close()
        if segment.header is None:
            wrong.append(f"{name}: its header is damaged.")
        wrong += _verify_digest(directory, number)
        bad, lost = reader.bad, reader.lost
        at, exhausted, more = Position(number, HEADER_BYTES, 0), False, True
        while more and not exhausted:
            records, at, exhausted = reader.read_segment(at, 5_000, followed=not last)
            more = bool(records)
            for record in records:
                if expected is not None and record.sequence < expected:
                    wrong.append(f"{name}: record {record.sequence} comes after {expected - 1}.")
                expected = record.sequence + 1
        if reader.bad > bad:
            wrong.append(
                f"{name}: damaged at {reader.bad - bad} place(s), {reader.lost - lost} record(s) lost there."
            )
        if last and _torn(directory, at):
            wrong.append(f"{name}: the last record, at byte {at.offset}, is torn.")
    reader.close()
    progress(len(numbers), len(numbers))
    return wrong


def _verify_digest(directory: Path, number: int) -> list[str]:
    name = segment_path(directory, number).name
    try:
        said = digest_path(directory, number).read_text().split()[0]
    except (OSError, IndexError):
        return []  # Not sealed yet: the CRCs are what there is.
    with segment_path(directory, number).open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return [] if said == found else [f"{name}: the SHA-256 is {found}, sealed was {said}."]


def _torn(directory: Path, at: Position) -> bool:
    """Whether bytes that are no record stay behind the last one: not just being written."""
    for _ in range(3):
        try:
            segment = SegmentFile(directory, at.segment)
        except OSError:
            return False
        try:
            if segment.blank(at.offset) or segment.sound(at.offset, 0):
                return False
        finally:
            segment.close()
        time.sleep(0.05)
    return True


def prune(directory: Path, keep_days: float, imported: Position, now_ns: int | None = None) -> list[Path]:
    """Remove sealed segments that lie wholly before `imported` and are full since `keep_days`.

    Returns what was removed. A segment that cannot be removed now (Windows: being read) is left
    for the next time. The last segment always stays.
    """
    limit = (time.time_ns() if now_ns is None else now_ns) - int(keep_days * 86_400 * 1e9)
    removed: list[Path] = []
    numbers = segment_numbers(directory)
    for number, following in pairwise(numbers):
        if number >= imported.segment or not digest_path(directory, number).exists():
            break
        try:
            after = SegmentFile(directory, following)
            after.close()
            if after.header is None or after.header.created_ns > limit:
                break
            segment_path(directory, number).unlink()
            digest_path(directory, number).unlink()
        except OSError:
            break
        removed.append(segment_path(directory, number))
    return removed
