"""The supervisor with real children, and the recorder killed under it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from ingest.journal import verify
from ingest.listen import ListenError, open_sockets
from ingest.recorder import REFUSED
from ingest.staging import recorder_state
from ingest.supervisor import ChildSpec, Supervisor, recorder_spec
from tests.ingest.recording import Sender, datagrams, notes, recording, total
from tests.processes import PROJECT, wait_until

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals and hands over no sockets")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")

RUN = """
import sys
from ingest.supervisor import ChildSpec, Supervisor, recorder_spec
directory, listen, *others = sys.argv[1:]
children = [recorder_spec(directory)] + [ChildSpec(code, [sys.executable, "-c", code]) for code in others]
sys.exit(Supervisor([listen], children, directory, log=lambda s: print(s, flush=True)).run())
"""


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


@contextmanager
def supervising(
    directory: Path, children: Sequence[ChildSpec], listen: Sequence[str] = ("127.0.0.1:0",)
) -> Iterator[tuple[Supervisor, list[str], list[int]]]:
    """A supervisor at work in a thread; gives it, what it says, and later its exit code."""
    said: list[str] = []
    result: list[int] = []
    supervisor = Supervisor(listen, children, directory, log=said.append)
    supervisor.open()
    thread = threading.Thread(target=lambda: result.append(supervisor.run()))
    thread.start()
    try:
        yield supervisor, said, result
    finally:
        supervisor.stop()
        thread.join(60)
        assert not thread.is_alive()


def port_of(supervisor: Supervisor) -> int:
    return int(supervisor.sockets[0].getsockname()[1])


@POSIX
def test_supervisor_restarts_a_dead_child_without_waiting(tmp_path: Path) -> None:
    child = ChildSpec("sleeper", python("import time; time.sleep(60)"))
    with supervising(tmp_path, [child]) as (supervisor, said, result):
        first = wait_until(lambda: supervisor.pids().get("sleeper"))
        wait_until(lambda: psutil.Process(first).cmdline()[-1].startswith("import time"))
        os.kill(first, signal.SIGKILL)
        killed = time.monotonic()
        wait_until(lambda: supervisor.pids().get("sleeper", first) != first)
        # Well within a second on a free machine; a wait before it would be LONGEST_WAIT_S.
        assert time.monotonic() - killed < 4
        assert said == ["The sleeper was killed (signal 9); starting it again."]
    assert result == [0]


@POSIX
def test_supervisor_gives_a_failing_child_time(tmp_path: Path) -> None:
    with supervising(tmp_path, [ChildSpec("broken", python("raise SystemExit(3)"))]) as (supervisor, said, _):
        begun = time.monotonic()
        wait_until(lambda: supervisor.starts()["broken"] >= 5)
        assert time.monotonic() - begun > 0.1 + 0.2 + 0.4 + 0.8
    assert said[0] == "The broken stopped (exit code 3); starting it again."
    assert len(said) == supervisor.starts()["broken"] or len(said) == supervisor.starts()["broken"] - 1


@POSIX
def test_supervisor_says_when_a_program_is_missing(tmp_path: Path) -> None:
    with supervising(tmp_path, [ChildSpec("web", ["/no/such/program"])]) as (_, said, _):
        wait_until(lambda: said)
    assert said == ["The web could not be started: No such file or directory. Trying again."]


#: Writes its name into a file when it is ready, and into another when it has stopped.
STOPS_SLOWLY = """
import pathlib, signal, sys, time
name, directory = sys.argv[1], pathlib.Path(sys.argv[2])
def stop(*_):
    time.sleep(0.05)
    with (directory / "order").open("a") as file:
        file.write(name + " ")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
