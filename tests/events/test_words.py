"""Every kind of message in plain words."""

import json
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.kinds import Kind
from events.words import clock_text, decision_text, describe, duration_text
from ingest.protocol import as_echo, parse

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
    (b"rnd;-3\r\n", "Round -3"),
    (b"pt1;-3\r\n", "Blue: points, how many was not readable"),
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


def _object(name: str, **fields: object) -> bytes:
    told = {
        "eventType": name,
        "matchNumber": "7",
        "roundNumber": 2,
        "roundTimestampStr": "01:23.450",
        **fields,
    }
    return json.dumps(told).encode()


# The JSON output names what the text output hides.
OBJECTS = [
    (_object("BLUE_BODY_POINT", hitlevel=34), "Blue: kick to the body, 2 points, hit level 34"),
    (_object("BLUE_HEAD_TECH_POINT"), "Blue: technical kick to the head, 2 points"),
    (_object("RED_PUNCH_POINT", eventRemovePoints=True), "Red: punch taken back, 1 point less"),
    (_object("RED_BODY_HIT", redBodyLevel=12), "Red: body hit level 12"),
    (_object("RED_HEAD_HIT"), "Red: head hit, its level was not readable"),
    (_object("OT_BLUE_BODY_HIT", blueBodyLevel=9), "Blue: body hit while the clock stands, level 9"),
    (_object("BLUE_ADD_GAME_JEON", bluePenalties=1), "Blue: gam-jeom (1)"),
    (
        _object("RED_REMOVE_GAME_JEON", redPenalties=0, eventRemovePoints=True),
        "Red: gam-jeom taken back (0 left)",
    ),
    (_object("RED_JUDGE_BODY_TECH", calledByJudgeNumber=2), "Judge 2: red technical kick to the body"),
    (_object("RED_VIDEO_REQUEST"), "Video replay asked by red"),
    (_object("BLUE_VIDEO_QUOTA_CHANGED"), "Video replay of blue denied"),
    (_object("ROUNDCOUNTDOWN_CHANGE"), "Clock 1:23"),
    (_object("TIMEOUT"), "Clock stopped at 1:23"),
    (_object("KYE_SHI"), "Kye-shi, clock stopped at 1:23"),
    (_object("KYESHI_CHANGE", roundTimestampStr="00:59.999"), "Injury time: 0:59 left"),
    (_object("DOCTOR"), "Doctor called"),
    (_object("MOVE_TO_NEXT_ROUND"), "Round 2"),
    (_object("MOVE_TO_NEXT_ROUND", roundNumber=1), "Match 7 loaded"),
    (_object("END_ROUND", blueRoundWins=1, redRoundWins=1), "Round 2 is over, rounds won 1–1"),
    (
        _object(
            "MATCH_FINISHED", blueRoundWins=2, redRoundWins=1, matchWinner="BLUE", matchFinalDecision="PTF"
        ),
        "Result: blue, 2–1, on points (PTF)",
    ),
    (_object("BLUE_DANCED"), "Unknown message “json”"),
]


@pytest.mark.parametrize(("datagram", "words"), WORDS + OBJECTS)
def test_describe_says_what_happened(datagram: bytes, words: str):
    (message,) = parse(datagram)
    assert describe(message) == words


def test_describe_knows_every_kind():
    kinds = {parse(datagram)[0].kind for datagram, _ in WORDS + OBJECTS}
    assert kinds | {"echo"} == set(Kind.values)


@pytest.mark.parametrize(("datagram", "words"), WORDS[:3] + OBJECTS)
def test_echo_is_described_as_what_it_repeats(datagram: bytes, words: str):
    (message,) = parse(datagram)
    assert describe(as_echo(message)) == words


def test_echo_of_nothing_and_of_itself_is_described():
    for details in ({}, {"kind": "echo"}, {"kind": "dance"}):
        echo = SimpleNamespace(stream="json", kind="echo", status="recognized", details=details)
        assert describe(echo) == "Unknown message “json”"


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


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (-1, "0 s"),
        (40, "0 s"),
        (4_500, "4.5 s"),
        (9_960, "10 s"),
        (59_600, "1 min"),
        (130_000, "2 min 10 s"),
        (3_600_000, "1 h"),
        (3_605_000, "1 h"),
        (90 * 3_600_000 + 61_000, "90 h 1 min"),
    ],
)
def test_duration_is_told_in_the_two_units_that_matter(ms: float, text: str) -> None:
    assert duration_text(ms) == text
