"""The story of a match: what was played, what does not add up and why, whatever order it came in."""

from __future__ import annotations

import json
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.story import Heard, Story, tell
from events.story_ledger import Difference
from tests.events.stories import objects, stored, story_of, text


def by_cause(story: Story) -> list[tuple[int, int, int, str]]:
    return [(d.round, d.side, d.amount, d.cause) for d in story.differences]


def times_and_points(story: Story) -> dict[str, tuple[tuple[int, int], tuple[int, int]]]:
    return {t.name: (t.times, t.points) for t in story.techniques}


# --- The captured match ----------------------------------------------------------------------------


def test_captured_match_is_told_as_it_was_played():
    story = tell(stored(text()))
    assert [(r.number, r.score, r.winner, r.gam_jeoms) for r in story.rounds] == [
        (1, (13, 8), 1, (1, 0)),
        (2, (0, 11), 2, (0, 1)),
        (3, (7, 7), 1, (0, 0)),
    ]
    assert times_and_points(story) == {
        "punch": ((1, 1), (1, 1)),
        "body": ((4, 7), (8, 14)),
        "head": ((3, 2), (9, 6)),
    }
    assert [(h[0], h[2]) for h in story.hits_of] == [(227, 34), (268, 44)]
    assert (story.body_level, story.head_level) == (21, 5)
    assert not story.is_cut
    assert len(story.lines) == len(text())


def test_captured_match_explains_every_difference():
    story = tell(stored(text()))
    assert by_cause(story) == [
        (1, 2, 2, "turn"),
        (1, 1, 2, "turn"),
        (2, 1, -1, "gam_jeom_taken_back"),
        (2, 2, 2, "turn"),
    ]
    assert [d.words for d in story.differences][1:3] == [
        "Blue's score rose by 2: a turning bonus, which no message but the score tells.",
        "Blue's score fell by 1: a gam-jeom of red was probably taken back, which no message tells.",
    ]
    assert [r.counted for r in story.rounds] == [(11, 6), (1, 9), (7, 7)]
    for number, declared in enumerate(story.rounds, 1):
        for side in (1, 2):
            off = sum(d.amount for d in story.differences if (d.round, d.side) == (number, side))
            assert declared.counted[side - 1] + off == declared.score[side - 1]


def test_captured_match_marks_what_happened_beside_the_points():
    marks = [(m.kind, m.side, m.words) for m in tell(stored(text())).marks if m.kind != "difference"]
    assert marks == [
        ("gam_jeom", 1, "Blue: gam-jeom (1)"),
        ("replay", 1, "Video replay of blue: accepted (round 1 at 1:20)"),
        ("injury", 0, "Injury time, 12 s (round 2 at 1:36)"),
        ("gam_jeom", 2, "Red: gam-jeom (1)"),
        ("replay", 2, "Video replay of red: denied (round 2 at 1:17)"),
        ("injury", 0, "Injury time, 3 s (round 3 at 2:00)"),
        ("injury", 0, "Injury time, 60 s (round 3 at 1:24)"),
    ]


def test_captured_match_marks_point_at_the_line_that_said_it():
    story = tell(stored(text()))
    kinds = {"replay": "replay", "injury": "injury", "gam_jeom": "gam_jeom"}
    for mark in story.marks:
        line = story.lines[mark.line]
        assert line.at_ms == mark.at_ms or mark.kind in ("gam_jeom", "difference")
        assert mark.kind == "difference" or line.kind == kinds[mark.kind]


def test_captured_match_durations():
    durations = tell(stored(text())).durations
    # By our clock: two rounds whole but for what the operator took off the clock (27 and 42 s).
    assert round(durations.fighting / 1000) == 290
    assert round(durations.rests / 1000) == 98
    assert round(durations.injuries / 1000) == 75
    assert round(durations.replays / 1000) == 18
    assert durations.time_outs == 0
    assert round(durations.stopped / 1000) == 112


def test_captured_score_steps_as_the_scoreboard_did():
    scores = [(s.blue, s.red) for s in tell(stored(text())).scores]
    assert scores[:11] == [
        (2, 0),
        (2, 3),
        (3, 3),
        (3, 5),
        (3, 7),
        (3, 8),
        (5, 8),
        (8, 8),
        (11, 8),
        (13, 8),
        # The second round.
        (0, 0),
    ]
    assert (1, 5) in scores
    assert scores[-1] == (7, 7)


def test_json_beside_text_explains_what_text_hides():
    story = tell(stored(text(), objects()))
    assert story.differences == []
    assert [r.counted for r in story.rounds] == [(13, 8), (0, 11), (7, 7)]
    assert times_and_points(story) == {
        "punch": ((1, 1), (1, 1)),
        "body": ((4, 5), (8, 10)),
        "head": ((2, 2), (6, 6)),
        "technical_body": ((0, 2), (0, 8)),
        "technical_head": ((1, 0), (5, 0)),
    }
    assert {line.folded for line in story.lines} == {"", "tick", "echo"}
    alone = tell(stored(text()))
    assert (story.scores, story.hits_of) == (
        [s._replace(line=t.line) for s, t in zip(alone.scores, story.scores, strict=True)],
        alone.hits_of,
    )


