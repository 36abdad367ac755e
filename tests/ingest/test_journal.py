"""The journal in good health."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.journal import (
    JournalLocked,
    JournalReader,
    JournalWriter,
    Position,
    iterate,
    list_segments,
    pack_address,
    prune,
    unpack_address,
    verify,
)
from tests.processes import wait_until

HERE = pack_address("127.0.0.1")
PROJECT = Path(__file__).resolve().parents[2]


def row(payload: bytes, at: int = 1) -> tuple[int, int, bytes, int, bytes]:
    return at, 6000, HERE, 5000, payload


@pytest.fixture
def small_disk(make_small_disk: Callable[[str], Path]) -> Path:
    """A disk of 6 MB."""
    return make_small_disk("6m")


@pytest.mark.parametrize("size", [0, 1, 1472, 65_507, 65_535])
def test_journal_keeps_a_datagram_of_any_size(tmp_path: Path, size: int) -> None:
    payload = random.Random(size).randbytes(size)
    writer = JournalWriter(tmp_path, 4096)
    writer.append([row(b"before"), row(payload), row(b"behind")])
    writer.close()
    reader = JournalReader(tmp_path)
    assert [r.payload for r in reader.read(None, 10)[0]] == [b"before", payload, b"behind"]
    assert reader.total() == 3


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("192.168.1.13", "192.168.1.13"),
        ("::1", "::1"),
        ("fe80::2%eth0", "fe80::2"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
    ],
)
def test_address_survives_the_record(address: str, text: str) -> None:
    assert unpack_address(pack_address(address)) == text


def test_reader_meets_a_writer_at_full_speed(tmp_path: Path) -> None:
    """Everything arrives once and in order while segments fill, are sealed and followed."""
    count, chance = 60_000, random.Random(1)
    payloads = [chance.randbytes(chance.choice((0, 10, 30, 300))) for _ in range(count)]

    def write() -> None:
        writer = JournalWriter(tmp_path, 1 << 20, sync_ms=5)
        at = 0
        while at < count:
            step = chance.randint(1, 64)
            writer.append([row(p) for p in payloads[at : at + step]])
            at += step
        writer.close()

    thread = threading.Thread(target=write)
    thread.start()
    reader, position, got = JournalReader(tmp_path), None, []
    deadline = time.monotonic() + 60
    while len(got) < count and time.monotonic() < deadline:
        records, position = reader.read(position, chance.choice((1, 7, 500)))
        got += records
    thread.join()
    assert [r.payload for r in got] == payloads
    assert [r.sequence for r in got] == list(range(count))
    assert (reader.bad, reader.total(), reader.count_after(position)) == (0, count, 0)
    assert verify(tmp_path) == []


def test_second_writer_is_refused_with_a_sentence(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    with pytest.raises(JournalLocked, match=rf"process {os.getpid()}\) already writes .*INGEST_NODE\.$"):
        JournalWriter(tmp_path)
    writer.close()
    JournalWriter(tmp_path).close()


def test_full_segment_is_cut_and_sealed(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, 4096)
    for i in range(100):
        writer.append([row(b"%04d" % i)])
    writer.close()
    infos = list_segments(tmp_path)
    assert [i.sealed for i in infos] == [True] * (len(infos) - 1) + [False]
    assert sum(i.datagrams for i in infos) == 100
    for info in infos[:-1]:
        content = (tmp_path / f"{info.number:08d}.journal").read_bytes()
        assert content[-4:].isdigit()
        digest, name = (tmp_path / f"{info.number:08d}.sha256").read_text().split()
        assert (digest, name) == (hashlib.sha256(content).hexdigest(), f"{info.number:08d}.journal")


def test_segment_left_unsealed_by_a_dead_process_is_sealed_by_the_next(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, 4096)
    for i in range(100):
        writer.append([row(b"%04d" % i)])
    writer.close()
    sealed = tmp_path / "00000001.journal"
    digest = (tmp_path / "00000001.sha256").read_text()
    (tmp_path / "00000001.sha256").unlink()
    sealed.write_bytes(sealed.read_bytes().ljust(4096, b"\0"))
    writer = JournalWriter(tmp_path, 4096)
    wait_until((tmp_path / "00000001.sha256").exists)
    writer.close()
    assert (tmp_path / "00000001.sha256").read_text() == digest


def test_verify_says_what_is_wrong_with_a_sealed_segment(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, 4096)
    for i in range(100):
        writer.append([row(b"%04d" % i)])
    writer.close()
    path = tmp_path / "00000001.journal"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    wrong = verify(tmp_path)
    assert len(wrong) == 2
    assert "SHA-256" in wrong[0]
    assert wrong[1] == "00000001.journal: damaged at 1 place(s), 1 record(s) lost there."
    assert verify(tmp_path / "nothing") == [f"There is no journal in {tmp_path / 'nothing'}."]


def test_prune_removes_only_what_is_imported_sealed_and_old(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, 4096)
    for i in range(300):
        writer.append([row(b"%04d" % i)])
    writer.close()
    reader = JournalReader(tmp_path)
    _, middle = reader.read(None, 150)
    now = time.time_ns()
    assert prune(tmp_path, 30, middle) == []
    later = now + 31 * 86_400 * 10**9
    assert prune(tmp_path, 30, Position(1, 128, 0), later) == []
    removed = prune(tmp_path, 30, middle, later)
    assert [p.name for p in removed] == [f"{n:08d}.journal" for n in range(1, middle.segment)]
    again = JournalReader(tmp_path)
    assert again.total() == 300
    assert [int(r.payload) for r in again.read(middle, 1000)[0]] == list(range(150, 300))
    assert again.count_after(middle) == 150
    oldest = next(iterate(tmp_path)).sequence
    assert again.datagrams_at(Position(1, 128, 0)) == oldest
    assert again.count_after(Position(1, 128, 0)) == 300 - oldest
    # A reader that stood in a segment that is gone goes on with the oldest there is.
    left = again.read(Position(1, 128, 0), 1000)[0]
    assert [r.sequence for r in left] == [r.sequence for r in iterate(tmp_path)]
    assert left[-1].sequence == 299
    end = again.end()
    assert [p.name for p in prune(tmp_path, 0, end, later)][-1] == f"{end.segment - 1:08d}.journal"
    JournalWriter(tmp_path, 4096).close()
    assert JournalReader(tmp_path).total() == 300


def test_full_disk_is_an_error_and_nothing_is_lost_by_it(small_disk: Path) -> None:
    directory = small_disk / "journal"
    said: list[str] = []
    writer = JournalWriter(directory, 1 << 20, log=said.append)
    payloads = [b"%06d" % i + bytes(1000) for i in range(7000)]
    rows = [row(p) for p in payloads]

    def fill() -> None:
        while writer.next_sequence < len(rows):
            writer.append(rows[writer.next_sequence :][:64])

    with pytest.raises(OSError, match="No space left") as caught:
        fill()
    assert caught.value.errno == errno.ENOSPC
    wait_until(lambda: any("The disk is full" in sentence for sentence in said), 30)
    at = writer.next_sequence
    for path in sorted(directory.glob("*.journal"))[:-1]:
        path.unlink()
    deadline = time.monotonic() + 30
    while at < 6900 and time.monotonic() < deadline:
        try:
            writer.append(rows[at : at + 64])
        except OSError:
            for path in sorted(directory.glob("*.journal"))[:-1]:
                path.unlink()
        at = writer.next_sequence
    writer.close()
    records = list(iterate(directory))
    assert [r.payload for r in records] == payloads[records[0].sequence : records[-1].sequence + 1]
    assert records[-1].sequence >= 6900


def test_capture_half_needs_only_the_standard_library() -> None:
    code = (
        "import sys; before = set(sys.modules); import ingest.recorder\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new - set(sys.stdlib_module_names) - {'ingest'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