(directory / ("ready-" + name)).touch()
time.sleep(60)
"""


@POSIX
def test_supervisor_stops_children_in_order(tmp_path: Path) -> None:
    names = ["one", "two", "three"]
    children = [ChildSpec(name, python(STOPS_SLOWLY, name, str(tmp_path))) for name in names]
    with supervising(tmp_path, children) as (_, _, result):
        for name in names:
            wait_until((tmp_path / f"ready-{name}").exists)
    assert (tmp_path / "order").read_text().split() == names
    assert result == [0]


@POSIX
def test_supervisor_kills_a_child_that_does_not_stop(tmp_path: Path) -> None:
    code = (
        "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
    )
    deaf = ChildSpec("deaf", python(code, str(tmp_path / "ready")), grace_s=0.2)
    with supervising(tmp_path, [deaf]) as (_, said, result):
        wait_until((tmp_path / "ready").exists)
    assert said == ["The deaf did not stop within 0 s: killed."]
    assert result == [0]


@POSIX
def test_children_get_the_ends_of_the_wake_pipe(tmp_path: Path) -> None:
    out = tmp_path / "heard"
    importer = ChildSpec(
        "importer",
        lambda fds: python(
            "import os, pathlib, sys; fd = int(sys.argv[1]); os.set_blocking(fd, True);"
            "pathlib.Path(sys.argv[2]).write_bytes(os.read(fd, 100))",
            str(fds.wake),
            str(out),
        ),
        wake=True,
    )
    with supervising(tmp_path / "journal", [recorder_spec(tmp_path / "journal"), importer]):
        wait_until(lambda: out.exists() and out.read_bytes())


@pytest.mark.parametrize("family", ["127.0.0.1", "[::1]"])
def test_port_in_use_is_one_sentence(tmp_path: Path, family: str) -> None:
    (taken,) = open_sockets([f"{family}:0"])
    port = taken.getsockname()[1]
    supervisor = Supervisor([f"{family}:{port}"], [], tmp_path)
    with pytest.raises(ListenError) as caught:
        supervisor.run()
    assert str(caught.value) == (
        f"UDP port {port} on {family.strip('[]')} is in use by another program. "
        f"Stop it, or choose another port with INGEST_LISTEN."
    )
    taken.close()


def test_one_bad_address_leaves_no_socket_open() -> None:
    (probe,) = open_sockets(["127.0.0.1:0"])
    port = probe.getsockname()[1]
    probe.close()
    with pytest.raises(ListenError, match="not an address of this machine"):
        open_sockets([f"127.0.0.1:{port}", "192.0.2.1:6000"])
    open_sockets([f"127.0.0.1:{port}"])[0].close()
    with pytest.raises(ListenError, match="Set INGEST_LISTEN"):
        open_sockets([])


def test_both_families_may_share_a_port() -> None:
    (probe,) = open_sockets(["127.0.0.1:0"])
    port = probe.getsockname()[1]
    probe.close()
    four, six = open_sockets([f"0.0.0.0:{port}", f"[::]:{port}"])
    assert (four.family, six.family) == (socket.AF_INET, socket.AF_INET6)
    four.close()
    six.close()


@LINUX
def test_wildcard_of_ipv6_hears_ipv4_as_such(tmp_path: Path) -> None:
    with recording(tmp_path, "[::]:0") as (_, address, _):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(b"four", ("127.0.0.1", address[1]))
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as out:
            out.sendto(b"six", ("::1", address[1]))
        wait_until(lambda: total(tmp_path) == 2)
    assert {(r.payload, r.source) for r in datagrams(tmp_path)} == {(b"four", "127.0.0.1"), (b"six", "::1")}


@POSIX
def test_supervisor_stops_when_the_recorder_refuses(tmp_path: Path) -> None:
    with recording(tmp_path), supervising(tmp_path, [recorder_spec(tmp_path)]) as (_, said, result):
        wait_until(lambda: result)
    assert result == [REFUSED]
    assert said == ["The recorder cannot run, so everything is stopped."]


@LINUX
def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    web = "import time; time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path), "127.0.0.1:0", web], cwd=PROJECT)
    state = wait_until(lambda: notes(tmp_path, "start") and recorder_state(tmp_path))
    wait_until(lambda: len(psutil.Process(parent.pid).children()) == 2)
    children = psutil.Process(parent.pid).children()
    assert state.pid in [child.pid for child in children]
    parent.kill()
    parent.wait()
    assert psutil.wait_procs(children, timeout=10)[1] == []
    assert notes(tmp_path, "stop")
    # The next one knows that the sockets were open until a moment ago.
    with recording(tmp_path, sockets=open_sockets(["127.0.0.1:0"])):
        pass
    assert 0 < notes(tmp_path, "start")[-1]["blind_ns"] < 60_000_000_000


@LINUX
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_stops_everything_and_what_was_sent_is_recorded(
    tmp_path: Path, number: signal.Signals
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path), "127.0.0.1:0"],
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    state = wait_until(lambda: notes(tmp_path, "start") and recorder_state(tmp_path))
    host, _, port = state.listen[0].rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for i in range(1000):
            out.sendto(b"%d" % i, (host, int(port)))
    parent.send_signal(number)
    assert parent.wait(20) == 0
    assert parent.stderr
    assert "Traceback" not in parent.stderr.read()
    assert [r.payload for r in datagrams(tmp_path)] == [b"%d" % i for i in range(1000)]
    assert notes(tmp_path)[-1] == {"note": "stop"}


@LINUX
def test_sockets_of_systemd_are_taken_over(tmp_path: Path) -> None:
    (one,) = open_sockets(["127.0.0.1:0"])
    address = one.getsockname()
    code = (
        "import os, sys\n"
        f"os.dup2({one.fileno()}, 3)\n"
        "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code + RUN, str(tmp_path), "127.0.0.1:1"], cwd=PROJECT, pass_fds=[one.fileno()]
    )
    wait_until(lambda: notes(tmp_path, "start"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(b"x", address)
    wait_until(lambda: total(tmp_path) == 1)
    parent.terminate()
    assert parent.wait(20) == 0
    one.close()
    assert notes(tmp_path, "start")[0]["listen"] == [f"127.0.0.1:{address[1]}"]


def kill_recorder(supervisor: Supervisor, directory: Path, chance: random.Random) -> None:
    """Kill the recorder that runs: half of the time one that records, else one anywhere in its life."""
    pid = wait_until(lambda: supervisor.pids().get("recorder"))
    if chance.random() < 0.5:
        wait_until(lambda: (s := recorder_state(directory)) and s.pid == pid)
    threading.Event().wait(chance.random() * 0.1)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: supervisor.pids().get("recorder", pid) != pid)


@LINUX
@pytest.mark.slow
@pytest.mark.parametrize(("kills", "rate"), [(200, 4_000), (15, 25_000)])
def test_killed_recorder_loses_nothing_and_doubles_nothing(tmp_path: Path, kills: int, rate: int) -> None:
    chance = random.Random(kills)
    with supervising(tmp_path, [recorder_spec(tmp_path, segment_mb=1)]) as (supervisor, _, _):
        address = ("127.0.0.1", port_of(supervisor))
        wait_until(lambda: notes(tmp_path, "start"))
        with Sender(address, rate) as sender:
            for _ in range(kills):
                kill_recorder(supervisor, tmp_path, chance)
        wait_until(lambda: total(tmp_path) >= sender.sent)
    numbers = [int(record.payload) for record in datagrams(tmp_path)]
    assert len(numbers) == sender.sent > kills * rate // 50
    assert numbers == list(range(sender.sent))
    assert supervisor.starts()["recorder"] == kills + 1
    assert verify(tmp_path) == []
    assert {note["blind_ns"] for note in notes(tmp_path, "start")} == {0}
