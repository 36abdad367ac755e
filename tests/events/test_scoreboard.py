"""Loads, scores, gam-jeoms and texts on the scoreboard, by the lines that call for each rule."""

import json

import pytest

from events.scoreboard import Scoreboard
from tests.events.boards import END_OF_ROUND, FIGHT, LOAD, MS, NEXT_LOAD, SECOND, START, board_of, heard, play

# --- Loads ----------------------------------------------------------------------------------------


def test_empty_board_has_nothing_to_tell():
    board = Scoreboard()
    fields = board.match_fields()
    assert (board.match_serial, board.version, board.is_begun, board.previous) == (0, 0, False, None)
    assert (fields["number"], fields["blue"], fields["red"], fields["rounds"]) == ("", None, None, [])
    assert (fields["loaded_ns"], fields["winner"], fields["decision"]) == (None, "", "")
    assert json.loads(json.dumps(board.as_dict()))["blue"]["score"] == 0


def test_load_begins_a_new_match_and_keeps_the_one_before():
    board = board_of(*LOAD, *FIGHT, (12, "sc1;2;sc2;0"), (12.001, "hl1;30"), *NEXT_LOAD)
    assert board.match_serial == 2
    assert board.number == "8"
    assert board.score == (0, 0)
    assert board.hits[1:] == [0, 0]
    assert board.previous is not None
    assert board.previous["number"] == "7"
    assert board.previous["rounds"] == [[2, 0, 0]]


@pytest.mark.parametrize("late", range(1, 10))
def test_load_overtaken_by_its_own_messages_takes_them_along(late: int):
    lines = [(200 + n / 1000, line) for n, (_, line) in enumerate(LOAD)]
    lines.insert(late, lines.pop(0))
    before = [*LOAD, *FIGHT, (12, "sc1;2;sc2;0"), (12.001, "s11;2;s21;0"), *END_OF_ROUND]
    board = board_of(*before, *[(200 + n / 1000, line) for n, (_, line) in enumerate(lines)])
    assert board.match_serial == 2
    assert board.as_dict()["blue"]["name"] == "LEE DH"
    assert board.rounds == ((0, 0, 0),)
    assert board.previous is not None
    assert board.previous["rounds"] == [[2, 0, 0]]
    assert board.problems == ()


def test_second_of_two_loads_wins_and_the_first_had_no_fight():
    board = board_of(*LOAD, *NEXT_LOAD, (201, "clk;02:00;start"))
    assert (board.match_serial, board.number) == (2, "8")
    assert board.previous is not None
    assert (board.previous["number"], board.previous["started_ns"]) == ("7", None)
    assert board.started_ns == START + 201 * SECOND


def test_two_loads_within_a_moment_are_two_matches():
    second = [(0.031 + seconds - 200, line) for seconds, line in NEXT_LOAD]
    board = board_of(*LOAD, *second)
    assert (board.match_serial, board.number, board.blue[0]) == (2, "8", "KIM S")


def test_other_number_without_load_is_a_new_match():
    other = LOAD[6][1].replace("mch;7;", "mch;245.A;")
    board = board_of(*LOAD, *FIGHT, (12, "sc1;2;sc2;0"), (50, other))
    assert (board.match_serial, board.number, board.score) == (2, "245.A", (0, 0))
    assert board.previous is not None
    assert board.previous["number"] == "7"


def test_same_number_again_is_the_same_match():
    board = board_of(*LOAD, *FIGHT, (12, "sc1;2;sc2;0"), (50, LOAD[6][1]))
    assert (board.match_serial, board.score) == (1, (2, 0))


def test_match_met_in_its_middle_works_without_load():
    board = board_of(
        (0, "hl1;20"),
        (0.5, "clk;01:36"),
        (1.5, "clk;01:35"),
        (2.0, "sc1;1;sc2;5"),
        (2.01, "s11;13;s21;8;s12;1;s22;5;s13;0;s23;0"),
        (3.0, "wg1;0;wg2;2"),
    )
    assert (board.match_serial, board.loaded_ns) == (0, START)
    assert board.round == 2
    assert board.rounds == ((13, 8, 0), (1, 5, 0))
    assert board.gam_jeoms == ((0, 0), (0, 2))
    assert board.clock_running
    assert board.started_ns == START + 1_500 * MS


