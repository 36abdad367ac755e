"""What a journal gives back, and how it goes on, when its files are cut or altered."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.journal import JournalReader, JournalWriter, Position, Record, pack_address, verify
from ingest.journal.format import HEADER_BYTES, RECORD_BYTES
from tests.processes import wait_until

HERE = pack_address("127.0.0.1")
PAYLOADS = [b"pt1;1\r\n", b"", bytes(9), b"sc1;1;sc2;0\r\n", b"RVT RVN", b"hl1;40\r\n", b"x" * 30]


def rows(payloads: list[bytes], at: int = 0) -> list[tuple[int, int, bytes, int, bytes]]:
    return [(at + i, 6000, HERE, 5000, payload) for i, payload in enumerate(payloads)]


def read_all(directory: Path) -> tuple[list[Record], JournalReader]:
    reader = JournalReader(directory)
    records, _ = reader.read(None, 100_000)
    reader.close()
    return records, reader


def write(directory: Path, payloads: list[bytes], segment_bytes: int = 4096) -> None:
    writer = JournalWriter(directory, segment_bytes)
    writer.append(rows(payloads))
    writer.close()


def ends_of(payloads: list[bytes]) -> list[int]:
    """Where each record ends in a first segment that holds exactly these."""
    ends, at = [], HEADER_BYTES
    for payload in payloads:
        at += RECORD_BYTES + len(payload)
        ends.append(at)
    return ends


def go_on(directory: Path) -> list[Record]:
    """Open the writer on what is there, append one datagram, read everything."""
    writer = JournalWriter(directory, 4096)
    writer.append(rows([b"after"], at=99))
    writer.close()
    records, _ = read_all(directory)
    return records


def test_reader_gives_what_is_whole_before_a_cut_at_any_byte(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    write(origin, PAYLOADS)
    whole = (origin / "00000001.journal").read_bytes()
    before, _ = read_all(origin)
    ends = ends_of(PAYLOADS)
    for cut in range(ends[-1] + 2):
        (origin / "00000001.journal").write_bytes(whole[:cut])
        records, reader = read_all(origin)
        assert records == [r for r, end in zip(before, ends, strict=True) if end <= cut], cut
        assert reader.bad == 0
        assert reader.total() == len(records)
        reader.close()


@pytest.mark.parametrize("with_tail", [True, False])
def test_writer_goes_on_after_a_cut_at_any_byte(tmp_path: Path, with_tail: bool) -> None:
    origin, copy = tmp_path / "origin", tmp_path / "copy"
    write(origin, PAYLOADS)
    whole = (origin / "00000001.journal").read_bytes()
    before, _ = read_all(origin)
    ends = ends_of(PAYLOADS)
    for cut in range(0, ends[-1] + 1, 3):
        shutil.copytree(origin, copy)
        (copy / "00000001.journal").write_bytes(whole[:cut])
        if not with_tail:
            (copy / "tail").unlink()
        records = go_on(copy)
        kept = [r for r, end in zip(before, ends, strict=True) if end <= cut]
        assert records[:-1] == kept, cut
        assert records[-1].payload == b"after"
        # With the durable note of the end, not even the sequence of a lost record is used again.
        assert records[-1].sequence == (len(PAYLOADS) if with_tail else len(kept))
        shutil.rmtree(copy)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_flipped_bits_cost_only_the_records_they_are_in(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("flips")
    payloads = data.draw(st.lists(st.sampled_from(PAYLOADS), min_size=1, max_size=20))
    size = data.draw(st.sampled_from([500, 900, 4096]))
    write(directory, payloads, size)
    before, _ = read_all(directory)
    segments = sorted(directory.glob("*.journal"))
    damaged: set[int] = set()
    for _ in range(data.draw(st.integers(1, 6))):
        path = data.draw(st.sampled_from(segments))
        content = bytearray(path.read_bytes())
        used = len(bytes(content).rstrip(b"\0")) + 1
        place = data.draw(st.integers(0, min(used, len(content)) - 1))
        content[place] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(content)
    # Which records differ now is found by looking for their bytes where they were.
    for path, records in zip(segments, segments_of(before, size), strict=True):
        content = path.read_bytes()
        at = HEADER_BYTES
        for record in records:
            end = at + RECORD_BYTES + len(record.payload)
            if content[at:end] != packed(record):
                damaged.add(record.sequence)
            at = end
    records, reader = read_all(directory)
    expected = [r for r in before if r.sequence not in damaged]
    assert records == expected
    assert verify(directory) or not damaged
    went_on = go_on(directory)
    assert went_on[:-1] == expected
    assert went_on[-1].sequence > max((r.sequence for r in expected), default=-1)
    assert reader.lost <= len(damaged)
    shutil.rmtree(directory)


def packed(record: Record) -> bytes:
    """The bytes of a record, by the description of the format and not by the code."""
    import struct
    import zlib

    rest = struct.pack(
        "<IQqHHI16s",
        len(record.payload),
        record.sequence,
        record.received_ns,
        record.local_port,
        record.source_port,
        int.from_bytes(b"\0RVT", "little"),
        HERE,
    )
    return struct.pack("<I", zlib.crc32(rest + record.payload)) + rest + record.payload


def segments_of(records: list[Record], size: int) -> list[list[Record]]:
    """How records are spread over segments of a size."""
    spread: list[list[Record]] = [[]]
    at = HEADER_BYTES
    for record in records:
        length = RECORD_BYTES + len(record.payload)
        if at + length > size:
            spread.append([])
            at = HEADER_BYTES
        spread[-1].append(record)
        at += length
    return spread


def test_damage_in_the_middle_is_passed_and_counted(tmp_path: Path) -> None:
    write(tmp_path, PAYLOADS)
    path = tmp_path / "00000001.journal"
    content = bytearray(path.read_bytes())
    ends = ends_of(PAYLOADS)
    content[ends[1] + 2] ^= 255
    content[ends[2] + 5] ^= 255
    path.write_bytes(content)
    records, reader = read_all(tmp_path)
    assert [r.sequence for r in records] == [0, 1, 4, 5, 6]
    assert (reader.bad, reader.lost) == (1, 2)
    assert verify(tmp_path) == ["00000001.journal: damaged at 1 place(s), 2 record(s) lost there."]


def test_datagram_that_imitates_a_record_is_not_taken_for_one(tmp_path: Path) -> None:
    forged = packed(Record(1, 0, 0, "", 0, b'{"note":"stop"}')).replace(b"RVT", b"RVN")
    write(tmp_path, [b"first", forged, b"last"])
    reader = JournalReader(tmp_path)
    assert reader.total() == 3
    assert [r.payload for r in reader.read(None, 10)[0]] == [b"first", forged, b"last"]


def test_torn_end_that_is_written_again_is_completed_in_its_place(tmp_path: Path) -> None:
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    write(whole, PAYLOADS[:2])
    shutil.copytree(whole, torn)
    writer = JournalWriter(whole, 4096)
    writer.append(rows(PAYLOADS[2:]))
    writer.close()
    content = (whole / "00000001.journal").read_bytes()
    end = ends_of(PAYLOADS)[4] + 20
    (torn / "00000001.journal").write_bytes(content[:end].ljust(4096, b"\0"))
    writer = JournalWriter(torn, 4096)
    assert writer.next_sequence == 5
    writer.append(rows(PAYLOADS[2:])[3:])
    writer.close()
    assert (torn / "00000001.journal").read_bytes() == content
    assert not (torn / "00000002.journal").exists()


def test_torn_end_of_something_else_stays_and_the_next_segment_goes_on(tmp_path: Path) -> None:
    write(tmp_path, PAYLOADS)
    path = tmp_path / "00000001.journal"
    end = ends_of(PAYLOADS)[-2] + 20
    path.write_bytes(path.read_bytes()[:end].ljust(4096, b"\0"))
    (tmp_path / "tail").unlink()  # It is written only when what it speaks of is on the disk.
    assert go_on(tmp_path)[-1].payload == b"after"
    _, reader = read_all(tmp_path)
    assert reader.bad == 1
    assert verify(tmp_path) == ["00000001.journal: damaged at 1 place(s), 0 record(s) lost there."]


def test_after_a_power_failure_the_journal_goes_on_in_a_new_segment(tmp_path: Path) -> None:
    write(tmp_path, PAYLOADS)
    # The database knew of three records more than reached the disk.
    beyond = Position(1, ends_of(PAYLOADS)[-1] + 200, len(PAYLOADS) + 3)
    (tmp_path / "lock").write_text(json.dumps({"pid": 1, "boot": "another", "clean": False}))
    writer = JournalWriter(tmp_path, 4096, sequence_at_least=len(PAYLOADS) + 3)
    assert writer.position == Position(2, HEADER_BYTES, len(PAYLOADS) + 3)
    writer.append(rows([b"after"]))
    writer.close()
    reader = JournalReader(tmp_path)
    records, _ = reader.read(beyond, 10)
    assert [(r.sequence, r.payload) for r in records] == [(len(PAYLOADS) + 3, b"after")]
    assert (reader.bad, reader.total()) == (0, len(PAYLOADS) + 1)


@pytest.mark.parametrize("name", ["journal.json", "tail", "lock"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\x00garbage", b"{}", b"[1]", bytes(300)])
def test_journal_does_without_its_small_files(tmp_path: Path, name: str, content: bytes | None) -> None:
    write(tmp_path, PAYLOADS)
    uuid = JournalReader(tmp_path).uuid
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    assert JournalReader(tmp_path).uuid == uuid
    assert [r.payload for r in go_on(tmp_path)] == [*PAYLOADS, b"after"]
    assert JournalReader(tmp_path).uuid == uuid


def test_reader_of_no_journal_finds_nothing(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "missing"):
        reader = JournalReader(directory)
        assert reader.read(None, 10)[0] == []
        assert (reader.uuid, reader.total(), reader.count_after(None)) == ("", 0, 0)


def test_segments_that_are_gone_are_passed_over(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, 400)
    for i in range(30):
        writer.append(rows([b"%d" % i]))
    writer.close()
    (tmp_path / "00000002.journal").unlink()
    records, reader = read_all(tmp_path)
    assert records[0].sequence == 0
    assert records[-1].sequence == 29
    assert len(records) < 30
    assert reader.total() == 30


def test_reader_notices_that_the_journal_was_begun_anew(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    write(directory, PAYLOADS)
    reader = JournalReader(directory)
    _, position = reader.read(None, 100)
    uuid = reader.uuid
    assert reader.total() == len(PAYLOADS)
    shutil.rmtree(directory)
    write(directory, [b"new"])
    assert reader.uuid != uuid
    wait_until(lambda: not reader.read(position, 100)[0] and reader.total() == 1)
    assert [r.payload for r in reader.read(None, 100)[0]] == [b"new"]
