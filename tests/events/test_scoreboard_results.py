"""Winners of rounds and matches, and results of another match, by the lines that call for each rule."""

import pytest

from tests.events.boards import END_OF_ROUND, FIGHT, LOAD, NEXT_LOAD, SECOND, START, board_of, heard, play


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