def test_asked_answers_in_any_order_keep_the_score():
    board = board_of((0, "sc1;3;sc2;1"), (0.2, "wg1;1;wg2;0"), (0.4, "rnd;2"), (0.6, LOAD[6][1]))
    assert (board.round, board.score, board.number) == (2, (3, 1), "7")
    assert (board.rounds[1], board.gam_jeoms[1]) == ((3, 1, 0), (1, 0))


# --- Scores ---------------------------------------------------------------------------------------


def test_larger_score_counts_when_two_come_in_the_same_millisecond():
    board = board_of(
        *LOAD,
        *FIGHT,
        (12.000, "s11;4;s21;0;s12;0;s22;0;s13;0;s23;0"),
        (12.000, "s11;2;s21;0;s12;0;s22;0;s13;0;s23;0"),
        (12.010, "sc1;4;sc2;0"),
        (12.020, "sc1;2;sc2;0"),
    )
    assert board.rounds == ((4, 0, 0),)
    assert board.score == (4, 0)
    assert board.problems == ()


def test_lower_score_later_is_a_removal_and_is_noted():
    board = board_of(*LOAD, *FIGHT, (12, "sc1;5;sc2;0"), (12.06, "sc1;3;sc2;0"), (12.061, "s11;3;s21;0"))
    assert board.rounds == ((3, 0, 0),)
    assert board.problems == ("Round 1: blue's score went from 5 back to 3.",)


def test_halves_of_a_score_may_come_alone():
    board = board_of(*LOAD, *FIGHT, (12, "sc1;2"), (13, "sc2;3"), (14, "s21;4"))
    assert (board.score, board.rounds) == ((2, 4), ((2, 4, 0),))


def test_score_after_the_end_of_the_clock_counts():
    board = board_of(*LOAD, *FIGHT, *END_OF_ROUND, (130.5, "sc1;3;sc2;0"), (130.5, "s11;3;s21;0"))
    assert board.rounds == ((3, 0, 0),)


def test_score_by_round_reaches_a_round_that_is_over():
    board = board_of(*LOAD, *FIGHT, (12, "sc1;3;sc2;0"), *END_OF_ROUND, (190, "rnd;2"), (195, "s11;5;s21;0"))
    assert (board.rounds, board.score) == ((((5, 0, 0)), (0, 0, 0)), (0, 0))


@pytest.mark.parametrize("offset", [-0.02, 0.02])
def test_score_beside_a_new_round_that_continues_the_old_one_is_the_old_ones(offset: float):
    lines = [(190, "rnd;2"), (190 + offset, "sc1;5;sc2;1")]
    board = board_of(*LOAD, *FIGHT, (12, "sc1;3;sc2;1"), *END_OF_ROUND, *sorted(lines))
    assert (board.rounds, board.score) == (((5, 1, 0), (0, 0, 0)), (0, 0))


@pytest.mark.parametrize("offset", [-0.02, 0.02])
def test_score_beside_a_new_round_that_starts_again_is_the_new_ones(offset: float):
    lines = [(190, "rnd;2"), (190 + offset, "sc1;0;sc2;0")]
    board = board_of(*LOAD, *FIGHT, (12, "sc1;3;sc2;1"), *END_OF_ROUND, *sorted(lines))
    assert (board.rounds, board.score) == (((3, 1, 0), (0, 0, 0)), (0, 0))
    assert board.problems == ()


def test_score_by_round_decides_what_a_score_beside_a_new_round_meant():
    board = board_of(
        *LOAD,
        *FIGHT,
        (12, "sc1;2;sc2;0"),
        *END_OF_ROUND,
        (190, "rnd;2"),
        (190.01, "sc1;2;sc2;2"),
        (190.02, "s11;2;s21;0;s12;2;s22;2;s13;0;s23;0"),
    )
    assert (board.rounds, board.score) == (((2, 0, 0), (2, 2, 0)), (2, 2))
    assert board.problems == ()


