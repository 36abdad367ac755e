"""Hits and points linked to each other, what is counted, and a board that takes anything."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from events.scoreboard import Scoreboard
from ingest.protocol import parse
from tests.events.boards import FIGHT, LOAD, MS, START, board_of, heard, play

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