def test_json_alone_says_what_it_lost_itself():
    story = tell(stored(objects()))
    assert [r.score for r in story.rounds] == [(13, 8), (0, 11), (7, 7)]
    # Two actions at once: it sent one of them twice and the other not at all.
    assert by_cause(story) == [(1, 2, 2, "untold")]


def test_story_can_be_sent():
    told = json.loads(msgspec.json.encode(tell(stored(text()))))
    assert told["lines"][0][4] == "Scoring system connected"
    assert told["durations"]["fighting"] > 0


# --- What does not add up ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "differences"),
    [
        ([(5, "pt1;2"), (5, "sc1;2;sc2;0")], []),
        ([(5, "sc1;2;sc2;0"), (5.02, "pt1;2")], []),
        # Only the score by round.
        ([(5, "pt1;2"), (5, "s11;2;s21;0")], []),
        # The turn is told by the score alone, also at once.
        ([(5, "pt1;2"), (5, "sc1;2;sc2;0"), (5.2, "sc1;4;sc2;0")], [(1, 1, 2, "turn")]),
        ([(5, "pt1;3"), (5.01, "sc1;5;sc2;0")], [(1, 1, 2, "turn")]),
        # Two points after a punch are no turn.
        ([(5, "pt1;1"), (5, "sc1;1;sc2;0"), (5.2, "sc1;3;sc2;0")], [(1, 1, 2, "untold")]),
        # The other side's kick explains nothing.
        ([(5, "pt1;2"), (5, "sc1;2;sc2;0"), (5.2, "sc1;2;sc2;2")], [(1, 2, 2, "untold")]),
        # Nor does one long ago.
        ([(5, "pt1;2"), (5, "sc1;2;sc2;0"), (25, "sc1;4;sc2;0")], [(1, 1, 2, "untold")]),
        ([(5, "sc1;0;sc2;3")], [(1, 2, 3, "untold")]),
        # A message beside it was cut.
        ([(5, b"pt2;\xff"), (5.1, "sc1;0;sc2;3")], [(1, 2, 3, "cut")]),
        # A score that is lost, until the next one.
        ([(5, "pt1;2")], [(1, 1, -2, "not_in_score")]),
        ([(5, "pt1;2"), (8, "pt2;3"), (8, "sc1;0;sc2;3")], [(1, 1, -2, "not_in_score")]),
        (
            [(5, "pt1;3"), (8, "pt2;1"), (8, "sc1;0;sc2;1"), (11, "sc1;3;sc2;1")],
            [(1, 1, 0, "late")],
        ),
        # Gam-jeoms give the other side a point.
        ([(5, "wg1;1;wg2;0"), (5, "sc1;0;sc2;1")], []),
        ([(5, "wg1;1;wg2;0"), (9, "wg1;1;wg2;1"), (9, "sc1;1;sc2;1")], [(1, 2, 0, "late")]),
        (
            [(5, "wg1;1;wg2;0"), (5, "sc1;0;sc2;1"), (9, "sc1;0;sc2;0")],
            [(1, 2, -1, "gam_jeom_taken_back")],
        ),
        # A point lost without any gam-jeom.
        ([(5, "pt2;1"), (5, "sc1;0;sc2;1"), (9, "sc1;0;sc2;0")], [(1, 2, -1, "taken_back")]),
        ([(5, "pt2;3"), (5, "sc1;0;sc2;3"), (9, "sc1;0;sc2;0")], [(1, 2, -3, "taken_back")]),
        # Points beyond a turn.
        ([(5, "pt1;2"), (5, "sc1;7;sc2;0")], [(1, 1, 5, "untold")]),
    ],
)
def test_difference_has_its_likely_cause(lines, differences):
    story = story_of(*lines, (60.0, "clk;01:01;stop"))
    found = by_cause(story)
    assert found == differences
    declared = story.rounds[0]
    for side in (1, 2):
        off = sum(amount for _, of, amount, _ in found if of == side)
        assert declared.counted[side - 1] + off == declared.score[side - 1]


def test_points_taken_after_a_replay_say_so():
    story = story_of(
        (5, "pt2;3"),
        (5, "sc1;0;sc2;3"),
        (9, "ch1;"),
        (14, "ch1;1"),
        (14.5, "sc1;0;sc2;0"),
    )
    assert "after a video replay" in story.differences[0].words