def test_score_that_counts_on_over_the_rounds_is_told_apart():
    board = board_of(
        *LOAD,
        *FIGHT,
        (12, "sc1;3;sc2;1"),
        (12, "s11;3;s21;1"),
        (190, "rnd;2"),
        (200, "sc1;5;sc2;1"),
        (200.01, "s11;3;s21;1;s12;2;s22;0"),
        (210, "sc1;5;sc2;4"),
        (300, "rnd;3"),
        (310, "sc1;6;sc2;4"),
        (310, "s11;3;s21;1;s12;2;s22;3;s13;1;s23;0"),
    )
    assert board.rounds == ((3, 1, 0), (2, 3, 0), (1, 0, 0))
    assert board.score == (6, 4)
    assert board.problems == ()


def test_points_of_a_round_whose_beginning_was_lost_open_it():
    board = board_of(*LOAD, *FIGHT, (200, "s11;0;s21;0;s12;0;s22;2;s13;0;s23;0"))
    assert (board.round, board.score, board.rounds) == (2, (0, 2), ((0, 0, 0), (0, 2, 0)))
    assert board.problems == ("Round 2 has points, and its beginning was not heard.",)


def test_golden_round_is_one_more_than_planned():
    board = board_of(
        *LOAD, *FIGHT, (400, "rnd;4"), (410, "sc1;0;sc2;2"), (420, "wrd;rd1;1;rd2;2;rd3;0;rd4;2")
    )
    assert board.as_dict()["golden"]
    assert board.rounds == ((0, 0, 1), (0, 0, 2), (0, 0, 0), (0, 2, 2))
    assert board.problems == ()


def test_rounds_that_cannot_be_are_noted():
    board = board_of(*LOAD, (5, "rnd;2"), (6, "rnd;1"), (7, "rnd;9"), (8, "rnd;77"))
    assert board.round == 9
    assert board.problems == (
        "The round went from 2 back to 1.",
        "Round 9 of a match of 3 rounds.",
        "Round 77 was told, which cannot be.",
    )
    play(heard([(9, "rnd;0"), (10, "rnd;-3"), (11, "rnd;70000"), (12, "rnd;x")]), board)
    assert (board.round, len(board.rounds)) == (9, 9)
    assert board.problems[3:] == tuple(
        f"Round {number} was told, which cannot be." for number in (0, -3, 70000)
    )


def test_senseless_numbers_change_nothing():
    board = board_of(*LOAD, *FIGHT, (12, "sc1;2147483647;sc2;-4"), (13, "wg1;5000;wg2;1"), (14, "hl1;5000"))
    assert (board.score, board.gam_jeom, board.hit_best[1]) == ((0, 0), (0, 1), 0)


# --- Gam-jeoms ------------------------------------------------------------------------------------


def changes(*lines: tuple[float, str]) -> list[tuple[int, int] | None]:
    board = Scoreboard()
    found = []
    for item in heard(lines):
        play([item], board)
        if item[0].kind == "gam_jeom":
            found.append(board.last_change)
    return found


def test_gam_jeom_is_the_athletes_whose_total_rose():
    assert changes(*LOAD, (20, "wg1;0;wg2;1"), (30, "wg1;1"), (40, "wg2;2"), (50, "wg1;1;wg2;2")) == [
        None,
        (2, 1),
        (1, 1),
        (2, 2),
        None,
    ]


def test_gam_jeom_of_both_at_once_is_nobodys():
    assert changes((0, "wg1;1;wg2;1")) == [None]


def test_gam_jeoms_start_again_in_each_round_silently():
    lines = [*LOAD, (20, "wg1;2;wg2;1"), (190, "rnd;2"), (200, "wg1;1;wg2;0")]
    assert changes(*lines)[-1] == (1, 1)
    board = board_of(*lines)
    assert board.gam_jeoms == ((2, 1), (1, 0))
    assert board.problems == ()


def test_gam_jeom_given_again_after_a_silent_removal_is_recognized():
    lines = [
        *LOAD,
        (20.00, "wg1;0;wg2;1"),
        (20.00, "sc1;1;sc2;0"),
        (21.00, "sc1;0;sc2;0"),
        (30.00, "wg1;0;wg2;1"),
        (30.00, "sc1;1;sc2;0"),
    ]
    assert changes(*lines) == [None, (2, 1), (2, 1)]
    assert board_of(*lines).gam_jeoms == ((0, 1),)


