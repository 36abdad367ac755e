"""The JSON output of a simulated match is the match that was played, alone and beside the text."""

import random
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.scoreboard import Scoreboard
from ingest.outputs import Outputs
from ingest.protocol import parse
from ingest.simulator.court import SimulatedCourt
from ingest.simulator.match import simulate_match

START = 1_700_000_000_000_000_000


def fold(*outputs):
    board, gate = Scoreboard(), Outputs()
    said = sorted(chain(*outputs), key=lambda line: line[0])
    for sequence, (seconds, payload) in enumerate(said, 1):
        for message in parse(payload, "T"):
            ns = START + round(seconds * 1e9)
            board.apply(gate.hear(message, ns), ns, sequence)
    return board


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_objects_tell_the_match_that_was_played(seed):
    match = simulate_match(random.Random(seed), "7")
    story = match.story
    messages = [message for _, payload in match.objects for message in parse(payload)]
    assert {message.status for message in messages} == {"recognized"}
    board = fold(match.objects)
    fought = board.match_fields()
    rounds = [[r.blue, r.red, r.winner] for r in story.rounds]
    assert [r[:2] for r in fought["rounds"][: len(rounds)]] == [r[:2] for r in rounds]
    assert fought["gam_jeoms"][: len(rounds)] == [[r.blue_gam_jeoms, r.red_gam_jeoms] for r in story.rounds]
    assert (fought["winner"], fought["decision"]) == (("", "blue", "red")[story.winner], story.decision)
    assert [(r["side"], r["state"] == "accepted") for r in fought["replays"]] == story.replays
    gam_jeoms = sum(r.blue_gam_jeoms + r.red_gam_jeoms for r in story.rounds)
    points = sum(r.blue + r.red for r in story.rounds)
    assert sum(board.points_sum) == points - gam_jeoms


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_both_outputs_together_tell_what_text_tells(seed):
    match = simulate_match(random.Random(seed), "7")
    both, alone = fold(match.datagrams(), match.objects), fold(match.datagrams())
    fields, expected = both.match_fields(), alone.match_fields()
    figures, of_text = fields.pop("figures"), expected.pop("figures")
    assert fields == expected
    assert figures["hits"] == of_text["hits"]
    # A turn makes its kick a technical one: as many kicks, worth more.
    assert [sum(side.values()) for side in figures["points"]] == [
        sum(side.values()) for side in of_text["points"]
    ]
    points = sum(r.blue + r.red - r.blue_gam_jeoms - r.red_gam_jeoms for r in match.story.rounds)
    assert sum(figures["points_sum"]) == points


@pytest.mark.parametrize(("dialect", "both", "kinds"), [("J", False, {True}), ("T", True, {False, True})])
def test_court_sends_the_outputs_it_is_asked_for(dialect, both, kinds):
    court = SimulatedCourt(1, 5, 2, dialect, both=both)
    datagrams = list(court.datagrams())
    assert {datagram.is_object for datagram in datagrams} == kinds
    assert [datagram.seconds for datagram in datagrams] == sorted(d.seconds for d in datagrams)
    assert sum(bool(datagram.begins) for datagram in datagrams) == 2
    assert sum(bool(datagram.ends) for datagram in datagrams) == 2
    for datagram in datagrams:
        assert datagram.payload.startswith(b"{") == datagram.is_object
