"""Each rule of the scoreboard, by the lines that call for it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.scoreboard import Scoreboard
from ingest.protocol import parse
from tests.events.boards import LOAD, MS, SECOND, START, board_of, heard, play

FIGHT = [(10.0, "clk;02:00;start"), (11.0, "clk;01:59")]
END_OF_ROUND = [(130.0, "clk;0:00;stopEnd"), (130.02, "clk;00:00;stop")]
NEXT_LOAD = [
    (200.000, "pre;FightLoaded"),
    (200.001, "rnd;1"),
    (200.013, "mch;8;Final;MEN M -80KG;;#0000ff;#FFFFFF;#ff0000;#FFFFFF;ID-8;SENIORS;3;120;cntDown;21;5"),
    (200.027, "at1;KIM S;KIM S;KOR;at2;BERG O;BERG O;NOR"),
]


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


# --- Clock and rest -------------------------------------------------------------------------------


def test_clock_runs_stops_and_is_corrected():
    board = board_of(*LOAD, *FIGHT)
    card = board.as_dict()
    assert (card["clock_ms"], card["clock_running"]) == (119_000, True)
    assert card["clock_at"] == (START + 11 * SECOND) // MS
    play(heard([(20, "clk;01:50;stop"), (25, "clk;01:10;corr")]), board)
    assert (board.clock_ms, board.clock_running) == (70_000, False)


def test_tick_in_the_moment_of_the_stop_does_not_start_the_clock():
    board = board_of(*LOAD, *FIGHT, (20.00, "clk;01:50;stop"), (20.02, "clk;01:51"))
    assert (board.clock_ms, board.clock_running) == (110_000, False)


def test_first_tick_may_overtake_the_start():
    board = board_of(*LOAD, (10.000, "clk;01:59"), (10.001, "clk;02:00;start"))
    assert (board.clock_ms, board.clock_running) == (119_000, True)


def test_clock_that_counts_runs_though_its_start_was_lost():
    board = board_of(*LOAD, *FIGHT, (12, "clk;01:58;stop"), (40, "clk;01:57"))
    assert board.clock_running


@pytest.mark.parametrize("order", [1, -1])
def test_rest_ends_with_the_round_either_way_round(order: int):
    ends = [(190.000, "rnd;2"), (190.002, "brk;0:00;stopEnd")]
    texts = [text for _, text in ends][::order]
    board = board_of(*LOAD, *FIGHT, *END_OF_ROUND, (131, "brk;00:59"), (132, "brk;00:58"))
    assert board.as_dict()["rest"] == {"ms": 58_000, "running": True, "at": (START + 132 * SECOND) // MS}
    play(heard([(seconds, text) for (seconds, _), text in zip(ends, texts, strict=True)]), board)
    assert (board.as_dict()["rest"], board.round, board.clock_ms) == (None, 2, 120_000)


def test_rest_that_ends_silently_ends_with_the_round():
    board = board_of(*LOAD, *FIGHT, *END_OF_ROUND, (170, "brk;00:20"), (170.002, "rnd;2"))
    assert board.rest_ms is None


def test_sender_that_leaves_stops_its_clocks():
    board = board_of(*LOAD, *FIGHT, (12, "bye;"))
    assert not board.clock_running


# --- Stoppages and replays ------------------------------------------------------------------------


def test_injury_time_is_kept_with_its_length():
    board = board_of(*LOAD, *FIGHT, (20, "clk;01:50;stop"), (20.01, "ij1;01:00;show"), (21, "ij1;00:59"))
    assert board.as_dict()["injury"] == {"side": 1, "ms": 59_000, "at": (START + 21 * SECOND) // MS}
    version = board.version
    play(heard([(22, "ij1;00:58")]), board)
    assert board.version == version
    play(heard([(32, "ij1;00:48;hide"), (32.001, "ij1;00:48")]), board)
    assert board.as_dict()["injury"] is None
    assert board.match_fields()["injuries"] == [
        {
            "side": 1,
            "round": 1,
            "clock_ms": 110_000,
            "started_ns": START + 20_010 * MS,
            "shown_ms": 60_000,
            "left_ms": 48_000,
            "ended_ns": START + 32 * SECOND,
        }
    ]


def test_stoppage_is_over_when_the_clock_starts():
    board = board_of(*LOAD, *FIGHT, (20, "clk;01:50;stop"), (21, "ij0;01:00;show"), (50, "clk;01:50;start"))
    injury = board.match_fields()["injuries"][0]
    assert (injury["left_ms"], injury["ended_ns"]) == (None, START + 50 * SECOND)
    assert board.injury is None


def test_para_time_out_that_runs_out_ends_the_right_one():
    board = board_of(
        *LOAD,
        *FIGHT,
        (20, "clk;01:50;stop"),
        (21, "to1;01:00;start"),
        (22, "to1;00:59"),
        (81, "to2;00:00;stop"),
        (81.01, "to1;00:00;stop"),
    )
    outs = board.match_fields()["time_outs"]
    assert [(o["side"], o["shown_ms"], o["left_ms"], o["ended_ns"]) for o in outs] == [
        (1, 60_000, 0, START + 81_010 * MS)
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["ch1;", "ch1;1"], [(1, "accepted", None)]),
        (["ch2;", "ch2;0"], [(2, "denied", None)]),
        (["ch2;", "ch2;-1"], [(2, "closed", None)]),
        (["ch0;", "ch0;1;1"], [(0, "accepted", True)]),
        (["ch1;", "ch1;1;0", "ch1;-1"], [(1, "accepted", False)]),
        (["ch1;", "ch2;", "ch2;0", "ch1;1"], [(1, "accepted", None), (2, "denied", None)]),
        (["ch1;1"], [(1, "accepted", None)]),
        (["ch1;", "ch1;", "ch1;0", "ch1;1"], [(1, "accepted", None)]),
    ],
)
def test_video_replay_states(lines: list[str], expected: list[tuple[int, str, bool | None]]):
    board = board_of(*LOAD, *FIGHT, *[(20.0 + n, line) for n, line in enumerate(lines)])
    assert [(r["side"], r["state"], r["won"]) for r in board.replays] == expected


def test_open_video_replay_is_on_the_card():
    board = board_of(*LOAD, *FIGHT, (20, "clk;01:50;stop"), (21, "ch2;"))
    assert board.as_dict()["replay"] == {"side": 2, "round": 1, "clock_ms": 110_000}


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


def test_result_without_decision_is_filled_by_a_later_one():
    lines = [*LOAD, *FIGHT, *END_OF_ROUND]
    board = board_of(*lines, (140, "wmh;LEE DH;2-1"), (140, "win;BLUE"))
    assert (board.winner, board.decision) == ("blue", "")
    play(heard([(141, "wmh;LEE DH;2-1 PTF"), (142, "wmh;LEE DH;2-1")]), board)
    assert (board.winner, board.decision) == ("blue", "PTF")


def test_result_alone_tells_the_winner():
    assert board_of(*LOAD, *FIGHT, *END_OF_ROUND, (140, "wmh;ROSSI V;2-1 PTF")).winner == "red"
    assert board_of(*LOAD, *FIGHT, *END_OF_ROUND, (140, "wmh;;3-3")).winner == "tie"


def test_win_is_better_evidence_than_the_result():
    board = board_of(*LOAD, *FIGHT, *END_OF_ROUND, (140, "wmh;;0-2 DSQ"), (140.01, "win;BLUE"))
    assert (board.winner, board.decision) == ("blue", "DSQ")


@pytest.mark.parametrize("decision", ["WDR", "DSQ", "RSC", "BKO"])
@pytest.mark.parametrize("figures", ["0-0", "2-0"])
def test_figures_tell_no_winner_where_the_decision_does_not_go_by_them(decision: str, figures: str):
    board = board_of(*LOAD, *FIGHT, *END_OF_ROUND, (140, f"wmh;;{figures} {decision}"))
    assert (board.winner, board.decision) == ("", decision)
    assert board.problems == ()


@pytest.mark.parametrize("lines", [["wmh;LEE DH;2-0 PTF", "win;RED"], ["win;RED", "wmh;LEE DH;2-0 PTF"]])
@pytest.mark.parametrize("apart", [0.01, 1])
def test_winner_other_than_the_results_counts_and_is_noted(lines: list[str], apart: float):
    told = [(140 + n * apart, line) for n, line in enumerate(lines)]
    board = board_of(*LOAD, *FIGHT, *END_OF_ROUND, *told)
    assert (board.winner, board.decision) == ("red", "PTF")
    assert board.problems == ("The result says blue, and the winner told is red, which counts.",)


def test_winner_corrected_is_noted():
    board = board_of(*LOAD, *FIGHT, *END_OF_ROUND, (140, "win;BLUE"), (150, "win;RED"))
    assert (board.winner, board.ended_ns) == ("red", START + 140 * SECOND)
    assert board.problems == ("The winner was corrected from blue to red.",)


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


# --- Stale answers and withdrawals ----------------------------------------------------------------

FIRST_MATCH = [*LOAD, *FIGHT, *END_OF_ROUND, (140, "wmh;LEE DH;2-0 PTF"), (140, "win;BLUE")]


@pytest.mark.parametrize("lines", [["wmh;LEE DH;2-0 PTF", "win;BLUE"], ["win;BLUE", "wmh;LEE DH;2-0 PTF"]])
def test_answer_about_the_match_before_is_left_out(lines: list[str]):
    stale = [(201 + n / 1000, line) for n, line in enumerate(lines)]
    board = board_of(*FIRST_MATCH, *NEXT_LOAD, *stale)
    assert (board.number, board.winner, board.decision, board.ended_ns) == ("8", "", "", None)
    assert board.problems == ("A result of another match was left out: LEE DH PTF.",)


def test_answer_about_the_match_before_while_the_clock_runs_is_left_out():
    lines = [(201, "clk;02:00;start"), (202, "clk;01:59"), (202.5, "wmh;LEE DH;2-0 PTF"), (202.5, "win;BLUE")]
    board = board_of(*FIRST_MATCH, *NEXT_LOAD, *lines)
    assert (board.winner, board.clock_running) == ("", True)


def test_answer_about_the_same_athletes_match_before_is_left_out():
    again = [(seconds, line.replace("KIM S", "LEE DH")) for seconds, line in NEXT_LOAD]
    board = board_of(*FIRST_MATCH, *again, (201, "wmh;LEE DH;2-0 PTF"), (201, "win;BLUE"))
    assert board.winner == ""


def test_winner_without_a_result_before_the_fight_is_not_believed():
    board = board_of(*FIRST_MATCH, *NEXT_LOAD, (201, "win;BLUE"))
    assert board.winner == ""
    play(heard([(202, "wmh;BERG O;0-0 WDR")]), board)
    assert board.decision == "WDR"


@pytest.mark.parametrize(
    "result", ["wmh;BERG O;0-0 WDR", "wmh;BERG O;0-0", "wmh;Berg Olav;0-0 DSQ", "wmh;;0-0 WDR"]
)
def test_withdrawal_has_a_result_without_any_clock(result: str):
    board = board_of(*FIRST_MATCH, *NEXT_LOAD, (201, result), (201.01, "win;RED"))
    assert (board.winner, board.started_ns) == ("red", None)
    assert board.ended_ns == START + 201 * SECOND


def test_result_before_the_first_start_of_the_clock_was_another_matchs():
    again = [(seconds, line.replace("KIM S", "LEE DH")) for seconds, line in NEXT_LOAD]
    board = board_of(*again, (201, "wmh;LEE DH;2-0 PTF"), (201, "win;BLUE"))
    assert board.winner == "blue"
    play(heard([(210, "clk;02:00;start")]), board)
    assert (board.winner, board.decision, board.ended_ns) == ("", "", None)


def test_result_with_a_name_written_otherwise_counts_after_a_fight():
    board = board_of(*LOAD, *FIGHT, *END_OF_ROUND, (140, "wmh;Lee Dong-Hyun;2-0 PTF"))
    assert (board.winner, board.decision) == ("blue", "PTF")


def test_result_counts_when_the_end_of_the_clock_was_lost():
    board = board_of(*LOAD, *FIGHT, (20, "wmh;Someone;2-0 RSC"), (20.01, "win;BLUE"))
    assert (board.winner, board.decision, board.clock_running) == ("blue", "RSC", False)


# --- Round winners --------------------------------------------------------------------------------

ROUND_1 = [*LOAD, *FIGHT, (12, "sc1;3;sc2;1"), (12.01, "s11;3;s21;1"), *END_OF_ROUND]


def test_round_winner_is_corrected_after_the_round():
    board = board_of(*ROUND_1, (130.1, "wrd;rd1;0;rd2;0;rd3;0;rd4;0"), (134, "wrd;rd1;1;rd2;0;rd3;0;rd4;0"))
    assert board.rounds == ((3, 1, 1),)
    assert board.as_dict()["blue"]["rounds_won"] == 1


def test_decided_round_is_not_undone_within_five_seconds():
    board = board_of(*ROUND_1, (130, "wrd;rd1;1;rd2;0;rd3;0"), (134.9, "wrd;rd1;0;rd2;0;rd3;0"))
    assert board.rounds == ((3, 1, 1),)


def test_decided_round_is_undone_or_corrected_later_on_the_senders_word():
    board = board_of(*ROUND_1, (130, "wrd;rd1;1;rd2;0;rd3;0"), (140, "wrd;rd1;2;rd2;0;rd3;0"))
    assert board.rounds == ((3, 1, 2),)
    assert board.problems == ("Round 1's winner was corrected from blue to red.",)
    play(heard([(150, "wrd;rd1;0;rd2;0;rd3;0")]), board)
    assert board.rounds == ((3, 1, 0),)


def test_round_winner_that_cannot_be_read_undoes_nothing():
    board = board_of(*ROUND_1, (130, "wrd;rd1;1;rd2;0;rd3;0"), (150, "wrd;rd1;7;rd2;0;rd3;0"))
    assert board.rounds == ((3, 1, 1),)


def test_round_over_without_a_winner_told_is_settled_by_its_score():
    board = board_of(*ROUND_1, (130.1, "wrd;rd1;0;rd2;0;rd3;0"), (190, "rnd;2"))
    assert board.rounds == ((3, 1, 1), (0, 0, 0))


def test_round_with_five_gam_jeoms_of_the_leader_is_not_settled_by_its_score():
    board = board_of(*ROUND_1, (130.1, "wg1;5;wg2;0"), (131, "wrd;rd1;0;rd2;0;rd3;0"), (190, "rnd;2"))
    assert board.rounds == ((3, 1, 0), (0, 0, 0))


def test_last_round_without_a_winner_told_is_settled_by_the_result():
    board = board_of(
        *ROUND_1,
        (131, "wrd;rd1;2;rd2;0;rd3;0"),
        (190, "rnd;2"),
        (240, "wrd;rd1;2;rd2;0;rd3;0"),
        (250, "wmh;ROSSI V;0-2 PTF"),
        (250, "win;RED"),
    )
    assert board.rounds == ((3, 1, 2), (0, 0, 2))


# --- Links and versions ---------------------------------------------------------------------------


def linked(lines: list[tuple[float, str]]) -> list[list[object]]:
    board = Scoreboard()
    found = []
    for message, ns, sequence in heard(lines):
        board.apply(message, ns, sequence)
        found.append(list(board.linked))
    return found


def test_point_is_linked_to_the_hits_of_its_athlete_in_five_seconds():
    lines = [(0.9, "hl1;9"), (1.0, "hl1;12"), (4.0, "hl2;50"), (5.9, "hl1;34"), (6.0, "pt1;2")]
    assert linked(lines) == [[], [], [], [], [[2, 12], [4, 34]]]


def test_hit_after_a_point_is_linked_to_it_for_half_a_second():
    lines = [
        (1.0, "pt1;2"),
        (1.1, "hl1;30"),
        (1.2, "hl2;30"),
        (1.3, "pt1;3"),
        (1.5, "hl1;31"),
        (1.7, "hl1;32"),
    ]
    assert linked(lines) == [[], [1], [], [[2, 30]], [1, 4], [4]]


def test_hits_of_another_session_are_not_linked():
    board = Scoreboard()
    (hit, ns, _), (point, later, _) = heard([(0, "hl1;30"), (1, "pt1;2")])
    board.apply(hit, ns, 900)
    board.start_session()
    board.apply(point, later, 1)
    assert board.linked == []


def test_links_of_a_flood_stay_bounded():
    lines = [(n / 1000, "hl1;30") for n in range(3000)]
    assert len(linked([*lines, (3.1, "pt1;2")])[-1]) == 64


def test_level_given_by_judges_is_not_the_best_hit():
    board = board_of(*LOAD, *FIGHT, (12, "hl1;99"), (13, "hl1;31"))
    assert (board.hits[1], board.hit_best[1], board.hit_sum[1]) == (2, 31, 31)


def test_version_rises_only_with_the_match():
    board = board_of(*LOAD, *FIGHT)
    version = board.version
    quiet = [
        (12, "clk;01:58"),
        (12.1, "hl1;30"),
        (12.2, "pt1;2"),
        (13, "clk;01:57"),
        (14, "avt;3"),
        (15, "hwt;2"),
    ]
    play(heard([*quiet, (16, "sc1;0;sc2;0"), (17, LOAD[6][1]), (18, "rubbish")]), board)
    assert board.version == version
    play(heard([(20, "sc1;2;sc2;0")]), board)
    assert board.version == version + 1


# --- Anything at all ------------------------------------------------------------------------------

CODES = [
    *(
        "pt1",
        "pt2",
        "hl1",
        "hl2",
        "wg1",
        "wg2",
        "sc1",
        "sc2",
        "s11",
        "s23",
        "rnd",
        "clk",
        "brk",
        "ij0",
        "ij1",
    ),
    *(
        "to1",
        "to2",
        "ch0",
        "ch1",
        "wrd",
        "win",
        "wmh",
        "at1",
        "at2",
        "mch",
        "ref",
        "pre",
        "rdy",
        "avt",
        "hel",
    ),
    *("bye", "hwt", "rst", "xyz"),
]
WORDS = [
    *("0", "1", "2", "3", "-1", "99", "999999999999", "0:00", "01:30", "61:00", "start", "stop", "corr"),
    *("stopEnd", "show", "hide", "reset", "BLUE", "RED", "TIE", "wg2", "sc2", "s21", "at2", "ju1", "rd1"),
    *("rd2", "null", "2-1", "PTF", "WDR", "K"),
]
FIELDS = st.sampled_from(WORDS) | st.text(max_size=6)
LINES = st.builds(
    lambda code, fields, end: ";".join([code, *fields]).encode("utf-8", "surrogatepass") + end,
    st.sampled_from(CODES),
    st.lists(FIELDS, max_size=16),
    st.sampled_from([b"\r\n", b";", b""]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(LINES | st.binary(max_size=20), st.integers(-100, 5000)), max_size=40))
def test_board_takes_anything_and_stays_json(datagrams: list[tuple[bytes, int]]):
    board = Scoreboard()
    ns = START
    for datagram, step in datagrams:
        ns += step * MS
        for message in parse(datagram):
            version, counted, fields = board.version, board.counted, board.match_fields()
            figures = fields.pop("figures")
            board.apply(message, ns, 1)
            after = board.match_fields()
            if (board.version, board.counted) == (version, counted):
                assert after["figures"] == figures
            del after["figures"]
            assert (board.version == version) == (after == fields)
    json.dumps(board.as_dict(), allow_nan=False)
    json.dumps(board.match_fields(), allow_nan=False)
    assert board.match_fields()["winner"] in ("", "blue", "red", "tie")
    assert all(blue >= 0 and red >= 0 and w in (0, 1, 2) for blue, red, w in board.rounds)


def test_mad_sender_does_not_make_a_match_grow_without_end():
    lines: list[tuple[float, str]] = [*LOAD]
    for n in range(400):
        lines += [(10.0 + n, f"ch{n % 3};"), (10.3 + n, f"ch{n % 3};0"), (10.6 + n, f"sc1;{n % 7};sc2;0")]
        lines += [(50_000 + n * 40.0, f"ij0;01:00;{('show', 'hide')[n % 2]}")]
        lines += [(100_000 + n * 40.0, "ch1;"), (100_035 + n * 40.0, "ch1;0")]
    board = board_of(*sorted(lines))
    assert len(board.problems) == 1
    play(heard([(200_000.0 + n, f"sc1;{n % 3};sc2;{n % 5}") for n in range(400)]), board)
    assert len(board.replays) == 60
    assert len(board.injuries) == 60
    assert len(board.problems) == 20