def test_silent_removal_keeps_the_highest_gam_jeoms_told_and_notes_the_score():
    board = board_of(*LOAD, (20, "wg1;0;wg2;1"), (20, "sc1;1;sc2;0"), (21, "sc1;0;sc2;0"))
    assert board.gam_jeoms == ((0, 1),)
    assert board.problems == ("Round 1: blue's score went from 1 back to 0.",)


def test_larger_gam_jeoms_count_within_a_moment():
    board = board_of(*LOAD, (20.00, "wg1;2;wg2;0"), (20.01, "wg1;1;wg2;0"))
    assert board.gam_jeom == (2, 0)


# --- Cut and hostile texts ------------------------------------------------------------------------


def test_cut_country_does_not_replace_a_whole_one():
    board = board_of(
        *LOAD[:7],
        (0.02, "at1;ÁLVAREZ Ñ;ÁLVAREZ Ñ;ESP;at2;李;李;KOR;"),
        (5, "at1;ÁLVAREZ Ñ;ÁLVAREZ Ñ;ESP;at2;李;李;K".encode()),
    )
    assert (board.blue, board.red) == (("ÁLVAREZ Ñ", "ÁLVAREZ Ñ", "ESP"), ("李", "李", "KOR"))


def test_cut_country_is_filled_by_a_whole_one_of_the_same_athlete():
    board = board_of(
        *LOAD[:7],
        (0.02, "at1;ÁLVAREZ Ñ;ÁLVAREZ Ñ;ESP;at2;李;李;K".encode()),
        (5, "at1;ÁLVAREZ Ñ;ÁLVAREZ Ñ;ESP;at2;李;李;KOR;"),
    )
    assert board.red == ("李", "李", "KOR")


def test_names_of_other_athletes_replace_those_before():
    board = board_of(*LOAD, (5, "at1;LEE DH;LEE DH;KOR;at2;박;박;K".encode()))
    assert board.red[0] == "박"
    assert board.red[2] != "ITA"


def test_one_athlete_alone_leaves_the_other():
    board = board_of(*LOAD, (5, "at2;MOSER L;MOSER L;SUI"))
    assert (board.blue[0], board.red) == ("LEE DH", ("MOSER L", "MOSER L", "SUI"))


def test_texts_are_cut_to_what_the_database_holds():
    name = "X" * 5000
    board = board_of(
        (0, "pre;FightLoaded"),
        (0.01, f"mch;{name};{name};{name};;#1;#2;#3;#4;{name};{name};3;120;cntDown;21;5"),
        (0.02, f"at1;{name};{name};{name};at2;{name};{name};{name}"),
    )
    fields = board.match_fields()
    assert [len(fields[key]) for key in ("number", "phase", "category", "division")] == [32, 64, 100, 100]
    assert fields["blue"] == ("X" * 200, "X" * 100, "X" * 10)
    assert len(json.dumps(board.as_dict())) < 4000


@pytest.mark.parametrize(
    "cut", ["at1;ЩЕРБАКОВА А;ЩЕРБАКОВА А;RUS;at2;ИВАН", "at1;ЩЕРБАКОВА А;ЩЕРБАКОВА А;RUS;at2;"]
)
def test_winner_whose_name_was_cut_off_is_named_by_the_result(cut: str):
    board = board_of(*LOAD[:7], (0.02, cut.encode()), *FIGHT, *END_OF_ROUND)
    play(heard([(140, "wmh;ИВАНОВ Б;0-2".encode()), (140.01, "win;RED")]), board)
    assert (board.blue[0], board.red) == ("ЩЕРБАКОВА А", ("ИВАНОВ Б", "ИВАНОВ Б", ""))


def test_name_that_is_not_known_is_not_taken_for_the_match_befores():
    board = board_of(
        *[
            (0, "pre;FightLoaded"),
            (0.01, LOAD[6][1]),
            (0.02, "at1;ЩЕРБАКОВА А;ЩЕРБАКОВА А;RUS;at2;".encode()),
        ],
        *[(5, "wmh;KIM S;2-0 PTF"), (5.01, "win;RED")],
    )
    assert (board.winner, board.red) == ("", ("", "", ""))
