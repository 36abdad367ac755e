"""Every kind of message in plain words."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.kinds import Kind
from events.words import clock_text, decision_text, describe
from ingest.protocol import parse

WORDS = [
    (b"pt1;3\r\n", "Blue: head kick, 3 points"),
    (b"pt2;1\r\n", "Red: punch, 1 point"),
    (b"pt1;4\r\n", "Blue: body kick, 4 points"),
    (b"pt2;4;", "Red: technical body kick, 4 points"),
    (b"pt2;5;", "Red: technical head kick, 5 points"),
    (b"pt1;\r\n", "Blue: points, how many was not readable"),
    (b"hl1;34\r\n", "Blue: hit level 34"),
    (b"hl2;99\r\n", "Red: hit level 99, given by the judges"),
    (b"hl2;\r\n", "Red: hit, its level was not readable"),
    (b"wg1;1;wg2;2\r\n", "Gam-jeoms: blue 1, red 2"),
    (b"wg2;2\r\n", "Gam-jeoms: red 2"),
    (b"sc1;13;sc2;8\r\n", "Score 13–8"),
    (b"sc1;13\r\n", "Score: blue 13"),
    (b"s11;13;s21;8;s12;0\r\n", "Scores: round 1 13–8, round 2 0–?"),
    (b"rnd;2\r\n", "Round 2"),
    (b"rnd;x\r\n", "Round, its number was not readable"),
    (b"clk;01:35;start\r\n", "Clock started at 1:35"),
    (b"clk;01:35;stop\r\n", "Clock stopped at 1:35"),
    (b"clk;00:50;corr\r\n", "Clock set to 0:50"),
    (b"clk;0:00;stopEnd\r\n", "Clock ran out"),
    (b"clk;01:34\r\n", "Clock 1:34"),
    (b"clk;01:75\r\n", "Clock ?"),
    (b"brk;00:59\r\n", "Rest 0:59"),
    (b"brk;01:00;start\r\n", "Rest started, 1:00"),
    (b"brk;0:00;stopEnd\r\n", "Rest is over"),
    (b"ij0;01:00;show\r\n", "Injury time: 1:00 on the clock"),
    (b"ij1;00:47;hide\r\n", "Injury time of blue: ended, 0:47 left"),
    (b"ij2;00:47\r\n", "Injury time of red: 0:47 left"),
    (b"to1;01:00;start\r\n", "Time-out of blue: started, 1:00"),
    (b"to2;00:30;{odd}\r\n", "Time-out of red: 0:30 ((odd))"),
    (b"ch1;\r\n", "Video replay asked by blue"),
    (b"ch0;\r\n", "Video replay asked by the referee"),
    (b"ch2;0\r\n", "Video replay of red denied"),
    (b"ch1;1;1;", "Video replay of blue accepted, won"),
    (b"ch1;1;0;", "Video replay of blue accepted, lost"),
    (b"ch1;-1\r\n", "Video replay of blue closed"),
    (b"ch1;7\r\n", "Video replay of blue, the answer was not readable"),
    (b"wrd;rd1;1;rd2;2;rd3;0;rd4;0\r\n", "Round winners: round 1 blue, round 2 red"),
    (b"wrd;rd1;0;rd2;0;rd3;0;rd4;0\r\n", "Round winners: none yet"),
    (b"wrd;\r\n", "Round winners, not readable"),
    (b"win;BLUE\r\n", "Winner: blue"),
    (b"win;TIE\r\n", "Match ends in a tie"),
    (b"win;\r\n", "Winner, not readable"),
    (b"wmh;LEE DH;2-1 PTF\r\n", "Result: LEE DH, 2–1, on points (PTF)"),
    (b"wmh;LEE DH;2-1 IRM\r\n", "Result: LEE DH, 2–1, IRM"),
    (b"wmh;;3-3\r\n", "Result: no name, 3–3"),
    (b"at1;LEE;LEE DH;KOR;at2;null;null;ITA\r\n", "Athletes: blue LEE DH (KOR)"),
    (b"at1;null;null;null\r\n", "Athletes, not named"),
    (
        b"mch;101;Final;MEN M -68KG;;#0000ff;#FFFFFF;#ff0000;#FFFFFF;ID;SENIORS;3;120;cntDown;21;5\r\n",
        "Match 101, Final, MEN M -68KG, SENIORS, 3 rounds of 2:00",
    ),
    (b"mch;\r\n", "Match without a number"),
    (b"ref;SMITH J;USA;ju1;GARCIA M;ESP;\r\n", "Officials: referee SMITH J (USA); judge GARCIA M (ESP)"),
    (b"ref;\r\n", "Officials, not named"),
    (b"pre;FightLoaded\r\n", "New match loaded"),
    (b"rdy;FightReady\r\n", "Match ready"),
    (b"avt;30;", "Athlete video time 30"),
    (b"hel;\r\n", "Scoring system connected"),
    (b"Udp Port 6000 connected;", "Scoring system connected (port 6000)"),
    (b"bye;\r\n", "Scoring system disconnected"),
    (b"inlb;50:\r\n", "Setting inlb: 50"),
    (b"hwt;5\r\n", "Hardware test: red head"),
    (b"hwt;9\r\n", "Hardware test: not readable"),
    (b"rst;1\r\n", "Unknown message “rst”"),
    (b"", "Not readable"),
    (b"\x00\x01\x02", "Not readable"),
]


@pytest.mark.parametrize(("datagram", "words"), WORDS)
def test_describe_says_what_happened(datagram: bytes, words: str):
    (message,) = parse(datagram)
    assert describe(message) == words


def test_describe_knows_every_kind():
    kinds = {parse(datagram)[0].kind for datagram, _ in WORDS}
    assert kinds == set(Kind.values)


def test_gam_jeom_given_to_an_athlete_is_told_as_theirs():
    event = SimpleNamespace(
        stream="wg1",
        kind="gam_jeom",
        athlete=2,
        value=2,
        round=None,
        clock_ms=None,
        details={"blue": 0, "red": 2},
        status="recognized",
    )
    assert describe(event) == "Red: gam-jeom (2)"


def test_clock_and_decision_texts():
    assert [clock_text(ms) for ms in (None, 0, 59_999, 120_000, -5)] == ["?", "0:00", "0:59", "2:00", "0:00"]
    assert [decision_text(code) for code in ("PTF", "XYZ", "")] == ["on points", "XYZ", ""]


@pytest.mark.parametrize("kind", [*Kind.values, "later kind"])
@pytest.mark.parametrize("status", ["partial", "malformed"])
def test_describe_never_fails_on_an_event_of_which_little_is_known(kind: str, status: str):
    for athlete in (0, 1, 2, 7):
        event = SimpleNamespace(
            stream="",
            kind=kind,
            athlete=athlete,
            value=None,
            round=None,
            clock_ms=None,
            details={},
            status=status,
        )
        assert describe(event)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=30).map(lambda text: f"wmh;{text};2-1 {text}\r\n".encode()))
def test_describe_never_fails(datagram: bytes):
    for message in parse(datagram):
        assert describe(message)
