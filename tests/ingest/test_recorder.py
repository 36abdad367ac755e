"""The recorder on real sockets."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ingest.journal import JournalReader, JournalWriter
from ingest.listen import dropped, open_sockets
from ingest.receive import Listener, MappedReceiver, PlainReceiver, Receiver
from ingest.recorder import REFUSED, main
from ingest.staging import SLOTS, Staging, recorder_state
from tests.ingest.recording import datagrams, noted, notes, recording, total
from tests.processes import PROJECT, wait_until

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs recvmmsg")
WAYS = [
    pytest.param(MappedReceiver, marks=LINUX, id="mapped"),
    pytest.param(lambda _: PlainReceiver(), id="plain"),
]


@pytest.fixture
def sender() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind(("127.0.0.1", 0))
        yield out


@pytest.fixture
def small_disk(make_small_disk: Callable[[str], Path]) -> Path:
    """A disk of 12 MB."""
    return make_small_disk("12m")


def fill(ballast: Path) -> None:
    """Take all the room that is left."""
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass


@pytest.mark.parametrize("way", WAYS)
def test_recorder_keeps_datagrams_of_any_size_with_source_and_time(
    tmp_path: Path, sender: socket.socket, way: type[Receiver]
) -> None:
    sizes = [0, 1, 65_507, 20, 0, 1472, 65_507]
    payloads = [random.Random(size + i).randbytes(size) for i, size in enumerate(sizes)]
    with recording(tmp_path, receiver=way) as (_, address, said):
        before = time.time_ns()
        for payload in payloads:
            sender.sendto(payload, address)
        wait_until(lambda: total(tmp_path) == len(payloads))
        after = time.time_ns()
    records = datagrams(tmp_path)
    assert [r.payload for r in records] == payloads
    assert {(r.source, r.source_port) for r in records} == {sender.getsockname()}
    assert {r.local_port for r in records} == {address[1]}
    # The kernel stamps with a coarser clock than ours.
    assert all(before - 20_000_000 <= r.received_ns <= after for r in records)
    assert sorted(r.received_ns for r in records) == [r.received_ns for r in records]
    assert said[0].startswith(f"Recording 127.0.0.1:{address[1]}; the receive buffer is ")
    assert [note["note"] for note in notes(tmp_path)] == ["start", "stop"]


@pytest.mark.parametrize("way", WAYS)
def test_recorder_hears_several_addresses_of_both_families(tmp_path: Path, way: type[Receiver]) -> None:
    sockets = open_sockets(["127.0.0.1:0", "[::1]:0", "127.0.0.2:0"])
    addresses = [one.getsockname() for one in sockets]
    with recording(tmp_path, sockets=sockets, receiver=way):
        for number, address in enumerate(addresses):
            with socket.socket(socket.AF_INET6 if number == 1 else socket.AF_INET, socket.SOCK_DGRAM) as out:
                out.sendto(b"%d" % number, address)
        wait_until(lambda: total(tmp_path) == 3)
    found = {(r.payload, r.local_port, r.source) for r in datagrams(tmp_path)}
    assert {source for _, _, source in found} == {"127.0.0.1", "::1"}
    assert {(p, port) for p, port, _ in found} == {(b"%d" % i, a[1]) for i, a in enumerate(addresses)}


def test_recorder_wakes_the_importer_and_says_how_it_is(tmp_path: Path, sender: socket.socket) -> None:
    assert recorder_state(tmp_path) is None
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    begun = time.time_ns()
    with recording(tmp_path, wake_fd=write_end) as (_, address, _):
        assert os.read(read_end, 100)  # of the note that it starts
        sender.sendto(b"x", address)
        assert os.read(read_end, 100)
        assert total(tmp_path) == 1
        state = wait_until(lambda: recorder_state(tmp_path))
        assert (state.pid, state.received, state.kernel_drops) == (os.getpid(), 1, 0)
        assert state.listen == (f"127.0.0.1:{address[1]}",)
        assert begun <= state.started_ns <= state.heartbeat_ns <= time.time_ns()
        assert state.receive_buffer >= 4096
        assert (state.alive(), state.trouble) == (True, "")
        assert not state.alive(state.heartbeat_ns + 4 * 10**9)
    os.close(read_end)
    os.close(write_end)


def test_full_wake_pipe_does_not_hold_the_recorder(tmp_path: Path, sender: socket.socket) -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write_end, bytes(65_536))
    with recording(tmp_path, wake_fd=write_end) as (_, address, _):
        sender.sendto(b"x", address)
        wait_until(lambda: total(tmp_path) == 1)
    os.close(read_end)
    os.close(write_end)


def test_blind_time_is_what_lies_between_sockets(tmp_path: Path) -> None:
    second = 1_000_000_000
    with recording(tmp_path):
        pass
    last = recorder_state(tmp_path).heartbeat_ns
    with recording(tmp_path, opened_ns=last + 5 * second):
        pass
    last = recorder_state(tmp_path).heartbeat_ns
    # A supervisor held its sockets longer than the recorder lived, then others were opened.
    with recording(tmp_path, opened_ns=last + 9 * second, last_open_ns=last + 2 * second):
        pass
    # The sockets were open all the while: of this supervisor, or of systemd.
    with recording(tmp_path, opened_ns=recorder_state(tmp_path).heartbeat_ns - second):
        pass
    with recording(tmp_path, opened_ns=0):
        pass
    blind = [note["blind_ns"] for note in notes(tmp_path, "start")]
    assert blind == [0, 5 * second, 7 * second, 0, 0]


@LINUX
def test_what_the_kernel_drops_is_noted_once(tmp_path: Path, sender: socket.socket) -> None:
    (one,) = open_sockets(["127.0.0.1:0"])
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    kept = one.dup()
    for _ in range(500):
        sender.sendto(bytes(100), one.getsockname())
    lost = dropped(one)
    assert 400 < lost < 500
    with recording(tmp_path, sockets=[one]):
        wait_until(noted(tmp_path, "drops"))
        assert recorder_state(tmp_path).kernel_drops == lost
    # The next recorder takes over the same socket with its count.
    for _ in range(500):
        sender.sendto(bytes(100), kept.getsockname())
    more = dropped(kept) - lost
    with recording(tmp_path, sockets=[kept]):
        pass
    assert [note["kernel_drops"] for note in notes(tmp_path, "drops")] == [lost, more]
    assert total(tmp_path) == 1000 - lost - more
    assert recorder_state(tmp_path).kernel_drops == lost + more


@LINUX
def test_staging_gives_back_exactly_what_was_not_appended(tmp_path: Path, sender: socket.socket) -> None:
    (one,) = open_sockets(["127.0.0.1:0"])
    listener = Listener(one)
    payloads = [b"", b"a", bytes(65_507), *(b"%d" % i for i in range(27))]
    receiver = MappedReceiver(Staging(tmp_path))
    assert receiver.recover(0) == []
    receiver.release(100)

    def again() -> MappedReceiver:
        """A process that finds the file a dead one left."""
        return MappedReceiver(Staging(tmp_path))

    for payload in payloads:
        sender.sendto(payload, one.getsockname())
    got = receiver.receive(listener)  # loopback delivers before sendto returns
    assert [d[4] for d in got] == payloads
    for appended in (0, 1, 17, 30):
        assert again().recover(100 + appended) == got[appended:]
    receiver.release(130)
    assert again().recover(130) == []
    # A note took a sequence, and death came before that was said: there is nothing to give back.
    assert again().recover(131) == []
    one.close()


@LINUX
def test_staging_holds_a_full_vector(tmp_path: Path, sender: socket.socket) -> None:
    (one,) = open_sockets(["127.0.0.1:0"])
    receiver = MappedReceiver(Staging(tmp_path))
    receiver.recover(0)
    receiver.release(0)
    for i in range(SLOTS + 5):
        sender.sendto(b"%d" % i, one.getsockname())
    listener = Listener(one)
    first = receiver.receive(listener)
    assert [d[4] for d in first] == [b"%d" % i for i in range(SLOTS)]
    later = MappedReceiver(Staging(tmp_path))
    assert later.recover(0) == first
    later.release(SLOTS)
    assert [d[4] for d in later.receive(listener)] == [b"%d" % i for i in range(SLOTS, SLOTS + 5)]
    one.close()


@LINUX
def test_recorder_appends_what_a_dead_one_had_received(tmp_path: Path, sender: socket.socket) -> None:
    (one,) = open_sockets(["127.0.0.1:0"])
    with recording(tmp_path, sockets=[one.dup()]):
        pass
    staging = Staging(tmp_path)
    receiver = MappedReceiver(staging)
    for i in range(9):
        sender.sendto(b"%d" % i, one.getsockname())
    got = receiver.receive(Listener(one))
    writer = JournalWriter(tmp_path)
    writer.append(got[:4])
    writer.close()
    with recording(tmp_path, sockets=[one]):
        assert total(tmp_path) == 9
    assert [r.payload for r in datagrams(tmp_path)] == [b"%d" % i for i in range(9)]
    assert JournalReader(tmp_path).bad == 0


@LINUX
def test_staging_of_another_run_of_the_machine_is_not_believed(tmp_path: Path, sender: socket.socket) -> None:
    (one,) = open_sockets(["127.0.0.1:0"])
    with recording(tmp_path, sockets=[one.dup()]):
        pass
    staging = Staging(tmp_path)
    sender.sendto(b"half of it may be old", one.getsockname())
    MappedReceiver(staging).receive(Listener(one))
    staging.say([], "another boot")
    with recording(tmp_path, sockets=[one]):
        pass
    assert datagrams(tmp_path) == []


@LINUX
def test_recorder_waits_out_a_full_disk(small_disk: Path, sender: socket.socket) -> None:
    directory, ballast = small_disk / "journal", small_disk / "ballast"
    payloads = [b"%06d" % i + bytes(1000) for i in range(3000)]
    with recording(directory, segment_bytes=1 << 20) as (_, address, said):
        wait_until((directory / "next.segment").exists)
        fill(ballast)
        for payload in payloads:
            sender.sendto(payload, address)
        state = wait_until(lambda: (s := recorder_state(directory)) and s.errno and s)
        assert state.trouble == "The journal cannot be written: No space left on device."
        assert 0 < state.held <= SLOTS
        assert total(directory) < len(payloads)
        sentences = [s for s in said if "disk is full" in s]
        ballast.unlink()
        wait_until(lambda: total(directory) == len(payloads))
    assert [r.payload for r in datagrams(directory)] == payloads
    assert 1 <= len(sentences) <= 2  # one of the thread that looks ahead, one of the recorder
    assert "The journal is written again." in said
    assert recorder_state(directory).errno == 0


@LINUX
def test_recorder_killed_on_a_full_disk_loses_nothing(small_disk: Path, sender: socket.socket) -> None:
    directory, ballast = small_disk / "journal", small_disk / "ballast"
    (one,) = open_sockets(["127.0.0.1:0"])
    payloads = [b"%06d" % i + bytes(1000) for i in range(2500)]
    command = [sys.executable, "-m", "ingest.recorder", "--dir", str(directory), "--segment-mb", "1"]
    command += ["--fds", str(one.fileno())]
    first = subprocess.Popen(command, cwd=PROJECT, pass_fds=[one.fileno()], stderr=subprocess.DEVNULL)
    wait_until(lambda: noted(directory, "start")() and (directory / "next.segment").exists())
    fill(ballast)
    for payload in payloads:
        sender.sendto(payload, one.getsockname())
    wait_until(lambda: (s := recorder_state(directory)) and s.errno)
    first.kill()
    first.wait()
    ballast.unlink()
    with recording(directory, sockets=[one], segment_bytes=1 << 20):
        wait_until(lambda: total(directory) == len(payloads))
    assert [r.payload for r in datagrams(directory)] == payloads


@LINUX
def test_recorder_waits_for_a_read_only_disk(small_disk: Path) -> None:
    mount = ["mount", "-o", "remount", str(small_disk)]
    subprocess.run([*mount[:2], "remount,ro", mount[3]], check=True)
    command = [sys.executable, "-m", "ingest.recorder", "--dir", str(small_disk / "journal")]
    command += ["--listen", "127.0.0.1:0", "--segment-mb", "1"]
    recorder = subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE, text=True)
    assert recorder.stderr
    sentence = recorder.stderr.readline()
    assert sentence.startswith("The disk is read-only: make ")
    subprocess.run([*mount[:2], "remount,rw", mount[3]], check=True)
    wait_until(noted(small_disk / "journal", "start"))
    recorder.terminate()
    rest = recorder.stderr.read()
    assert recorder.wait(10) == 0
    assert "Traceback" not in rest
    assert "The journal is written again." in rest


def test_second_recorder_refuses_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with recording(tmp_path):
        assert main(["--dir", str(tmp_path), "--listen", "127.0.0.1:0"]) == REFUSED
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("Another recorder (process ")


@pytest.mark.parametrize(
    "listen", ["nonsense", "::1:6000", "127.0.0.1:70000", "256.1.1.1:6000", "192.0.2.1:6000"]
)
def test_bad_address_is_refused_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], listen: str
) -> None:
    assert main(["--dir", str(tmp_path), "--listen", listen]) == REFUSED
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "INGEST_LISTEN" in said


@LINUX
def test_idle_recorder_uses_no_processor_time(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ingest.recorder", "--dir", str(tmp_path), "--listen", "127.0.0.1:0"]
    child = subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.DEVNULL)
    state = wait_until(lambda: recorder_state(tmp_path))
    beat = wait_until(lambda: (s := recorder_state(tmp_path)) and s.heartbeat_ns > state.heartbeat_ns and s)
    process = psutil.Process(child.pid)
    used = sum(process.cpu_times()[:2])
    wait_until(lambda: recorder_state(tmp_path).heartbeat_ns > beat.heartbeat_ns + 1_900_000_000)
    # Two heartbeats; a busy loop would take two whole seconds.
    assert sum(process.cpu_times()[:2]) - used < 0.2
    child.terminate()
    assert child.wait(10) == 0
