import random
from itertools import pairwise

import pytest

from ingest.protocol import Message, parse
from ingest.simulator import MatchStory, SimulatedCourt, SimulatedMatch, simulate_match

SEEDS = range(60)
dialects = pytest.mark.parametrize("dialect", ["T", "P"])


def play(seed: int, dialect: str) -> SimulatedMatch:
    return simulate_match(random.Random(seed), "101", dialect)


def messages_of(match: SimulatedMatch) -> list[Message]:
    return [message for _, datagram in match.datagrams() for message in parse(datagram, match.dialect)]


def whole_messages_of(match: SimulatedMatch) -> list[Message]:
    return [message for _, text in match.lines for message in parse(text.encode(), match.dialect)]


def scores_by_round(messages: list[Message]) -> list[tuple[int, int]]:
    """The last score told in each round that was begun, in the order of arrival."""
    scores = [[0, 0]]
    for message in messages:
        if message.kind == "round" and message.round != 1:
            scores.append([0, 0])
        elif message.kind == "score":
            for place, side in enumerate(("blue", "red")):
                if message.details[side] is not None:
                    scores[-1][place] = message.details[side]
    return [(blue, red) for blue, red in scores]


@dialects
def test_same_seed_gives_the_same_bytes(dialect: str) -> None:
    assert play(7, dialect).datagrams() == play(7, dialect).datagrams()
    assert play(7, dialect).datagrams() != play(8, dialect).datagrams()


def test_every_datagram_is_recognized_or_cut() -> None:
    cut = 0
    for seed in SEEDS:
        match = play(seed, "T")
        for message, (_, text) in zip(messages_of(match), match.lines, strict=True):
            assert message.status == ("recognized" if text.isascii() else "partial"), (text, message)
            cut += message.status == "partial"
    assert cut > len(SEEDS)


def test_published_datagrams_are_all_recognized() -> None:
    for seed in SEEDS:
        assert {message.status for message in messages_of(play(seed, "P"))} == {"recognized"}


@dialects
def test_match_tells_what_was_played(dialect: str) -> None:
    for seed in SEEDS:
        match = play(seed, dialect)
        story = match.story
        messages = whole_messages_of(match)
        played = [(number.blue, number.red) for number in story.rounds] or [(0, 0)]
        # A withdrawal in the rest comes after the next round was never announced.
        assert scores_by_round(messages) == played

        by_kind = {message.kind: message for message in messages}
        by_round = by_kind["round_scores"].details
        assert (
            list(zip(by_round["blue"], by_round["red"], strict=True))[: len(story.rounds)]
            == played[: len(story.rounds)]
        )
        assert by_kind["winner"].athlete == story.winner
        blue, red = story.rounds_won
        assert by_kind["result"].details == {
            "name": story.winner_name,
            "blue": blue,
            "red": red,
            "decision": story.decision,
        }
        decided = [number.winner for number in story.rounds if number.winner]
        if decided:
            assert by_kind["round_winners"].details["winners"][: len(decided)] == decided
        assert sum(message.kind == "point" for message in messages) == story.points
        replays = [
            (message.athlete, message.details["state"] == "accepted")
            for message in messages
            if message.kind == "replay" and message.details["state"] != "opened"
        ]
        assert replays == story.replays


@dialects
def test_gam_jeoms_told_are_those_given(dialect: str) -> None:
    for seed in SEEDS:
        match = play(seed, dialect)
        told = [[0, 0]]
        for message in whole_messages_of(match):
            if message.kind == "round" and message.round != 1:
                told.append([0, 0])
            elif message.kind == "gam_jeom":
                for place, side in enumerate(("blue", "red")):
                    if message.details[side] is not None:
                        told[-1][place] = message.details[side]
        given = [[number.blue_gam_jeoms, number.red_gam_jeoms] for number in match.story.rounds] or [[0, 0]]
        assert told == given


def test_each_rounds_score_adds_up() -> None:
    for seed in SEEDS:
        for number in play(seed, "T").story.rounds:
            assert number.winner in (0, 1, 2)
            assert number.blue >= number.red_gam_jeoms
            assert number.red >= number.blue_gam_jeoms


def test_seeds_show_every_ending() -> None:
    stories = [play(seed, "T").story for seed in range(300)]

    assert {story.decision for story in stories} >= {"PTF", "PTG", "RSC", "WDR"}
    assert {len(story.rounds) for story in stories} == {0, 1, 2, 3}
    assert any(story.text_is_cut for story in stories)
    assert not all(story.text_is_cut for story in stories)


def test_messages_of_one_action_come_in_any_order() -> None:
    orders = set()
    for seed in SEEDS:
        streams = [message.stream for message in messages_of(play(seed, "T"))]
        orders |= {pair for pair in pairwise(streams) if set(pair) == {"sc1", "s11"}}
    assert orders == {("sc1", "s11"), ("s11", "sc1")}


def test_a_stale_score_comes_after_a_newer_one_now_and_then() -> None:
    def goes_back(match: SimulatedMatch) -> bool:
        totals = [
            sum(message.details["blue"] + message.details["red"])
            for message in messages_of(match)
            if message.kind == "round_scores"
        ]
        return any(later < earlier for earlier, later in pairwise(totals))

    assert any(goes_back(play(seed, "T")) for seed in SEEDS)


def test_round_winners_come_first_without_the_round_just_ended() -> None:
    match = next(play(seed, "T") for seed in SEEDS if len(play(seed, "T").story.rounds) == 3)
    told = [
        message.details["winners"][:3] for message in messages_of(match) if message.kind == "round_winners"
    ]
    one, two, three = (number.winner for number in match.story.rounds)

    assert told == [[0, 0, 0], [one, 0, 0], [one, 0, 0], [one, two, 0], [one, two, 0], [one, two, three]]


@dialects
def test_clock_ticks_each_second_and_never_backwards_while_it_runs(dialect: str) -> None:
    match = next(play(seed, dialect) for seed in SEEDS if play(seed, dialect).story.rounds)
    ticks = [
        (seconds, message.clock_ms)
        for (seconds, _), message in zip(match.datagrams(), messages_of(match), strict=True)
        if message.kind == "clock" and not message.details
    ]

    assert len(ticks) > 100
    assert any(abs(later[0] - earlier[0] - 1) < 0.01 for earlier, later in pairwise(ticks))
    assert match.story.seconds >= ticks[-1][0]


def test_court_greets_plays_and_says_goodbye() -> None:
    court = SimulatedCourt(3, seed=5, matches=2)
    datagrams = list(court.datagrams())

    assert [d.payload for d in datagrams[:2]] == [b"hel;\r\n", b"inlb;50:\r\n"]
    assert datagrams[-1].payload == b"bye;\r\n"
    assert [story.number for story in court.stories] == ["301", "302"]
    assert [d.begins for d in datagrams if d.begins] == court.stories
    assert [d.ends for d in datagrams if d.ends] == court.stories
    assert [d.seconds for d in datagrams] == sorted(d.seconds for d in datagrams)


def test_courts_of_one_seed_play_different_matches() -> None:
    def stories(number: int) -> list[MatchStory]:
        court = SimulatedCourt(number, seed=5)
        list(court.datagrams())
        return court.stories

    assert stories(1)[0].blue != stories(2)[0].blue
    assert stories(1) == stories(1)
