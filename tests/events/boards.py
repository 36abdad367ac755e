"""Shared by the tests of the scoreboard: messages and boards made from lines as they are sent."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from events.scoreboard import Scoreboard
from ingest.protocol import Message, parse
from tests.captures import capture

MS = 1_000_000
SECOND = 1_000 * MS
START = 1_700_000_000 * SECOND

# message, received_ns, sequence
Heard = tuple[Message, int, int]


def heard(lines: Iterable[tuple[float, str | bytes]]) -> list[Heard]:
    """(seconds, line) of TkStrike, without line end unless given as bytes."""
    messages: list[Heard] = []
    for seconds, line in lines:
        datagram = line if isinstance(line, bytes) else f"{line}\r\n".encode()
        for message in parse(datagram, "T"):
            messages.append((message, START + round(seconds * SECOND), len(messages) + 1))
    return messages


def play(messages: Iterable[Heard], board: Scoreboard | None = None) -> Scoreboard:
    board = board or Scoreboard()
    for message, received_ns, sequence in messages:
        board.apply(message, received_ns, sequence)
    return board


def board_of(*lines: tuple[float, str | bytes]) -> Scoreboard:
    return play(heard(lines))


@cache
def captured() -> list[Heard]:
    """The captured match; do not change the list."""
    return heard(capture("a_bestof3_full"))


def without_times(fields: dict[str, Any]) -> dict[str, Any]:
    """`match_fields()` without moments of ours, which move when messages change places."""

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: strip(item) for key, item in value.items() if not key.endswith("_ns")}
        if isinstance(value, list):
            return [strip(item) for item in value]
        return value

    return strip(fields)  # type: ignore[no-any-return]


LOAD = [
    (0.000, "pre;FightLoaded"),
    (0.001, "rnd;1"),
    (0.002, "clk;02:00"),
    (0.002, "sc1;0;sc2;0"),
    (0.009, "s11;0;s21;0;s12;0;s22;0;s13;0;s23;0"),
    (0.012, "wg1;0;wg2;0"),
    (0.013, "mch;7;Final;MEN M -68KG;;#0000ff;#FFFFFF;#ff0000;#FFFFFF;ID-7;SENIORS;3;120;cntDown;21;5"),
    (0.027, "at1;LEE DH;LEE DH;KOR;at2;ROSSI V;ROSSI V;ITA"),
    (0.029, "ref;SMITH J;USA;ju1;GARCIA M;ESP;ju2;KIM S;KOR;ju3;DUPONT A;FRA;"),
    (0.030, "rdy;FightReady"),
]
FIGHT = [(10.0, "clk;02:00;start"), (11.0, "clk;01:59")]
END_OF_ROUND = [(130.0, "clk;0:00;stopEnd"), (130.02, "clk;00:00;stop")]
NEXT_LOAD = [
    (200.000, "pre;FightLoaded"),
    (200.001, "rnd;1"),
    (200.013, "mch;8;Final;MEN M -80KG;;#0000ff;#FFFFFF;#ff0000;#FFFFFF;ID-8;SENIORS;3;120;cntDown;21;5"),
    (200.027, "at1;KIM S;KIM S;KOR;at2;BERG O;BERG O;NOR"),
]
