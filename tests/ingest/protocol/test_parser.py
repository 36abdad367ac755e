import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.protocol import KINDS, STATUSES, Message, parse, unescape
from ingest.protocol.parser import _read_line, _read_plain
from tests.captures import capture

KNOWN = """
pt1 pt2 hl1 hl2 wg1 wg2 sc1 sc2 s11 s21 s23 rnd clk brk ij0 ij1 to1 to2 ch0 ch1 ch2
wrd win wmh at1 at2 mch ref pre rdy avt hel bye inlb insl inth hwt sup rst zzz
"""
CODES = tuple(re.findall(r"\w+", KNOWN))
field = st.one_of(
    st.text(max_size=8),
    st.integers(-(10**12), 10**12).map(str),
    st.sampled_from(
        [*CODES, "", "00:59", "1:75", "0:00", "start", "null", "rd1", "ju1", "2-1 PTF", "\0", "{"]
    ),
)
line_like = st.builds(
    lambda code, fields, end: (";".join([code, *fields]) + end).encode("utf-8", "surrogatepass"),
    st.sampled_from(CODES),
    st.lists(field, max_size=18),
    st.sampled_from(["\r\n", "\n", "\r", ";", ";\r\n", ""]),
)
datagrams = st.one_of(
    st.binary(max_size=200),
    line_like,
    st.lists(st.one_of(line_like, st.binary(max_size=6)), max_size=4).map(b"".join),
    st.builds(lambda data, length: data[:length], line_like, st.integers(0, 80)),
)


def one(datagram: bytes | str, dialect: str = "") -> Message:
    messages = parse(datagram.encode() if isinstance(datagram, str) else datagram, dialect)
    assert len(messages) == 1
    return messages[0]


def assert_storable(datagram: bytes, messages: tuple[Message, ...]) -> None:
    assert messages
    assert b"".join(unescape(message.raw) for message in messages) == datagram
    for message in messages:
        text = json.dumps(message.details, ensure_ascii=False, allow_nan=False) + message.raw + message.error
        text.encode()
        assert "\0" not in text
        assert "\\u0000" not in json.dumps(message.details)
        assert message.kind in KINDS
        assert message.status in STATUSES
        assert message.dialect in ("T", "P", "")
        assert message.athlete in (0, 1, 2)
        assert len(message.stream) <= 16
        assert len(message.error) <= 200
        assert bool(message.error) == (message.status != "recognized")
        for number in (message.value, message.round, message.clock_ms):
            assert number is None or -(2**31) < number < 2**31


@given(datagrams, st.sampled_from(["", "T", "P", "X"]))
def test_parse_never_raises_and_keeps_every_byte(datagram: bytes, dialect: str) -> None:
    assert_storable(datagram, parse(datagram, dialect))


