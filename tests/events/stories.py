"""Shared by the tests of stories: events as they are stored, made from datagrams as they are sent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from events.story import Heard, Story, tell
from ingest.outputs import Outputs
from ingest.protocol import parse
from tests.captures import capture
from tests.events.boards import LOAD, START

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stored(*outputs: Iterable[tuple[float, str | bytes]]) -> list[Heard]:
    """(seconds, line) of each output, as the importer stores them; lines of TkStrike unless bytes."""
    said = sorted(
        (
            (seconds, session, line if isinstance(line, bytes) else f"{line}\r\n".encode())
            for session, lines in enumerate(outputs, 1)
            for seconds, line in lines
        ),
        key=lambda row: row[0],
    )
    heard, sequences, gate = [], dict.fromkeys(range(len(outputs) + 1), 0), Outputs()
    for seconds, session, datagram in said:
        ns = START + round(seconds * 1e9)
        for message in parse(datagram, "T"):
            sequences[session] += 1
            message = gate.hear(message, ns)
            row = {name: getattr(message, name) for name in message.__slots__ if name in Heard._fields}
            received_at = _EPOCH + timedelta(microseconds=ns // 1000)
            heard.append(
                Heard(
                    id=len(heard) + 1,
                    session_id=session,
                    sequence=sequences[session],
                    received_at=received_at,
                    **row,
                )
            )
    return heard


def text() -> list[tuple[float, bytes]]:
    return capture("a_bestof3_full")


def objects() -> list[tuple[float, bytes]]:
    return capture("a_bestof3_full.json_udp")


def story_of(*lines: tuple[float, str | bytes], load: bool = True) -> Story:
    """A match of `LOAD` (with its clock running from 1 s on) and these lines."""
    begin = [*LOAD, (1.0, "clk;02:00;start")] if load else []
    return tell(stored([*begin, *lines]))
