"""Recorded datagrams out of files, and sent again; the journal exported and back."""

from __future__ import annotations

import contextlib
import io
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dpkt
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.captures import Capture, Captured, CaptureError, PcapWriter
from ingest.journal import JournalWriter, Record, iterate, pack_address
from ingest.replay import MAX_SOCKETS, Replay, TargetError
from tests.captures import DIRECTORY, capture
from tests.ingest.recording import datagrams, recording, total
from tests.processes import wait_until

SECOND = 1_000_000_000


def make_journal(
    directory: Path, rows: list[tuple[int, int, str, int, bytes]], segment_bytes: int = 1 << 20
) -> None:
    """A journal of (ns, local port, source, source port, payload)."""
    writer = JournalWriter(directory, segment_bytes)
    writer.note({"note": "start", "listen": ["192.168.1.20:6000", "[fd00::20]:6000", "0.0.0.0:6001"]})
    for ns, port, source, source_port, payload in rows:
        writer.append([(ns, port, pack_address(source), source_port, payload)])
    writer.note({"note": "stop"})
    writer.close()


ROWS = [
    (1_790_000_000_123_456_789, 6000, "192.168.1.11", 50_001, b"pt1;1\r\n"),
    (1_790_000_000_123_456_790, 6000, "192.168.1.12", 50_001, b""),
    (1_790_000_001_000_000_000, 6000, "192.168.1.11", 50_002, bytes(65_507)),
    (1_790_000_001_000_000_001, 6001, "192.168.1.11", 50_001, b"\xff\x00odd"),
    (1_790_000_002_000_000_000, 6000, "fd00::11", 50_001, b"from IPv6, odd"),
]


@pytest.fixture
def ear() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        one.bind(("127.0.0.1", 0))
        one.settimeout(10)
        yield one


def target(ear: socket.socket) -> str:
    return f"127.0.0.1:{ear.getsockname()[1]}"


@pytest.mark.parametrize("file", ["", "00000001.journal"])
def test_journal_that_grows_while_it_is_played_ends_where_it_ended(tmp_path: Path, file: str) -> None:
    """As one does that is played into the listener that writes it."""
    rows = [(n, 6000, pack_address("192.168.1.11"), 50_001, b"pt1;1\r\n") for n in range(1, 6_001)]
    with contextlib.closing(JournalWriter(tmp_path, 1 << 20)) as writer:
        writer.append(rows)
        played = []
        for captured in Capture(tmp_path / file):
            played.append(captured.at_ns)
            if len(played) % 1_000 == 0:
                writer.append(rows[:1_000])
    assert played == [ns for ns, *_ in rows]


def test_export_gives_back_every_datagram(tmp_path: Path) -> None:
    make_journal(tmp_path / "journal", ROWS, segment_bytes=4096)
    out, file = io.StringIO(), tmp_path / "out.pcap"
    call_command("journal", "export", str(file), directory=tmp_path / "journal", stdout=out)
    assert out.getvalue() == f"5 datagrams written to {file}.\n"
    found = list(Capture(file))
    assert found == [Captured(ns, source, sport, port, data) for ns, port, source, sport, data in ROWS]
    assert found == list(Capture(tmp_path / "journal"))
    with file.open("rb") as stream:
        packets = [dpkt.ip.IP(frame) for _, frame in dpkt.pcap.Reader(stream) if frame[0] >> 4 == 4]
    assert [socket.inet_ntoa(p.dst) for p in packets] == ["192.168.1.20"] * 3 + ["0.0.0.0"]


