"""A scoreboard that was put into JSON and back folds on as if nothing had been."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.board_json import from_json, to_json
from events.match_state import STATE
from events.scoreboard import Scoreboard
from ingest.protocol import parse
from ingest.simulator import SimulatedCourt
from tests.captures import capture
from tests.events.boards import LOAD, SECOND, START, Heard, board_of, captured, heard, play
from tests.events.test_scoreboard_disorder import make_match, sent

# Of matches that are over.
FORGOTTEN = {"previous"}


def again(board: Scoreboard) -> Scoreboard:
    found = from_json(to_json(board))
    assert found is not None
    return found


def told(board: Scoreboard) -> dict[str, object]:
    state = {name: getattr(board, name) for name in STATE if name not in FORGOTTEN}
    return {**state, "figures": board.figures(), "card": board.as_dict()}


def check_from(messages: list[Heard], cut: int) -> None:
    """The same after each message that follows the first `cut`."""
    one = play(messages[:cut])
    other = again(one)
    assert told(other) == told(one)
    for message, received_ns, sequence in messages[cut:]:
        one.apply(message, received_ns, sequence)
        other.apply(message, received_ns, sequence)
        assert told(other) == told(one)
    assert to_json(other) == to_json(one)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 2**32), st.floats(0, 1))
def test_board_folds_on_from_anywhere_whatever_the_order(seed: int, order: int, where: float) -> None:
    messages = sent(make_match(seed), Random(order))
    check_from(messages, round(where * len(messages)))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["T", "P"]), st.sampled_from([1, 10, 300]), st.floats(0, 1))
def test_board_folds_on_over_matches_at_any_speed(seed: int, dialect: str, speed: int, where: float) -> None:
    messages = []
    for number, datagram in enumerate(
        SimulatedCourt(1, seed=seed, matches=3, dialect=dialect).datagrams(), 1
    ):
        at_ns = START + round(datagram.seconds * SECOND / speed)
        messages += [(message, at_ns, number) for message in parse(datagram.payload, dialect)]
    check_from(messages, round(where * len(messages)))


@pytest.mark.parametrize("cut", range(0, 1001, 77))
def test_board_of_a_captured_match_folds_on(cut: int) -> None:
    check_from(captured(), cut)


@pytest.mark.parametrize("cut", range(0, 501, 77))
def test_board_of_the_json_output_folds_on(cut: int) -> None:
    messages = []
    for number, (seconds, payload) in enumerate(capture("a_bestof3_full.json_udp"), 1):
        messages += [(one, START + round(seconds * SECOND), number) for one in parse(payload, "J")]
    check_from(messages, cut)


def test_board_goes_on_within_a_moment() -> None:
    """What came last is put in order with what comes next."""
    start = [
        *LOAD,
        (10.0, "clk;02:00;start"),
        (11.0, "clk;01:59"),
        (12.5, "s11;0;s21;2;s12;0;s22;0;s13;0;s23;0"),
    ]
    one, other = board_of(*start), again(board_of(*start))
    for board in (one, other):
        play(heard([(12.51, "sc1;0;sc2;2")]), board)
    assert told(other) == told(one)


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"null", b'{"state": 1}', to_json(Scoreboard()).replace(b'"rounds_planned"', b'"x"')],
)
def test_json_of_another_version_is_no_board(data: bytes) -> None:
    assert from_json(data) is None


def test_json_of_a_long_match_stays_small() -> None:
    assert len(to_json(play(captured()))) < 8_000
    assert json.loads(to_json(play(captured())))["state"]["previous"] is None
