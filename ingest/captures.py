"""Recorded datagrams in files: journals, pcap and pcapng captures, JSON lines; pcap written too.

Needs no Django. pcap: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import dpkt

from ingest.journal import JournalReader, Record, iterate, list_segments
from ingest.journal.format import pack_address

#: magic, version 2.4, no zone, no accuracy, longest packet, link type: raw IP.
PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, 101)
PCAP_PACKET = struct.Struct("<IIII")
PCAP_MAGICS = {0xA1B2C3D4, 0xD4C3B2A1, 0xA1B23C4D, 0x4D3CB2A1, 0x0A0D0D0A}

LINK_NULL, LINK_ETHERNET, LINK_LOOP, LINK_SLL, LINK_SLL2 = 0, 1, 108, 113, 276
LINKS_RAW = {12, 14, 101, 228, 229}
UDP = 17


class CaptureError(ValueError):
    """A file cannot be read. The message is one sentence for people."""


class Captured(NamedTuple):
    """One datagram of a file; `at_ns` since 1970 or since the beginning, `port` it was sent to.

    A file that does not know sources has '' and 0.
    """

    at_ns: int
    source: str
    source_port: int
    port: int
    payload: bytes


class Capture:
    """A file of recorded datagrams, to be iterated over once.

    `skipped` counts what was in the file and was no whole UDP datagram.
    """

    def __init__(self, path: str | Path, port: int | None = None) -> None:
        """`port`: only what was sent to this UDP port. Raises CaptureError for unknown files."""
        self.path = Path(path)
        self.skipped = 0
        self._port = port
        self._fraction: Callable[[], float] = lambda: 0.0
        self._read: Callable[[], Iterator[Captured]] = self._recognise()

    def __iter__(self) -> Iterator[Captured]:
        for captured in self._read():
            if self._port is None or captured.port == self._port:
                yield captured

    def fraction(self) -> float:
        """How much of the file is read, from 0 to 1."""
        try:
            return min(1.0, self._fraction())
        except ValueError:
            return 1.0  # The file is read and closed.

    def _recognise(self) -> Callable[[], Iterator[Captured]]:
        path = self.path
        if path.is_dir():
            if not JournalReader(path).uuid:
                raise CaptureError(f"{path} is a directory without a journal in it.")
            return self._journal
        try:
            with path.open("rb") as file:
                begin = file.read(4096)
        except OSError as error:
            raise CaptureError(f"{path} cannot be read: {error.strerror}.") from error
        if path.suffix == ".journal" and path.stem.isdigit():
            return self._journal
        if len(begin) >= 4 and int.from_bytes(begin[:4], "little") in PCAP_MAGICS:
            return self._pcap
        if begin.lstrip()[:1] == b"{":
            return self._json_lines
        raise CaptureError(
            f"{path} is neither a journal, nor a pcap file, nor JSON lines with “t” and “hex” in them."
        )

    # -- journals ---------------------------------------------------------------------------

    def _journal(self) -> Iterator[Captured]:
        directory, only = self.path, None
        if not directory.is_dir():
            directory, only = directory.parent, int(directory.stem)
        infos = [i for i in list_segments(directory) if only in (None, i.number)]
        total = sum(max(0, info.datagrams) for info in infos) or 1
        done = 0
        self._fraction = lambda: done / total
        # One that is played into the listener that writes it would go on and on.
        with contextlib.closing(JournalReader(directory)) as reader:
            end = reader.end().sequence
        for record in iterate(directory, only):
            if record.sequence >= end > 0:
                break
            if record.local_port:
                done += 1
                yield Captured(
                    record.received_ns, record.source, record.source_port, record.local_port, record.payload
                )

    # -- pcap -------------------------------------------------------------------------------

    def _pcap(self) -> Iterator[Captured]:
        with self.path.open("rb") as file:
            size = max(1, self.path.stat().st_size)
            self._fraction = lambda: file.tell() / size
            try:
                reader = dpkt.pcap.UniversalReader(file)
                link = reader.datalink()
                for at, frame in reader:
                    found = self._datagram(link, frame)
                    if found is None:
                        self.skipped += 1
                    else:
                        yield Captured(int(Decimal(at) * 1_000_000_000), *found)
            except (ValueError, struct.error, dpkt.Error):
                # A capture that was cut while it was written: what is before the cut counts.
                self.skipped += 1

    @staticmethod
    def _datagram(link: int, frame: bytes) -> tuple[str, int, int, bytes] | None:
        """Source, its port, destination port and payload of a frame that is a whole UDP datagram."""
        try:
            packet = _network_layer(link, frame)
            if isinstance(packet, dpkt.ip.IP):
                if packet.p != UDP or packet.offset or packet.mf:
                    return None
                source = socket.inet_ntop(socket.AF_INET, packet.src)
            elif isinstance(packet, dpkt.ip6.IP6):
                source = socket.inet_ntop(socket.AF_INET6, packet.src)
            else:
                return None
            udp = packet.data
            if not isinstance(udp, dpkt.udp.UDP) or udp.ulen < 8 or len(udp.data) < udp.ulen - 8:
                return None
            return source, udp.sport, udp.dport, bytes(udp.data)[: udp.ulen - 8]
        except (ValueError, IndexError, AttributeError, struct.error, dpkt.Error):
            return None

    # -- JSON lines -------------------------------------------------------------------------

    def _json_lines(self) -> Iterator[Captured]:
        with self.path.open("rb") as file:
            size = max(1, self.path.stat().st_size)
            self._fraction = lambda: file.tell() / size
            for line in file:
                if not line.strip():
                    continue
                try:
                    entry = json.loads(line)
                    yield Captured(round(float(entry["t"]) * 1e9), "", 0, 0, bytes.fromhex(entry["hex"]))
                except (ValueError, KeyError, TypeError, OverflowError):
                    self.skipped += 1


def _network_layer(link: int, frame: bytes) -> Any:
    """The IP packet in a frame, as dpkt reads it."""
    if link == LINK_ETHERNET:
        return dpkt.ethernet.Ethernet(frame).data
    if link == LINK_SLL:
        return dpkt.sll.SLL(frame).data
    if link == LINK_SLL2:
        return dpkt.sll2.SLL2(frame).data
    raw = frame if link in LINKS_RAW else frame[4:] if link in (LINK_NULL, LINK_LOOP) else b""
    return dpkt.ip6.IP6(raw) if raw[0] >> 4 == 6 else dpkt.ip.IP(raw)


class PcapWriter:
    """Writes records of a journal as a pcap file of raw IP packets with times in nanoseconds.

    A journal does not know to which of several addresses a datagram went: the destination is the
    address that was listened on at the port, as the notes tell it, else 0.0.0.0 or [::].
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._listen: dict[tuple[int, bool], bytes] = {}
        self.written = 0
        file.write(PCAP_HEADER)

    def write(self, record: Record) -> None:
        """Write a record; of a note it only learns the addresses."""
        if not record.local_port:
            self._learn(record.payload)
            return
        source = pack_address(record.source)
        four = source.startswith(bytes(10) + b"\xff\xff")
        destination = self._listen.get((record.local_port, four), bytes(16))
        udp = struct.pack(">HHHH", record.source_port, record.local_port, 8 + len(record.payload), 0)
        if four:
            addresses = source[12:] + destination[12:]
            header = struct.pack(">BBHHHBBH", 0x45, 0, 28 + len(record.payload), 0, 0x4000, 64, UDP, 0)
            check = checksum(header + addresses)
            packet = header[:10] + check.to_bytes(2, "big") + addresses + udp + record.payload
        else:
            # Only IPv6 insists on the checksum of UDP.
            addresses = source + destination
            pseudo = addresses + struct.pack(">IxxxB", 8 + len(record.payload), UDP)
            check = checksum(pseudo + udp + record.payload) or 0xFFFF
            header = struct.pack(">IHBB", 0x6000_0000, 8 + len(record.payload), UDP, 64)
            packet = header + addresses + udp[:6] + check.to_bytes(2, "big") + record.payload
        seconds, nanoseconds = divmod(record.received_ns, 1_000_000_000)
        self._file.write(PCAP_PACKET.pack(seconds, nanoseconds, len(packet), len(packet)) + packet)
        self.written += 1

    def _learn(self, note: bytes) -> None:
        try:
            listen = json.loads(note).get("listen", [])
        except ValueError:
            return
        for address in listen if isinstance(listen, list) else []:
            host, _, port = str(address).rpartition(":")
            host = host.strip("[]")
            try:
                self._listen[int(port), ":" not in host] = pack_address(host)
            except (OSError, ValueError):
                continue


def checksum(data: bytes) -> int:
    """The checksum of the Internet protocols, RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