def test_export_takes_a_span_of_time_and_never_overwrites(tmp_path: Path) -> None:
    make_journal(tmp_path / "journal", ROWS)
    file = tmp_path / "out.pcap"
    moment = timezone.datetime.fromtimestamp(1_790_000_001, timezone.get_current_timezone())
    begin = moment.strftime("%Y-%m-%d %H:%M:%S")
    call_command(
        "journal", "export", str(file), "--from", begin, directory=tmp_path / "journal", stdout=io.StringIO()
    )
    assert [c.at_ns for c in Capture(file)] == [row[0] for row in ROWS[2:]]
    with pytest.raises(CommandError, match="is there already"):
        call_command("journal", "export", str(file), directory=tmp_path / "journal")
    with pytest.raises(CommandError, match="“yesterday” is not a time"):
        call_command("journal", "export", "x", "--to", "yesterday", directory=tmp_path / "journal")


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**32 * SECOND - 1),
            st.integers(1, 65_535),
            st.sampled_from(["10.0.0.1", "::1", "fe80::5", "255.255.255.255"]),
            st.integers(0, 65_535),
            st.binary(max_size=50),
        ),
        max_size=10,
    )
)
def test_pcap_round_trips(rows: list[tuple[int, int, str, int, bytes]]) -> None:
    buffer = io.BytesIO()
    writer = PcapWriter(buffer)
    for number, (ns, port, source, sport, data) in enumerate(rows):
        writer.write(Record(number, ns, port, source, sport, data))
    frames = list(dpkt.pcap.Reader(io.BytesIO(buffer.getvalue())))
    found = [(int(at * SECOND), *Capture._datagram(101, frame)) for at, frame in frames]
    assert found == [(ns, source, sport, port, data) for ns, port, source, sport, data in rows]


def test_pcap_checksums_are_those_dpkt_makes(tmp_path: Path) -> None:
    make_journal(tmp_path / "journal", ROWS)
    call_command(
        "journal", "export", str(tmp_path / "x.pcap"), directory=tmp_path / "journal", stdout=io.StringIO()
    )
    with (tmp_path / "x.pcap").open("rb") as stream:
        frames = [frame for _, frame in dpkt.pcap.Reader(stream)]
    for frame in frames:
        if frame[0] >> 4 == 4:
            ours = dpkt.ip.IP(frame)
            again = dpkt.ip.IP(frame)
            again.sum = 0
            assert dpkt.ip.IP(bytes(again)).sum == ours.sum
        else:
            ours = dpkt.ip6.IP6(frame)
            check = ours.data.sum
            ours.data.sum = 0
            pseudo = struct.pack(">16s16sIxxxB", ours.src, ours.dst, len(bytes(ours.data)), 17)
            assert dpkt.in_cksum(pseudo + bytes(ours.data)) == check


@pytest.mark.parametrize("link", [1, 0, 113, 276, 101])
def test_captures_of_other_programs_are_read(tmp_path: Path, link: int) -> None:
    """Ethernet with a tag, BSD loopback, both of Linux's “any”, raw; ARP and TCP between them."""
    udp = dpkt.udp.UDP(sport=5000, dport=6000, data=b"pt1;1\r\n")
    udp.ulen = len(udp)
    ip = dpkt.ip.IP(src=bytes([10, 0, 0, 1]), dst=bytes([10, 0, 0, 2]), p=17, data=udp)
    ip.len = len(ip)
    tcp = bytes(dpkt.ip.IP(src=ip.src, dst=ip.dst, p=6, data=dpkt.tcp.TCP()))
    fragment = bytearray(bytes(ip))
    fragment[6] = 0x20
    wrap = {
        1: lambda raw: bytes(12) + b"\x08\x00" + raw + bytes(20 if len(raw) > 30 else 0),
        0: lambda raw: struct.pack("=I", 2) + raw,
        113: lambda raw: struct.pack(">HHH8sH", 0, 1, 6, bytes(8), 0x0800) + raw,
        276: lambda raw: struct.pack(">HHIHBB8s", 0x0800, 0, 1, 1, 0, 6, bytes(8)) + raw,
        101: lambda raw: raw,
    }[link]
    file = tmp_path / "x.pcap"
    with file.open("wb") as stream:
        writer = dpkt.pcap.Writer(stream, linktype=link)
        for number, raw in enumerate([tcp, bytes(ip), b"", bytes(fragment), bytes(ip)[:30], bytes(ip)]):
            writer.writepkt(wrap(raw), ts=1000 + number)
    capture = Capture(file)
    assert list(capture) == [
        Captured(at * SECOND, "10.0.0.1", 5000, 6000, b"pt1;1\r\n") for at in (1001, 1005)
    ]
    assert capture.skipped == 4
    assert list(Capture(file, port=6001)) == []


