"""How a journal lies on the disk, and the reading of one segment.

Terms. A *journal* is a directory. It holds *segments* (`00000001.journal`, …), files of a fixed
size that are filled one after the other. A segment is a header and then *records*, one behind the
other without gaps; behind the last record there are zeros. A record is a datagram or a *note*,
which is what the recorder says about itself (start, drops, stop) as JSON, with local port 0.

    journal.json        {"uuid": …, "created": …}
    00000001.journal    a segment
    00000001.sha256     its digest, in the format of `sha256sum`, once it is full and sealed
    next.segment        the segment to come, allocated before it is needed
    tail                a durable place near the end, so that opening need not read 64 MB
    lock                held by the one writer; says whether it closed in order

The layout is described, with its reasons, in docs/adr/0001-journal.md.
"""

from __future__ import annotations

import os
import re
import socket
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

#: crc32 of all that follows, payload length, sequence, received ns since 1970, local port,
#: source port, mark, source as an IPv6 address (IPv4 mapped; a note has the journal's uuid there).
#: The payload follows.
RECORD = struct.Struct("<IIQqHHI16s")
RECORD_BYTES = RECORD.size
#: What the crc covers: everything of the header but the crc itself.
RECORD_REST = struct.Struct("<IQqHHI16s")

#: The mark makes a record findable behind damage: a byte of flags, then three fixed letters.
DATAGRAM_MARK = int.from_bytes(b"\0RVT", "little")
NOTE_MARK = int.from_bytes(b"\0RVN", "little")
MARK_LETTERS_AT = 29
ANY_MARK = re.compile(b"RV[TN]")
NOTE_LETTERS = b"RVN"

#: magic, version, header bytes, segment, first sequence, datagrams before this segment,
#: created ns, end of the data of the segment before (0: not known), journal uuid; then its crc32.
SEGMENT = struct.Struct("<8sIIQQQqQ16s")
SEGMENT_MAGIC = b"RVTAJRNL"
SEGMENT_VERSION = 1
HEADER_BYTES = 128

#: magic, segment, offset, sequence, datagrams; then its crc32.
TAIL = struct.Struct("<8sQQQQ")
TAIL_MAGIC = b"RVTATAIL"

MAX_PAYLOAD = 65_535
CHUNK_BYTES = 1 << 20
SMALL_CHUNK_BYTES = 1 << 16
O_BINARY = getattr(os, "O_BINARY", 0)

_V4_MAPPED = bytes(10) + b"\xff\xff"


class Record(NamedTuple):
    """One record. A local port of 0 says it is a note: its payload is JSON, its source ''."""

    sequence: int
    received_ns: int
    local_port: int
    source: str
    source_port: int
    payload: bytes


class Position(NamedTuple):
    """A place in a journal; `sequence` is the sequence of the next record to read."""

    segment: int
    offset: int
    sequence: int


class SegmentHeader(NamedTuple):
    """The first 128 bytes of a segment; `datagrams_before` counts no notes."""

    segment: int
    first_sequence: int
    datagrams_before: int
    created_ns: int
    previous_end: int
    uuid: bytes

    def pack(self) -> bytes:
        """The header as it is written, padded to HEADER_BYTES."""
        packed = SEGMENT.pack(SEGMENT_MAGIC, SEGMENT_VERSION, HEADER_BYTES, *self)
        return (packed + zlib.crc32(packed).to_bytes(4, "little")).ljust(HEADER_BYTES, b"\0")


class Tail(NamedTuple):
    """A place up to which everything is on the disk, and what was counted until there."""

    segment: int
    offset: int
    sequence: int
    datagrams: int

    def pack(self) -> bytes:
        """The content of the file `tail`."""
        packed = TAIL.pack(TAIL_MAGIC, *self)
        return packed + zlib.crc32(packed).to_bytes(4, "little")


def unpack_header(data: bytes) -> SegmentHeader | None:
    """The header in the first bytes of a segment; None when damaged or of another version."""
    if len(data) < SEGMENT.size + 4:
        return None
    magic, version, _, *fields = SEGMENT.unpack_from(data)
    check = int.from_bytes(data[SEGMENT.size : SEGMENT.size + 4], "little")
    if magic != SEGMENT_MAGIC or version != SEGMENT_VERSION or zlib.crc32(data[: SEGMENT.size]) != check:
        return None
    return SegmentHeader(*fields)


def read_tail(directory: Path) -> Tail | None:
    """The content of the file `tail`; None when missing or damaged."""
    try:
        data = (directory / "tail").read_bytes()
    except OSError:
        return None
    check = int.from_bytes(data[TAIL.size : TAIL.size + 4], "little")
    if len(data) != TAIL.size + 4 or zlib.crc32(data[: TAIL.size]) != check:
        return None
    return Tail(*TAIL.unpack_from(data)[1:])


def segment_path(directory: Path, number: int) -> Path:
    """Where segment `number` lies."""
    return directory / f"{number:08d}.journal"


def digest_path(directory: Path, number: int) -> Path:
    """Where the SHA-256 of segment `number` lies once it is sealed."""
    return directory / f"{number:08d}.sha256"