@given(line_like)
def test_the_short_way_reads_as_the_long_one(line: bytes) -> None:
    plain = _read_plain(line)
    if plain is not None:
        assert plain == _read_line(line, "", alone=True)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("pt1;3\r\n", "point", {"athlete": 1, "value": 3, "details": {"points": 3, "technique": "head"}}),
        ("pt2;1;", "point", {"athlete": 2, "value": 1, "details": {"points": 1, "technique": "punch"}}),
        ("pt2;4\r\n", "point", {"athlete": 2, "value": 4, "details": {"points": 4, "technique": "body"}}),
        ("pt2;4;", "point", {"value": 4, "details": {"points": 4, "technique": "technical_body"}}),
        ("pt2;5;", "point", {"value": 5, "details": {"points": 5, "technique": "technical_head"}}),
        ("hl1;12\r\n", "hit", {"athlete": 1, "value": 12, "details": {}}),
        ("hl2;99;", "hit", {"athlete": 2, "value": 99}),
        ("wg1;1;wg2;0\r\n", "gam_jeom", {"athlete": 0, "details": {"blue": 1, "red": 0}}),
        ("wg2;3\r\n", "gam_jeom", {"details": {"blue": None, "red": 3}}),
        ("sc1;13;sc2;8\r\n", "score", {"details": {"blue": 13, "red": 8}}),
        ("sc1;13;", "score", {"details": {"blue": 13, "red": None}}),
        (
            "s11;13;s21;8;s12;0;s22;11;s13;7;s23;6\r\n",
            "round_scores",
            {"details": {"blue": [13, 0, 7], "red": [8, 11, 6]}},
        ),
        ("s22;11;", "round_scores", {"details": {"blue": [None] * 3, "red": [None, 11, None]}}),
        ("rnd;4\r\n", "round", {"value": 4, "round": 4}),
        ("clk;01:35\r\n", "clock", {"clock_ms": 95_000, "value": None, "details": {}}),
        ("clk;1:35;start;", "clock", {"clock_ms": 95_000, "details": {"action": "start"}}),
        ("clk;59;", "clock", {"clock_ms": 59_000, "details": {}}),
        ("clk;0:00;stopEnd\r\n", "clock", {"clock_ms": 0, "details": {"action": "stopEnd"}}),
        ("brk;0:00;stopEnd\r\n", "break", {"value": 0, "clock_ms": None, "details": {"action": "stopEnd"}}),
        ("ij0;01:00;show\r\n", "injury", {"athlete": 0, "value": 60_000, "details": {"action": "show"}}),
        ("ij2;0:59;", "injury", {"athlete": 2, "value": 59_000, "details": {}}),
        ("to2;00:00;stop\r\n", "time_out", {"athlete": 2, "value": 0, "details": {"action": "stop"}}),
        ("ch1;\r\n", "replay", {"athlete": 1, "details": {"state": "opened", "won": None}}),
        ("ch0\r\n", "replay", {"athlete": 0, "details": {"state": "opened", "won": None}}),
        ("ch2;0\r\n", "replay", {"athlete": 2, "details": {"state": "denied", "won": None}}),
        ("ch1;-1\r\n", "replay", {"details": {"state": "closed", "won": None}}),
        ("ch1;1;1;", "replay", {"details": {"state": "accepted", "won": True}}),
        ("ch1;1;0;", "replay", {"details": {"state": "accepted", "won": False}}),
        ("wrd;rd1;1;rd2;2;rd3;0;rd4;0\r\n", "round_winners", {"details": {"winners": [1, 2, 0, 0]}}),
        ("wrd;rd1;1;rd2;2;rd3;1;", "round_winners", {"details": {"winners": [1, 2, 1]}}),
        ("win;BLUE\r\n", "winner", {"athlete": 1, "details": {"winner": "blue"}}),
        ("win;TIE;", "winner", {"athlete": 0, "details": {"winner": "tie"}}),
        (
            "wmh;LEE DH;2-1 PTF\r\n",
            "result",
            {"details": {"name": "LEE DH", "blue": 2, "red": 1, "decision": "PTF"}},
        ),
        ("wmh;;7-7\r\n", "result", {"details": {"name": "", "blue": 7, "red": 7, "decision": None}}),
        (
            "at1;LEE DH;LEE DH;KOR;at2;null;null;\r\n",
            "athletes",
            {
                "details": {
                    "blue": {"short": "LEE DH", "long": "LEE DH", "ioc": "KOR"},
                    "red": {"short": None, "long": None, "ioc": ""},
                }
            },
        ),
        (
            "mch;101;Final;MEN M -68KG;;#0000ff;#FFFFFF;#ff0000;#FFFFFF;"
            "WT-OVR-101;SENIORS;3;120;cntDown;21;5\r\n",
            "match",
            {
                "details": {
                    "number": "101",
                    "phase": "Final",
                    "category": "MEN M -68KG",
                    "division": "SENIORS",
                    "rounds": 3,
                    "round_seconds": 120,
                    "countdown": "cntDown",
                    "internal_id": "WT-OVR-101",
                    "colors": ["#0000ff", "#FFFFFF", "#ff0000", "#FFFFFF"],
                    "body_level": 21,
                    "head_level": 5,
                }
            },
        ),
        (
            "mch;245.A;Semifinal;W -49;3;#00f;#fff;#f00;#fff;x1;JUNIORS;3;90;cntDown;20;4;",
            "match",
            {
                "details": {
                    "number": "245.A",
                    "phase": "Semifinal",
                    "category": "W -49",
                    "division": "JUNIORS",
                    "rounds": 3,
                    "round_seconds": 90,
                    "countdown": "cntDown",
                    "internal_id": "x1",
                    "colors": ["#00f", "#fff", "#f00", "#fff"],
                    "body_level": 20,
                    "head_level": 4,
                }
            },
        ),
        (
            "ref;SMITH J;USA;ju1;GARCIA M;ESP;ju2;KIM S;ju3;\r\n",
            "referees",
            {
                "details": {
                    "referee": {"name": "SMITH J", "ioc": "USA"},
                    "judges": [{"name": "GARCIA M", "ioc": "ESP"}, {"name": "KIM S", "ioc": None}, None],
                }
            },
        ),
        (
            "ref;ju1;ju2;FRA;ju3;\r\n",
            "referees",
            {"details": {"referee": None, "judges": [None, {"name": None, "ioc": "FRA"}, None]}},
        ),
        ("pre;FightLoaded\r\n", "load", {"details": {}}),
        ("rdy;FightReady;", "ready", {"details": {}}),
        ("avt;30;", "video_time", {"value": 30}),
        ("hel;\r\n", "connect", {"dialect": "T"}),
        ("bye;\r\n", "disconnect", {"dialect": "T"}),
        ("Udp Port 6000 connected;", "connect", {"stream": "", "value": 6000, "dialect": "P"}),
        ("Udp Port 6000 disconnected;", "disconnect", {"stream": "", "value": 6000, "dialect": "P"}),
        ("disconnected;", "disconnect", {"stream": "", "value": None, "dialect": "P"}),
        ("inlb;50:\r\n", "settings", {"value": 50, "details": {"text": "50:"}}),
        ("insl;false:\r\n", "settings", {"value": None, "details": {"text": "false:"}}),
        ("inth;2000:\r\n", "settings", {"value": 2000, "details": {"text": "2000:"}}),
        ("hwt;5\r\n", "hardware", {"value": 5}),
    ],
)
def test_parse_reads_every_known_message(text: str, kind: str, expected: dict[str, Any]) -> None:
    message = one(text)

    assert (message.kind, message.status, message.error) == (kind, "recognized", "")
    assert {name: getattr(message, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("text", "error", "expected"),
    [
        (
            "pt1;9\r\n",
            "points is out of range: 9",
            {"value": 9, "details": {"points": None, "technique": None}},
        ),
        ("pt1\r\n", "points is missing", {"value": None, "athlete": 1}),
        ("hl1;0\r\n", "hit level is out of range: 0", {"value": 0}),
        ("hl1;99999999999999\r\n", "hit level is out of range: 99999999999999", {"value": None}),
        ("hl2;x\r\n", "hit level is not a number: x", {"value": None, "athlete": 2}),
        ("pt1;3;7\r\n", "more fields than expected: 7", {"value": 3}),
        ("sc1;3;sc2\r\n", "sc2 is missing", {"details": {"blue": 3, "red": None}}),
        ("sc1;-1;sc2;0\r\n", "sc1 is out of range: -1", {"details": {"blue": -1, "red": 0}}),
        ("clk;01:60\r\n", "clock has 60 seconds or more: 01:60", {"clock_ms": None}),
        ("clk;00:10;pause\r\n", "action is not known: pause", {"clock_ms": 10_000, "details": {}}),
        ("ch1;7\r\n", "answer is not known: 7", {"details": {"state": None, "won": None}}),
        ("wrd;rd1;1;rd2;3\r\n", "rd2 is out of range: 3", {"details": {"winners": [1, 0]}}),
        ("win;GREEN\r\n", "winner is not known: GREEN", {"details": {"winner": None}}),
        ("hwt;6\r\n", "hardware test is out of range: 6", {"value": 6}),
        ("wmh;A;2-1 XYZ\r\n", "decision is not known: XYZ", {}),
        (
            "at1;A;B;at2;C;D;KOR\r\n",
            "blue has 2 of 3 fields",
            {
                "details": {
                    "blue": {"short": "A", "long": "B", "ioc": None},
                    "red": {"short": "C", "long": "D", "ioc": "KOR"},
                }
            },
        ),
        (
            "at1;A;DH;A;DH;KOR;at2;C;D;ITA\r\n",
            "blue has 5 of 3 fields: a ; in the name",
            {
                "details": {
                    "blue": {"short": "A;DH", "long": "A;DH", "ioc": "KOR"},
                    "red": {"short": "C", "long": "D", "ioc": "ITA"},
                }
            },
        ),
    ],
)
def test_parse_keeps_what_can_be_read_and_names_what_is_wrong(
    text: str, error: str, expected: dict[str, Any]
) -> None:
    message = one(text)

    assert (message.status, message.error) == ("partial", error)
    assert {name: getattr(message, name) for name in expected} == expected


@pytest.mark.parametrize("dialect", ["", "T"])
def test_cut_athletes_lose_country_and_line_end(dialect: str) -> None:
    message = one("at1;ÁLVAREZ Ñ;ÁLVAREZ Ñ;ESP;at2;LEE;LEE;K", dialect)

    assert (message.status, message.dialect) == ("partial", "T")
    assert message.details == {
        "blue": {"short": "ÁLVAREZ Ñ", "long": "ÁLVAREZ Ñ", "ioc": "ESP"},
        "red": {"short": "LEE", "long": "LEE", "ioc": None},
    }


@pytest.mark.parametrize("marker", ["", ";a", ";at", ";at2"])
def test_cut_athletes_without_red_keep_blue_whole(marker: str) -> None:
    (message,) = parse(f"at1;ЩЕРБАКОВА А;ЩЕРБАКОВА А;RUS{marker}".encode(), "T")
    blue = {"short": "ЩЕРБАКОВА А", "long": "ЩЕРБАКОВА А", "ioc": "RUS"}
    assert message.details["blue"] == blue
    assert not any((message.details["red"] or {}).values())


def test_cut_result_keeps_a_score_that_is_whole() -> None:
    assert one("wmh;王小明;0-0").details == {"name": "王小明", "blue": 0, "red": 0, "decision": None}


def test_cut_result_gives_no_half_number() -> None:
    # Three characters cost six bytes and one accent a seventh: "13-12 PTF" lost its last digit too.
    message = one("wmh;王小明é;13-1")

    assert message.details == {"name": "王小明é", "blue": 13, "red": None, "decision": None}
    assert message.status == "partial"


def test_line_that_lost_only_its_end_keeps_every_field() -> None:
    message = one("ref;GARCÍA É;ESP;ju1;ju2;ju3;", "T")

    assert message.details == {"referee": {"name": "GARCÍA É", "ioc": "ESP"}, "judges": [None] * 3}
    assert (message.status, message.error) == ("partial", "cut short: the line end is missing")


def test_half_a_character_at_the_end_is_a_cut() -> None:
    message = one("at1;王小;王小;CHN;at2;김".encode()[:-1])

    assert (message.kind, message.status, message.dialect) == ("athletes", "partial", "T")
    assert message.details["blue"] == {"short": "王小", "long": "王小", "ioc": "CHN"}
    assert message.raw == "at1;王小;王小;CHN;at2;\\xea\\xb9"


def test_cut_match_keeps_no_half_number() -> None:
    message = one("mch;7;Финал;МУЖ;;#0000ff;#FFFFFF;#ff0000;#FFFFFF;id;U21;3;120;cntD")

    assert message.status == "partial"
    assert message.details["rounds"] == 3
    assert message.details["round_seconds"] == 120
    assert message.details["countdown"] is None
    assert message.details["head_level"] is None


def test_published_names_without_line_end_are_whole() -> None:
    message = one("at1;ÁLVAREZ;ÁLVAREZ ÑANDÚ;ESP;at2;王;王小明;CHN;")

    assert (message.status, message.details["red"]["ioc"]) == ("recognized", "CHN")


def test_line_end_missing_from_tkstrike_is_partial_even_in_ascii() -> None:
    assert one("pt1;3", "T").status == "partial"
    assert one("pt1;3", "T").value == 3
    assert one("pt1;3").status == "recognized"


def test_dialect_is_what_the_line_tells_before_what_the_sender_spoke() -> None:
    assert one("pt1;3;", "T").dialect == "P"
    assert one("pt1;3\r\n", "P").dialect == "T"
    assert one("ch1;\r\n", "P").dialect == "P"
    assert one("ch1;\r\n").dialect == ""


def test_several_lines_are_several_messages() -> None:
    messages = parse(b"pt1;3\r\nsc1;3;sc2;0\r\n\r\nhl1;30\r\n")

    assert [message.stream for message in messages] == ["pt1", "sc1", "hl1"]
    assert [message.status for message in messages] == ["recognized"] * 3
    assert messages[1].raw == "sc1;3;sc2;0\\r\\n\\r\\n"


def test_hits_run_together_are_two_messages() -> None:
    messages = parse(b"hl1;12hl2;30\r\n", "T")

    assert [(m.athlete, m.value, m.status, m.raw) for m in messages] == [
        (1, 12, "recognized", "hl1;12"),
        (2, 30, "recognized", "hl2;30\\r\\n"),
    ]


@pytest.mark.parametrize(
    ("datagram", "error"),
    [
        (b"", "empty datagram"),
        (b"\r\n", "empty line"),
        (b"\x00\x01\x02", "holds a NUL byte"),
        (b"\x01\x02", "binary: control characters where a message code should stand"),
        (b"\xff\xfe\xfd", "not UTF-8 at byte 0"),
    ],
)
def test_what_is_no_text_is_malformed(datagram: bytes, error: str) -> None:
    message = one(datagram)

    assert (message.kind, message.status, message.error) == ("unknown", "malformed", error)


@pytest.mark.parametrize(
    ("text", "stream"), [("sup;1\r\n", "sup"), ("rst;", "rst"), ("hello world", ""), ("PT1;3\r\n", "PT1")]
)
def test_text_that_is_no_message_is_unknown(text: str, stream: str) -> None:
    message = one(text)

    assert (message.kind, message.status, message.stream) == ("unknown", "unknown", stream)


def test_broken_bytes_in_a_name_leave_the_rest_readable() -> None:
    message = one(b"at1;M\xdcLLER;M\xdcLLER;GER;at2;LEE;LEE;KOR\r\n")

    assert (message.status, message.error) == ("partial", "not UTF-8 at byte 5")
    assert message.details["blue"] == {"short": "M\ufffdLLER", "long": "M\ufffdLLER", "ioc": "GER"}


def test_nul_in_a_name_is_replaced_and_named() -> None:
    message = one(b"wmh;L\0E;2-0 PTF\r\n")

    assert (message.details["name"], message.error) == ("L\ufffdE", "holds a NUL byte")


@pytest.mark.parametrize(
    "datagram",
    [
        b"\n" * 65_507,
        b"a\n" * 32_753,
        b"hl1;1" * 13_101,
        b"\xff" * 65_507,
        b";" * 65_507,
        b"at1;" + b"A" * 65_503,
    ],
    ids=["line ends", "lines", "hits", "bytes", "separators", "name"],
)
def test_largest_datagram_makes_a_bounded_number_of_messages(datagram: bytes) -> None:
    messages = parse(datagram)

    assert len(messages) <= 257
    assert_storable(datagram, messages)


def test_captured_match_is_fully_recognized() -> None:
    datagrams = capture("a_bestof3_full")
    messages = [message for _, datagram in datagrams for message in parse(datagram)]

    assert len(messages) == len(datagrams)
    assert {(m.status, m.stream) for m in messages if m.status != "recognized"} == set()
    # A capture's first line, and a video replay being opened, do not tell; all others do.
    assert {m.dialect or m.stream for m in messages} == {"T", "ch1", "ch2", "ref"}