def test_pcapng_is_read(tmp_path: Path) -> None:
    udp = dpkt.udp.UDP(sport=5000, dport=6000, data=b"x")
    udp.ulen = len(udp)
    ip = dpkt.ip.IP(src=bytes(4), dst=bytes(4), p=17, data=udp)
    ip.len = len(ip)
    file = tmp_path / "x.pcapng"
    with file.open("wb") as stream:
        writer = dpkt.pcapng.Writer(stream)
        writer.writepkt(bytes(12) + b"\x08\x00" + bytes(ip), ts=12.5)
    assert list(Capture(file)) == [Captured(12_500_000_000, "0.0.0.0", 5000, 6000, b"x")]


def test_cut_pcap_gives_what_is_before_the_cut(tmp_path: Path) -> None:
    make_journal(tmp_path / "journal", ROWS)
    file = tmp_path / "x.pcap"
    call_command("journal", "export", str(file), directory=tmp_path / "journal", stdout=io.StringIO())
    whole = file.read_bytes()
    for cut in (24, 30, 41, 70, 100, len(whole) - 1):
        file.write_bytes(whole[:cut])
        assert (
            list(Capture(file))
            == [Captured(ns, source, sport, port, data) for ns, port, source, sport, data in ROWS][
                : len(list(Capture(file)))
            ]
        )