def segment_numbers(directory: Path) -> list[int]:
    """The numbers of the segments there are, ascending; empty without a directory."""
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    return sorted(int(n[:-8]) for n in names if n.endswith(".journal") and n[:-8].isdigit())


def pack_address(address: str) -> bytes:
    """An IPv4 or IPv6 address as the 16 bytes of a record (IPv4 mapped into IPv6)."""
    if ":" in address:
        return socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
    return _V4_MAPPED + socket.inet_pton(socket.AF_INET, address)


def unpack_address(packed: bytes) -> str:
    """The text of the 16 bytes that `pack_address` made."""
    if packed.startswith(_V4_MAPPED):
        return socket.inet_ntop(socket.AF_INET, packed[12:])
    return socket.inet_ntop(socket.AF_INET6, packed)


class Sources(dict[bytes, str]):
    """Text of source addresses, remembered; emptied when a flood of addresses fills it."""

    #: The journal's uuid, which notes carry in the place of a source.
    journal = b""

    def __missing__(self, packed: bytes) -> str:
        if len(self) >= 65_536:
            self.clear()
        text = self[packed] = "" if packed == self.journal else unpack_address(packed)
        return text


def parse_records(data: bytes, at: int, limit: int, into: list[Record], sources: Sources) -> int:
    """Append up to `limit` sound records of `data` from `at` on to `into`; return the end.

    Stops at the first place that is no sound and complete record: zeros, damage, a record that
    `data` holds only in part. The hot loop of the importer, hence the local names and no calls.
    """
    unpack = RECORD.unpack_from
    crc32 = zlib.crc32
    new = tuple.__new__
    append = into.append
    last = len(data) - RECORD_BYTES
    size = len(data)
    while limit > 0 and at <= last:
        check, length, sequence, received_ns, local_port, source_port, _, packed = unpack(data, at)
        start = at + RECORD_BYTES
        end = start + length
        if end > size or crc32(data[at + 4 : end]) != check:
            break
        append(
            new(
                Record,
                (sequence, received_ns, local_port, sources[packed], source_port, data[start:end]),
            )
        )
        at = end
        limit -= 1
    return at


class SegmentFile:
    """A segment opened for reading. Reads by copy and never maps: a mapped file that is
    truncated under its reader ends the process, and sealing truncates."""

    def __init__(self, directory: Path, number: int) -> None:
        """Raises OSError when there is no such segment."""
        self.number = number
        self.fd = os.open(segment_path(directory, number), os.O_RDONLY | O_BINARY)
        self.header = unpack_header(self.chunk(0, HEADER_BYTES))

    def close(self) -> None:
        """Close the file; the object is of no use afterwards."""
        os.close(self.fd)

    def size(self) -> int:
        """Bytes of the file now."""
        return os.fstat(self.fd).st_size

    def chunk(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`; shorter only at the end of the file."""
        os.lseek(self.fd, offset, os.SEEK_SET)
        data = os.read(self.fd, size)
        while len(data) < size:
            more = os.read(self.fd, size - len(data))
            if not more:
                break
            data += more
        return data

    def sound(self, offset: int, minimum: int) -> bool:
        """Whether a whole record with a sequence of at least `minimum` begins at `offset`."""
        data = self.chunk(offset, RECORD_BYTES)
        if len(data) < RECORD_BYTES:
            return False
        check, length, sequence, *_ = RECORD.unpack(data)
        if length > MAX_PAYLOAD or sequence < minimum:
            return False
        data += self.chunk(offset + RECORD_BYTES, length)
        return len(data) == RECORD_BYTES + length and zlib.crc32(data[4:]) == int(check)

    def resync(self, offset: int, minimum: int) -> tuple[int, int] | None:
        """The first place behind the damage at `offset` where a sound record begins, and its
        sequence. None when there is none up to the end of the file."""
        at, size = offset + 1, self.size()
        while at < size:
            data = self.chunk(at, CHUNK_BYTES + 2)
            for found in ANY_MARK.finditer(data):
                start = at + found.start() - MARK_LETTERS_AT
                if start > offset and self.sound(start, minimum):
                    return start, RECORD.unpack(self.chunk(start, RECORD_BYTES))[2]
            at += CHUNK_BYTES
        return None

    def count_notes(self, start: int, end: int, uuid: bytes) -> int:
        """How many notes begin between two offsets.

        Looks for their mark and the journal's uuid, which stands where a datagram has its
        source and which no sender on the network knows: nothing in a payload is counted.
        """
        needle = NOTE_LETTERS + uuid
        count, at, stop = 0, start + MARK_LETTERS_AT, end + MARK_LETTERS_AT
        while at < stop:
            window = min(CHUNK_BYTES, stop - at)
            count += self.chunk(at, window + len(needle) - 1).count(needle)
            at += window
        return count

    def blank(self, offset: int) -> bool:
        """Whether there are only zeros from `offset` to the end of the file."""
        while data := self.chunk(offset, CHUNK_BYTES):
            if data.count(0) != len(data):
                return False
            offset += len(data)
        return True
