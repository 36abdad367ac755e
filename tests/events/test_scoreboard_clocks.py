"""Clock and rest, stoppages and video replays on the scoreboard, by the lines that call for each rule."""

import pytest

from tests.events.boards import END_OF_ROUND, FIGHT, LOAD, MS, SECOND, START, board_of, heard, play

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