def test_listening_that_began_in_the_middle_is_no_lost_point():
    story = story_of((0, "s11;5;s21;3"), (0, "clk;00:40"), (1, "clk;00:39"), (2, "clk;00:38"), load=False)
    assert {d.cause for d in story.differences} == {"began_before"}


def test_points_of_a_round_that_was_never_told_are_held_against_nothing():
    story = story_of((0, "clk;00:40"), (1, "clk;00:39"), (2, "pt1;2"), (2, "sc1;7;sc2;3"), load=False)
    assert ([(s.blue, s.red) for s in story.scores], story.differences) == ([(7, 3)], [])
    assert times_and_points(story) == {"body": ((1, 0), (2, 0))}


# --- Bad input ------------------------------------------------------------------------------------------


def test_no_event_at_all_is_an_empty_story():
    story = tell([])
    assert (story.lines, story.rounds, story.length_ms, story.durations.fighting) == ([], [], 0, 0)
    assert json.loads(msgspec.json.encode(story))["lines"] == []


def test_match_without_a_clock_has_no_fight():
    story = story_of((20, "wmh;LEE DH;0-0 WDR"), (20, "win;BLUE"), load=False)
    assert story.durations.fighting == 0
    assert story.rounds == [] or story.rounds[0].starts_ms is None


def test_match_without_an_end_stops_fighting_when_nobody_ticks():
    story = story_of((2, "clk;01:59"), (4_000, "hel;"))
    assert story.durations.fighting <= 6_000
    assert story.length_ms == 4_000_000


def test_clock_that_jumps_does_not_change_how_long_was_fought():
    story = story_of(*((n, f"clk;{(n * 37) % 60:02}:{(n * 17) % 60:02}") for n in range(2, 30)))
    assert story.durations.fighting <= 30_000


def test_round_four_and_scores_going_back_are_told_as_they_came():
    story = story_of(
        (5, "rnd;4"), (6, "pt1;2"), (6, "sc1;2;sc2;0"), (9, "sc1;1;sc2;0"), (10, "rnd;2"), (11, "rnd;99")
    )
    assert [r.number for r in story.rounds] == [1, 2, 3, 4]
    assert story.rounds[3].score == (1, 0)
    assert any("back to 2" in words for words in story.problems)


def test_golden_tie_is_told_without_a_winner():
    story = story_of((5, "win;TIE"))
    assert {r.winner for r in story.rounds} <= {0}


def test_points_that_are_no_numbers_do_not_count():
    story = story_of((5, "pt1;x"), (6, "pt2;-4"), (6.5, "pt2;2147483647"), (7, "sc1;0;sc2;0"))
    assert times_and_points(story) == {"other": ((1, 2), (0, 0))}
    assert story.differences == []


def test_levels_that_cannot_be_are_counted_as_hits_and_not_drawn():
    story = story_of((5, "hl1;5000"), (6, "hl1;-3"), (7, "hl1;0"), (8, "hl1;100"), (9, "hl1;99"))
    assert [hit.level for hit in story.hits] == [100, 99]
    assert story.hits_of[0] == (5, 100.0, 100)


def test_flood_of_differences_is_bounded():
    lines = [(5 + n / 2, f"sc1;{n % 2 * 7};sc2;0") for n in range(900)]
    assert len(story_of(*lines).differences) <= 200


def test_events_whose_time_steps_back_are_told():
    rows = stored(text())[:400]
    turned = [rows[0], *[row._replace(received_at=rows[0].received_at) for row in rows[200:]], *rows[1:200]]
    story = tell(turned)
    assert all(line.at_ms >= 0 for line in story.lines)


# --- Order -----------------------------------------------------------------------------------------------


def _shuffled(rows: list[Heard], random: Random) -> list[Heard]:
    """Messages of the same 30 ms change places; the moments at which something came stay."""
    found: list[Heard] = []
    start = 0
    while start < len(rows):
        end = start
        while end < len(rows) and (rows[end].received_at - rows[start].received_at).total_seconds() <= 0.03:
            end += 1
        order = random.sample(rows[start:end], end - start)
        slots = rows[start:end]
        found += [
            o._replace(received_at=s.received_at, sequence=s.sequence)
            for o, s in zip(order, slots, strict=True)
        ]
        start = end
    return found


def _core(story: Story) -> object:
    def plain(difference: Difference) -> tuple[int, int, int, str]:
        return (difference.round, difference.side, difference.amount, difference.cause)

    return (
        [(r.score, r.counted, r.gam_jeoms, r.winner) for r in story.rounds],
        times_and_points(story),
        story.hits_of,
        sorted(map(plain, story.differences)),
        sorted((m.kind, m.side) for m in story.marks),
        (story.scores[-1].blue, story.scores[-1].red),
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_story_does_not_depend_on_the_order_within_30_ms(seed):
    rows = stored(text())
    assert _core(tell(_shuffled(rows, Random(seed)))) == _core(tell(rows))