def test_json_lines_are_read_and_bad_lines_counted(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(
        '{"t": 0.5, "hex": "41"}\n\n{"t": 1}\nnonsense\n{"t": "x", "hex": "42"}\n{"t": 2, "hex": ""}\n'
    )
    capture = Capture(file)
    assert list(capture) == [Captured(SECOND // 2, "", 0, 0, b"A"), Captured(2 * SECOND, "", 0, 0, b"")]
    assert capture.skipped == 3
    assert capture.fraction() == 1


@pytest.mark.parametrize("content", [b"", b"some text", b"\x00" * 40, None])
def test_what_is_no_capture_is_refused_with_a_sentence(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "thing"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CaptureError, match=r"^[^\n]+\.$"):
        Capture(file)
    with pytest.raises(CaptureError, match="without a journal"):
        Capture(tmp_path)


def test_replay_keeps_sources_apart(tmp_path: Path) -> None:
    rows = [
        (n, 6000, f"192.168.1.{11 + n % 3}", 50_000 + n % 2, b"%d" % n) for n in range(60)
    ]  # three addresses, each with two ports
    make_journal(tmp_path / "one", rows)
    with recording(tmp_path / "two") as (_, address, _):
        replay = Replay(f"127.0.0.1:{address[1]}", None)
        assert replay.run(Capture(tmp_path / "one"))
        wait_until(lambda: total(tmp_path / "two") == len(rows))
    assert (replay.sent, replay.sources, replay.unsent) == (60, 6, 0)
    again = datagrams(tmp_path / "two")
    assert [r.payload for r in again] == [row[4] for row in rows]
    met: dict[tuple[str, int], tuple[str, int]] = {}
    for row, record in zip(rows, again, strict=True):
        met.setdefault((row[2], row[3]), (record.source, record.source_port))
        assert met[row[2], row[3]] == (record.source, record.source_port)
    assert len(set(met.values())) == 6
    assert len({host for host, _ in met.values()}) == 3


def test_export_then_replay_gives_the_same_payloads(tmp_path: Path) -> None:
    make_journal(tmp_path / "one", ROWS)
    call_command(
        "journal", "export", str(tmp_path / "x.pcap"), directory=tmp_path / "one", stdout=io.StringIO()
    )
    out = io.StringIO()
    with recording(tmp_path / "two") as (_, address, _):
        call_command(
            "replay", str(tmp_path / "x.pcap"), target=f"127.0.0.1:{address[1]}", speed=None, stdout=out
        )
        wait_until(lambda: total(tmp_path / "two") == len(ROWS))
    assert [r.payload for r in datagrams(tmp_path / "two")] == [row[4] for row in ROWS]
    assert out.getvalue() == f"5 datagrams sent from 4 source(s) to 127.0.0.1:{address[1]}.\n"


def test_captured_match_is_replayed_to_the_byte(tmp_path: Path) -> None:
    sent = [datagram for _, datagram in capture("a_bestof3_full")]
    path = DIRECTORY / "a_bestof3_full.jsonl"
    with recording(tmp_path) as (_, address, _):
        call_command("replay", str(path), target=f"127.0.0.1:{address[1]}", speed=None, stdout=io.StringIO())
        wait_until(lambda: total(tmp_path) == len(sent))
    assert [r.payload for r in datagrams(tmp_path)] == sent
    assert len({r.source_port for r in iterate(tmp_path) if r.local_port}) == 1


class Clock:
    """A clock that moves only when it is waited on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def is_set(self) -> bool:
        return False

    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(("speed", "takes"), [(1.0, 20.0), (10.0, 2.0), (0.5, 40.0), (None, 0.0)])
def test_replay_keeps_the_pace(ear: socket.socket, speed: float | None, takes: float) -> None:
    clock = Clock()
    told: list[float] = []
    replay = Replay(target(ear), speed, stop=clock, clock=clock)  # type: ignore[arg-type]
    replay.run(
        [Captured(at * SECOND, "", 0, 0, b"%d" % at) for at in (5, 5, 15, 14, 25)],
        lambda: told.append(clock.now - 100),
    )
    assert clock.now - 100 == pytest.approx(takes)
    assert [ear.recv(10) for _ in range(5)] == [b"5", b"5", b"15", b"14", b"25"]
    assert len(told) == pytest.approx(takes, abs=1)


def test_replay_stops_when_told(ear: socket.socket) -> None:
    stop = threading.Event()
    replay = Replay(target(ear), 1.0, stop=stop)
    thread = threading.Thread(
        target=replay.run, args=([Captured(0, "", 0, 0, b"a"), Captured(3600 * SECOND, "", 0, 0, b"b")],)
    )
    thread.start()
    assert ear.recv(10) == b"a"
    begun = time.monotonic()
    stop.set()
    thread.join(10)
    assert time.monotonic() - begun < 5
    assert replay.sent == 1


def test_replay_of_very_many_sources_keeps_few_sockets(ear: socket.socket) -> None:
    replay = Replay(target(ear), None)
    count = MAX_SOCKETS + 50
    replay.run(Captured(0, f"10.0.{n // 256}.{n % 256}", 5000, 0, b"x") for n in range(count))
    assert (replay.sent, replay.unsent) == (count, 0)


@pytest.mark.parametrize("bad", ["nowhere", "300.1.1.1:6000", "127.0.0.1:99999", ""])
def test_bad_target_is_one_sentence(tmp_path: Path, bad: str) -> None:
    with pytest.raises(TargetError, match="Write HOST:PORT"):
        Replay(bad)
    make_journal(tmp_path / "journal", ROWS)
    with pytest.raises(CommandError, match="Write HOST:PORT"):
        call_command("replay", str(tmp_path / "journal"), target=bad)


@pytest.mark.parametrize("bad", ["0", "-1", "nan", "fast", "inf"])
def test_bad_speed_is_one_sentence(bad: str) -> None:
    with pytest.raises(CommandError, match="is not a speed"):
        call_command("replay", "x", "--speed", bad)


def test_journal_lists_and_verifies(tmp_path: Path) -> None:
    out = io.StringIO()
    make_journal(tmp_path, [(i, 6000, "10.0.0.1", 5, b"x" * 100) for i in range(1, 101)], segment_bytes=4096)
    call_command("journal", "ls", directory=tmp_path, stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0].endswith(f"in {tmp_path}: 100 datagrams so far.")
    assert [line.split()[-1] for line in lines[2:]] == ["sealed"] * (len(lines) - 3) + ["open"]
    assert sum(int(line.split()[3]) for line in lines[2:]) == 100
    out = io.StringIO()
    call_command("journal", "verify", directory=tmp_path, stdout=out)
    assert out.getvalue() == f"The journal in {tmp_path} is sound: 100 datagrams.\n"
    path = tmp_path / "00000001.journal"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("journal", "verify", directory=tmp_path, stdout=out)
    assert caught.value.returncode == 1
    assert "00000001.journal: damaged at 1 place(s), 1 record(s) lost there." in out.getvalue()
    with pytest.raises(CommandError, match="There is no journal in"):
        call_command("journal", "ls", directory=tmp_path / "none")
