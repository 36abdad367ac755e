"""Matches of the simulator, in both dialects, are found as they were played."""

import random

import pytest

from events.scoreboard import Scoreboard
from ingest.protocol import parse
from ingest.simulator import MatchStory, SimulatedCourt, simulate_match
from tests.events.boards import SECOND, START

SIDES = ("", "blue", "red")


def check(fields: dict[str, object], story: MatchStory) -> None:
    rounds = [[r.blue, r.red, r.winner] for r in story.rounds] or [[0, 0, 0]]
    gam_jeoms = [[r.blue_gam_jeoms, r.red_gam_jeoms] for r in story.rounds] or [[0, 0]]
    assert fields["number"] == story.number
    assert fields["rounds"] == rounds
    assert fields["gam_jeoms"] == gam_jeoms
    assert fields["winner"] == SIDES[story.winner]
    # The end of a cut line is gone: nobody can know a decision that was never sent.
    assert fields["decision"] == story.decision or (story.text_is_cut and fields["decision"] == "")
    assert [(r["side"], r["state"] == "accepted") for r in fields["replays"]] == story.replays
    assert len(fields["injuries"]) == story.kye_shi
    for side, person in (("blue", story.blue), ("red", story.red)):
        name, short, country = fields[side]
        assert person.short.startswith(short)
        assert name in (person.long, person.short) or story.text_is_cut
        assert country == person.ioc or (story.text_is_cut and country == "")


@pytest.mark.parametrize("dialect", ["T", "P"])
def test_simulated_matches_are_found_as_played(dialect: str):
    for seed in range(120):
        match = simulate_match(random.Random(seed), str(seed), dialect)
        board = Scoreboard()
        for number, (seconds, datagram) in enumerate(match.datagrams(), 1):
            for message in parse(datagram, dialect):
                board.apply(message, START + round(seconds * SECOND), number)
        try:
            check(board.match_fields(), match.story)
        except AssertionError as error:
            error.add_note(f"seed {seed}, {board.problems}")
            raise


@pytest.mark.parametrize("speed", [1, 10, 300])
@pytest.mark.parametrize("dialect", ["T", "P"])
def test_matches_of_a_court_follow_each_other(dialect: str, speed: int):
    court = SimulatedCourt(3, seed=5, matches=12, dialect=dialect)
    board = Scoreboard()
    found = []
    for number, datagram in enumerate(court.datagrams(), 1):
        for message in parse(datagram.payload, dialect):
            serial = board.match_serial
            board.apply(message, START + round(datagram.seconds * SECOND / speed), number)
            if board.match_serial != serial and board.previous is not None:
                found.append(board.previous)
    found.append(board.match_fields())
    assert board.match_serial == 12
    # What came before the first load of a court begins no match.
    assert len(found) == 12
    for fields, story in zip(found, court.stories, strict=True):
        check(fields, story)
