import argparse
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from ingest.simulator import SimulatedCourt, load
from ingest.simulator.cli import add_arguments, run
from ingest.simulator.load import send_load
from ingest.simulator.sender import Report, send_live
from ingest.simulator.target import SimulatorError, Target, open_socket, read_target
from tests.ingest.simulator.conftest import Receiver, Source


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(arguments)


def quiet(line: str) -> None:
    pass


def test_each_court_sends_its_match_from_a_source_of_its_own(receiver: Receiver) -> None:
    courts = [SimulatedCourt(number, seed=4) for number in (1, 2, 3)]
    report = send_live(receiver.target, courts, 10_000, threading.Event(), quiet)
    receiver.close()

    expected = {
        number: [d.payload for d in SimulatedCourt(number, seed=4).datagrams()] for number in (1, 2, 3)
    }
    by_source: dict[Source, list[bytes]] = {}
    for payload, source in receiver.received:
        by_source.setdefault(source, []).append(payload)
    assert sorted(by_source.values()) == sorted(expected.values())
    assert len({port for _, port in by_source}) == 3
    if sys.platform == "linux":
        assert sorted(host for host, _ in by_source) == ["127.0.0.11", "127.0.0.12", "127.0.0.13"]
    assert (report.sent, report.matches, report.refused) == (len(receiver.received), 3, 0)


def test_live_run_ends_when_it_is_told(receiver: Receiver) -> None:
    stop = threading.Event()

    def stop_at_the_first_match(line: str) -> None:
        stop.set()

    report = send_live(
        receiver.target, [SimulatedCourt(1, 1, matches=0)], 10_000, stop, stop_at_the_first_match
    )

    assert report.stopped
    assert report.matches == 0


def closed_port() -> Target:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return Target(socket.AF_INET, "127.0.0.1", sock.getsockname()[1])


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not tell a sender of a closed port")
def test_sender_says_that_nobody_listens() -> None:
    target = closed_port()

    live = send_live(target, [SimulatedCourt(1, 1)], 10_000, threading.Event(), quiet)
    assert live.refused > 0
    assert live.sent == len(list(SimulatedCourt(1, 1).datagrams()))

    loaded = send_load(target, 2, 100_000, 500, 1, "T", threading.Event(), quiet)
    assert loaded.sent == 500
    assert loaded.refused > 0


@pytest.mark.parametrize("many", [True, False], ids=["sendmmsg", "one by one"])
def test_load_sends_the_count_from_every_court(
    many: bool, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not many:
        monkeypatch.setattr(load, "_find_sendmmsg", lambda: None)
    elif load._find_sendmmsg() is None:
        pytest.skip("this system has no sendmmsg")
    report = send_load(receiver.target, 4, 20_000, 3000, 9, "T", threading.Event(), quiet)
    receiver.close()

    assert report.sent == len(receiver.received) == 3000
    by_source: dict[Source, list[bytes]] = {}
    for payload, source in receiver.received:
        by_source.setdefault(source, []).append(payload)
    assert len(by_source) == 4
    for number, (_, payloads) in enumerate(sorted(by_source.items()), start=1):
        if sys.platform == "linux":
            court = SimulatedCourt(number, 9, 3)
            # Each court's own datagrams in order, from the beginning.
            assert all(a == d.payload for a, d in zip(payloads, court.datagrams(), strict=False))


def test_load_keeps_its_rate(receiver: Receiver) -> None:
    report = send_load(receiver.target, 2, 2000, 1000, 1, "P", threading.Event(), quiet)

    # A busy machine can only be later than asked, never earlier.
    assert 0.49 <= report.seconds < 5
    assert report.rate == pytest.approx(1000 / report.seconds)


def test_load_gives_the_next_court_its_turn_after_a_few(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    make = load._make_sender

    def recording(sock: socket.socket, payloads: list[bytes], target: Target) -> load._Sender:
        sender = make(sock, payloads, target)
        send: Callable[[int], int] = sender.send
        monkeypatch.setattr(sender, "send", lambda count: asked.append(count) or send(count))
        return sender

    monkeypatch.setattr(load, "_make_sender", recording)
    send_load(receiver.target, 4, 50_000, 5000, 1, "T", threading.Event(), quiet)

    assert sum(asked) >= 5000
    assert max(asked) <= 16


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--target", "127.0.0.1"], "--target must be HOST:PORT"),
        (["--target", "127.0.0.1:0"], "--target must be HOST:PORT"),
        (["--target", "127.0.0.1:x"], "--target must be HOST:PORT"),
        (["--target", "127.0.0.1:6000", "--courts", "0"], "--courts must be from 1"),
        (["--target", "127.0.0.1:6000", "--count", "5"], "--count needs --rate"),
        (["--target", "127.0.0.1:6000", "--rate", "5", "--speed", "2"], "either --rate"),
        (["--target", "127.0.0.1:6000", "--rate", "0"], "--rate must be from 1"),
        (["--target", "127.0.0.1:6000", "--rate", "5", "--count", "0"], "--count must be 1"),
        (["--target", "127.0.0.1:6000", "--speed", "0"], "--speed must be more than 0"),
        (["--target", "127.0.0.1:6000", "--matches", "-1"], "--matches must be 0"),
    ],
)
def test_wrong_options_are_named_in_one_line(arguments: list[str], error: str) -> None:
    with pytest.raises(SimulatorError) as caught:
        run(options(*arguments), quiet)

    assert str(caught.value).startswith(error) or error in str(caught.value)
    assert "\n" not in str(caught.value)


def test_target_takes_ipv6_in_brackets() -> None:
    target = read_target("[::1]:6000")

    assert (target.family, str(target)) == (socket.AF_INET6, "[::1]:6000")
    assert str(read_target("localhost:6000")) == "127.0.0.1:6000"


def test_socket_that_cannot_reach_its_target_says_so() -> None:
    with pytest.raises(SimulatorError, match=r"^cannot send to 255\.255\.255\.255:6000: "):
        open_socket(Target(socket.AF_INET, "255.255.255.255", 6000), 1)


def test_run_reports_what_was_sent(receiver: Receiver) -> None:
    lines: list[str] = []
    target = str(receiver.target)
    report: Report = run(
        options("--target", target, "--courts", "1", "--speed", "10000", "--seed", "2"), lines.append
    )

    assert lines[0] == f"Playing on 1 courts for {target}, seed 2 (Ctrl-C stops)"
    assert lines[1].startswith("Court 1: match 101 begins: ")
    assert lines[2].startswith("Court 1: match 101 ends: ")
    assert lines[3].startswith(f"Sent {report.sent:,} datagrams, 1 match in ")
    assert len(lines) == 4


def test_module_runs_without_django_and_stops_cleanly_on_interrupt(receiver: Receiver) -> None:
    code = (
        "import sys; from ingest.simulator.__main__ import main; code = main();"
        "assert 'django' not in sys.modules; sys.exit(code)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "--target", str(receiver.target), "--courts", "1", "--matches", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Playing on 1 courts")
        assert "begins" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)

    assert (process.returncode, errors) == (0, "")
    assert output.splitlines()[-1].startswith("Stopped. Sent ")
