"""TkStrike's JSON output: what is read of it, what is made of broken objects, and the way back."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.protocol import Message, as_echo, encode, parse, unescape
from ingest.protocol.jsons import EVENTS
from ingest.tallies import shape
from tests.captures import capture

texts = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
sides = st.lists(st.integers(0, 9), min_size=2, max_size=2)
times = st.integers(0, 99 * 60_000 + 59_999)


def captured() -> list[Message]:
    return [message for _, datagram in capture("a_bestof3_full.json_udp") for message in parse(datagram)]


def told(**changes: Any) -> bytes:
    whole: dict[str, Any] = {
        "matchNumber": "101",
        "roundNumber": 2,
        "tkStrikeSystemTimestamp": 1_795_441_884_076,
        "roundTimestampStr": "01:23.450",
        "eventType": "BLUE_BODY_POINT",
        "eventAddPoints": True,
        "eventRemovePoints": False,
        "bluePoints": 5,
        "bluePenalties": 1,
        "blueRoundWins": 1,
        "redPoints": 3,
        "redPenalties": 0,
        "redRoundWins": 0,
        "hitlevel": 34,
        **changes,
    }
    return json.dumps({key: value for key, value in whole.items() if value is not ...}).encode()


def read(**changes: Any) -> Message:
    (message,) = parse(told(**changes))
    return message


@st.composite
def events(draw: st.DrawFn) -> Message:
    """Any message of the JSON output, as far as it can be sent."""
    name = draw(st.sampled_from(sorted(EVENTS)))
    kind, athlete, fixed = EVENTS[name]
    number = draw(st.integers(1, 99))
    time_ms: int | None = draw(times)
    value = None
    keys = ("number", "internal_id", "ring", "category", "gender", "division")
    match = {key: draw(texts) for key in keys}
    match["number"] = match["number"] or "7"
    details = {
        "event": name,
        "at": draw(st.integers(0, 2**53)),
        "match": match,
        "score": draw(sides),
        "gam_jeoms": draw(sides),
        "rounds_won": draw(sides),
        **fixed,
    }
    if kind in ("point", "gam_jeom") and draw(st.booleans()):
        details["removed"] = True
    if kind == "point":
        value = details["points"]
        if level := draw(st.integers(0, 100)):
            details["level"] = level
    elif kind == "gam_jeom":
        details["blue"], details["red"] = details["gam_jeoms"]
        value = details["gam_jeoms"][athlete - 1]
    elif "target" in details:
        value = draw(st.integers(1, 100))
    elif details.get("notice") == "judge":
        details["judge"] = draw(st.integers(1, 9))
    elif kind == "round":
        value = number
        kind = "load" if number == 1 else kind
    elif name == "KYESHI_CHANGE":
        value, time_ms = time_ms, None
    elif kind == "result":
        won = details["rounds_won"]
        details["blue"], details["red"] = won if any(won) else details["score"]
        details["winner"] = draw(st.sampled_from(["blue", "red", "tie"]))
        details["name"], details["decision"] = None, draw(texts)
        athlete = ("tie", "blue", "red").index(details["winner"])
    return Message("json", kind, athlete, value, number, time_ms, details, dialect="J")


@given(events())
def test_messages_survive_being_written_and_read(message):
    (found,) = parse(encode(message, "J"))
    assert replace(found, raw="") == message


def test_captured_output_is_read_completely_and_written_again():
    messages = captured()
    assert Counter(message.status for message in messages) == {"recognized": 936}
    assert Counter(message.kind for message in messages) == {
        "hit": 494,
        "clock": 305,
        "injury": 80,
        "point": 22,
        "notice": 21,
        "replay": 4,
        "gam_jeom": 3,
        "round_winners": 3,
        "round": 2,
        "load": 1,
        "result": 1,
    }
    for message in messages:
        (again,) = parse(encode(message, "J"))
        assert replace(again, raw="") == replace(message, raw="")


def test_point_names_its_technique_its_level_and_how_it_stands():
    message = read()
    assert (message.stream, message.kind, message.dialect) == ("json", "point", "J")
    assert (message.athlete, message.value, message.round, message.clock_ms) == (1, 2, 2, 83_450)
    assert message.details["technique"] == "body"
    assert message.details["level"] == 34
    assert message.details["score"] == [5, 3]
    assert message.details["gam_jeoms"] == [1, 0]
    assert message.details["rounds_won"] == [1, 0]


def test_turning_point_and_removal_are_told_apart():
    turn = read(eventType="RED_HEAD_TECH_POINT")
    assert (turn.athlete, turn.value, turn.details["technique"]) == (2, 2, "technical_head")
    gone = read(eventType="RED_REMOVE_GAME_JEON", eventAddPoints=False, eventRemovePoints=True)
    assert (gone.kind, gone.athlete, gone.value, gone.details["removed"]) == ("gam_jeom", 2, 0, True)
    assert "removed" not in read().details


def test_clock_of_the_injury_is_not_the_clock_of_the_match():
    message = read(eventType="KYESHI_CHANGE", roundTimestampStr="00:59.999")
    assert (message.kind, message.value, message.clock_ms) == ("injury", 59_999, None)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"matchNumber": ...}, "matchNumber is missing"),
        ({"matchNumber": {"a": [1]}}, "matchNumber is not text; matchNumber is missing"),
        ({"roundNumber": 0}, "roundNumber is not a number from 1 to 99: 0"),
        ({"roundNumber": "2"}, "roundNumber is not a number from 1 to 99: 2"),
        ({"bluePoints": True}, "bluePoints is not a number from 0 to 999: True"),
        ({"redPoints": [[1]]}, "redPoints is not a number from 0 to 999"),
        ({"redPenalties": 10**30}, "redPenalties is not a number from 0 to 99"),
        ({"roundTimestampStr": "01:60.000"}, "roundTimestampStr is not a time: 01:60.000"),
        ({"roundTimestampStr": "٠١:٠٠"}, "roundTimestampStr is not a time"),
        ({"hitlevel": 101}, "hitlevel is not a number from 0 to 100: 101"),
        ({"eventRemovePoints": "no"}, "eventRemovePoints is neither true nor false"),
        ({"eventType": "BLUE_BODY_HIT"}, "blueBodyLevel is missing"),
        ({"eventType": "MATCH_FINISHED", "matchWinner": "GREEN"}, "matchWinner is not known: GREEN"),
    ],
)
def test_what_is_wrong_is_named_and_the_rest_kept(changes, error):
    message = read(**changes)
    assert message.status == "partial"
    assert error.removesuffix("; matchNumber is missing") in message.error
    assert len(message.error) <= 200
    assert message.details["at"] == 1_795_441_884_076


def test_key_that_stands_twice_is_named():
    (message,) = parse(told()[:-1] + b',"bluePoints":9}')
    assert (message.status, message.details["score"]) == ("partial", [9, 3])
    assert message.error == "bluePoints stands there 2 times; the last counts"


def test_colon_in_a_name_is_no_second_key():
    assert read(matchCategoryName='a":"b').status == "recognized"


BROKEN = {
    "nothing in it": (b"{}", "unknown"),
    "only the beginning": (b"{", "malformed"),
    "cut": (told()[:-40], "malformed"),
    "no number": (b'{"eventType":"TIMEOUT","bluePoints":NaN}', "malformed"),
    "endless number": (b'{"eventType":"TIMEOUT","bluePoints":1e999}', "malformed"),
    "not UTF-8": (b'{"eventType":"TIMEOUT","matchNumber":"\xff"}', "malformed"),
    "half a character": (b'{"eventType":"TIMEOUT","matchNumber":"\\ud800"}', "malformed"),
    "deep": (b'{"eventType":' * 600 + b"1" + b"}" * 600, "unknown"),
    "deeper": (b'{"a":' * 1600, "malformed"),
    "huge": (b'{"eventType":"' + b"A" * 65_000 + b'"}', "unknown"),
    "an event nobody knows": (told(eventType="BLUE_DANCED"), "unknown"),
    "a number for an event": (told(eventType=5), "unknown"),
}


@pytest.mark.parametrize(("datagram", "status"), BROKEN.values(), ids=BROKEN)
def test_broken_object_is_kept_whole(datagram, status):
    (message,) = parse(datagram)
    assert (message.kind, message.status) == ("unknown", status)
    assert message.error
    assert unescape(message.raw) == datagram


@given(
    st.binary(max_size=80).map(lambda rest: b"{" + rest)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*json.loads(told())]), inner),
    ).map(
        lambda value: json.dumps(
            {**json.loads(told()), **(value if isinstance(value, dict) else {})}
        ).encode()
    )
)
def test_nothing_is_raised_or_lost_whatever_comes(datagram):
    messages = parse(datagram)
    assert b"".join(unescape(message.raw) for message in messages) == datagram
    for message in messages:
        text = json.dumps(message.details)
        assert "\\u0000" not in text
        assert len(text) < 3000


def test_several_objects_in_a_datagram_are_several_messages():
    messages = parse(told() + b"\n" + told(eventType="TIMEOUT") + b"\r\n")
    assert [message.kind for message in messages] == ["point", "clock"]
    assert json.loads(told()) == json.loads(json.dumps(json.loads(told()), indent=2))
    (spread,) = parse(json.dumps(json.loads(told()), indent=2).encode())
    assert spread.kind == "point"


def test_shapes_of_unread_json_are_few():
    assert shape(parse(told(eventType="BLUE_DANCED"))[0].raw) == "json;BLUE_DANCED"
    assert shape(parse(b'{"a": 1}')[0].raw) == "json;A"
    assert shape(parse(told(eventType="x" * 5000))[0].raw) == "json;A"


def test_echo_keeps_what_it_would_be_by_itself():
    echo = as_echo(read(), again=True)
    assert (echo.kind, echo.details["kind"], echo.details["again"]) == ("echo", "point", True)
    assert echo.details["technique"] == "body"


def test_text_message_cannot_be_written_as_json():
    with pytest.raises(ValueError, match="no message of TkStrike's JSON output"):
        encode(parse(b"pt1;3\r\n")[0], "J")
