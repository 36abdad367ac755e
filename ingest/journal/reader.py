"""Reading a journal while it is being written, and whatever state it is in."""

from __future__ import annotations

import contextlib
import json
import os
import time
import uuid
from pathlib import Path

from ingest.journal.format import (
    CHUNK_BYTES,
    HEADER_BYTES,
    RECORD_BYTES,
    SMALL_CHUNK_BYTES,
    Position,
    Record,
    SegmentFile,
    Sources,
    parse_records,
    read_tail,
    segment_numbers,
    segment_path,
)

#: How often a place that may be damage, or may be a record being written, is looked at again.
LOOK_AGAIN_S = 0.5
_NIL = str(uuid.UUID(int=0))


def read_uuid(directory: Path) -> str:
    """The journal's uuid: from journal.json, else from a segment; '' where there is none."""
    try:
        return str(uuid.UUID(json.loads((directory / "journal.json").read_text())["uuid"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    for number in segment_numbers(directory):
        try:
            segment = SegmentFile(directory, number)
        except OSError:
            continue
        segment.close()
        if segment.header is not None:
            return str(uuid.UUID(bytes=segment.header.uuid))
    return ""


class JournalReader:
    """Reads a journal from any position on. Never raises for what it finds on the disk.

    A damaged place is counted in `bad`, the sequences that are missing there in `lost`, and
    reading goes on with the next sound record. What comes after the last record of the last
    segment may just be being written: it is left alone until it is whole, or until a sound
    record behind it shows that it never will be. Not for use by several threads at once.
    """

    def __init__(self, directory: str | Path) -> None:
        """`directory` need not exist yet: until then there is nothing to read."""
        self.directory = Path(directory)
        self._sources = Sources()
        self._segment: SegmentFile | None = None
        self._chunk = b""
        self._chunk_at = 0
        self._bad: dict[tuple[int, int], int] = {}
        self._looked_at = (0, 0)
        self._looked = 0.0
        self._listed = -1.0
        self._notes: dict[int, tuple[int, int]] = {}
        self._end: Position | None = None
        self._counter: JournalReader | None = None

    @property
    def uuid(self) -> str:
        """The journal's uuid; '' while there is no journal. Read from the disk each time."""
        return read_uuid(self.directory)

    @property
    def bad(self) -> int:
        """Damaged places met so far."""
        return len(self._bad)

    @property
    def lost(self) -> int:
        """Records known to be missing at the damaged places met so far."""
        return sum(self._bad.values())

    def close(self) -> None:
        """Close the open segment. Reading afterwards opens it again."""
        if self._segment is not None:
            self._segment.close()
            self._segment = None
        if self._counter is not None:
            self._counter.close()
        self._chunk = b""

    def read(self, position: Position | None, limit: int) -> tuple[list[Record], Position]:
        """Up to `limit` records from `position` (None: the oldest there is) and the place behind.

        An empty list says that there is nothing new now. Sequences ascend; a gap in them is
        damage. A position in a segment that was pruned goes on with the oldest one there is.
        """
        records: list[Record] = []
        if position is None:
            numbers = segment_numbers(self.directory)
            if not numbers:
                return records, Position(0, HEADER_BYTES, 0)
            self._forget_replaced(numbers[0])
            position = self._start_of(numbers[0], 0)
        while True:
            # Asked before reading: what is in this segment is then all that will ever be.
            following = self._following(position.segment)
            position, exhausted = self._read_segment(position, limit, records, following is not None)
            if not exhausted or following is None:
                return records, position
            position = self._start_of(following, position.sequence)

    def read_segment(
        self, position: Position, limit: int, *, followed: bool
    ) -> tuple[list[Record], Position, bool]:
        """As `read`, but stays in the segment; the last is True when it will never have more.

        `followed`: whether to take the segment for finished, so that all in it that is no sound
        record is damage.
        """
        records: list[Record] = []
        position, exhausted = self._read_segment(position, limit, records, followed)
        return records, position, exhausted

    def end(self) -> Position:
        """The place behind the last record."""
        numbers = segment_numbers(self.directory)
        if not numbers:
            return Position(0, HEADER_BYTES, 0)
        last = numbers[-1]
        self._forget_replaced(last)
        if self._end is None or self._end.segment != last:
            self._end = self._start_of(last, 0)
            tail = read_tail(self.directory)
            segment = self._open(last)
            if tail and segment and tail.segment == last and tail.offset <= segment.size():
                self._end = Position(tail.segment, tail.offset, tail.sequence)
                if header := segment.header:
                    records = tail.sequence - header.first_sequence
                    notes = header.datagrams_before + records - tail.datagrams
                    self._notes[last] = (tail.offset, notes)
        while True:
            found, self._end = self.read(self._end, 10_000)
            if not found:
                return self._end

    def total(self) -> int:
        """Datagrams this journal has ever held, pruned ones included, notes not."""
        return self._aside.datagrams_at(self._aside.end())

    def count_after(self, position: Position | None) -> int:
        """Datagrams (not notes) behind `position`, None being the oldest there is."""
        numbers = segment_numbers(self.directory)
        if not numbers:
            return 0
        if position is None or position.segment < numbers[0]:
            position = self._start_of(numbers[0], 0)
        return max(0, self.total() - self._aside.datagrams_at(position))

    def datagrams_at(self, position: Position) -> int:
        """Datagrams (not notes) this journal has ever held before `position`.

        For a position in a segment that was pruned: before the oldest one there is.
        """
        segment = self._open(position.segment)
        if segment is None:
            behind = [n for n in segment_numbers(self.directory) if n > position.segment]
            return self.datagrams_at(self._start_of(behind[0], 0)) if behind else 0
        header = segment.header
        if header is None:
            return self._walk(position)
        done, notes = self._notes.get(position.segment, (HEADER_BYTES, 0))
        if done > position.offset:
            done, notes = HEADER_BYTES, 0
        notes += segment.count_notes(done, position.offset, header.uuid)
        self._notes[position.segment] = (position.offset, notes)
        return header.datagrams_before + position.sequence - header.first_sequence - notes

    # -- parts ------------------------------------------------------------------------------

    @property
    def _aside(self) -> JournalReader:
        """A second reader for counting, so that the first keeps its place and its buffer."""
        if self._counter is None:
            self._counter = JournalReader(self.directory)
        return self._counter

    def _open(self, number: int) -> SegmentFile | None:
        if self._segment is None or self._segment.number != number:
            self.close()
            try:
                self._segment = SegmentFile(self.directory, number)
            except OSError:
                return None
            header = self._segment.header
            self._sources.journal = header.uuid if header else uuid.UUID(self.uuid or _NIL).bytes
        return self._segment

    def _start_of(self, number: int, sequence: int) -> Position:
        segment = self._open(number)
        header = segment.header if segment else None
        return Position(number, HEADER_BYTES, header.first_sequence if header else sequence)

    def _following(self, number: int) -> int | None:
        if segment_path(self.directory, number + 1).exists():
            return number + 1
        # Segments pruned or taken away leave a gap in the numbers: seldom, so looked for seldom.
        gone = not segment_path(self.directory, number).exists()
        if gone or time.monotonic() - self._listed > 1:
            self._listed = time.monotonic()
            self._forget_replaced(number)
            return next((n for n in segment_numbers(self.directory) if n > number), None)
        return None

    def _forget_replaced(self, number: int) -> None:
        """Close the segment when its file is another one now: the journal was begun anew."""
        with contextlib.suppress(OSError):
            now = segment_path(self.directory, number).stat()
            if self._segment and self._segment.number == number:
                held = os.fstat(self._segment.fd)
                if (now.st_ino, now.st_dev) != (held.st_ino, held.st_dev):
                    self.close()
                    self._notes.clear()
                    self._end = None

    def _read_segment(
        self, position: Position, limit: int, records: list[Record], followed: bool
    ) -> tuple[Position, bool]:
        """Append what this segment has to `records`; True when it will never have more."""
        number, offset, sequence = position
        segment = self._open(number)
        if segment is None:
            return position, True
        size = SMALL_CHUNK_BYTES
        while len(records) < limit:
            before = len(records)
            at = offset - self._chunk_at
            if 0 <= at < len(self._chunk):
                at = parse_records(self._chunk, at, limit - before, records, self._sources)
            if len(records) == before:
                # Nothing whole at hand: fetch from here, then decide from what is there now.
                self._chunk, self._chunk_at = segment.chunk(offset, size), offset
                at = parse_records(self._chunk, 0, limit - before, records, self._sources)
            if len(records) > before:
                offset, sequence = self._chunk_at + at, records[-1].sequence + 1
                size = CHUNK_BYTES
            elif len(self._chunk) == size < CHUNK_BYTES and any(self._chunk[:RECORD_BYTES]):
                size = CHUNK_BYTES
            else:
                found = self._behind(segment, offset, sequence, followed)
                if found is None:
                    return Position(number, offset, sequence), followed
                offset = found
        return Position(number, offset, sequence), False

    def _behind(self, segment: SegmentFile, offset: int, sequence: int, followed: bool) -> int | None:
        """Where to go on when no sound record begins at `offset`; None: nowhere, for now."""
        place = (segment.number, offset)
        if not followed:
            if not any(self._chunk[:RECORD_BYTES]):
                return None
            if self._looked_at == place and time.monotonic() - self._looked < LOOK_AGAIN_S:
                return None
            self._looked_at, self._looked = place, time.monotonic()
        found = segment.resync(offset, sequence)
        if found is None:
            if followed and not segment.blank(offset):
                self._bad.setdefault(place, 0)
            return None
        if segment.sound(offset, 0):
            return offset  # It was being written a moment ago: reading runs from front to back.
        self._bad[place] = max(0, found[1] - sequence)
        return found[0]

    def _walk(self, position: Position) -> int:
        """`datagrams_at` for a segment whose header is damaged: by counting."""
        count = 0
        before = [n for n in segment_numbers(self.directory) if n < position.segment]
        if before:
            last = self._open(before[-1])
            header = last.header if last else None
            count = header.datagrams_before if header else 0
            at = self._start_of(before[-1], 0)
        else:
            at = Position(position.segment, HEADER_BYTES, 0)
        while at[:2] < position[:2]:
            records, at = self.read(at, 1)
            if not records:
                break
            count += sum(1 for r in records if r.local_port)
        return count
