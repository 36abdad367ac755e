from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.protocol import Message, encode, parse, truncate_like_tkstrike
from ingest.protocol.messages import DECISIONS

# Names as they come: any script, markup, control characters; but no separator and no NUL.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=";\r\n\0"), max_size=12)
# Markers of other fields, and the word for unknown, cannot be told from a name.
names = texts.filter(lambda text: text not in ("null", "at2", "ju1", "ju2", "ju3"))
counts = st.none() | st.integers(0, 99)
seconds = st.integers(0, 99 * 60 + 59).map(lambda number: number * 1000)
athletes = st.fixed_dictionaries(
    {"short": names | st.none(), "long": names | st.none(), "ioc": names | st.none()}
)
people = st.none() | st.fixed_dictionaries(
    {
        "name": names.filter(bool).filter(lambda text: len(text) != 3),
        "ioc": st.none() | st.sampled_from(["KOR", "ITA", "ESP"]),
    }
)


def actions(*names: str) -> st.SearchStrategy[dict[str, str]]:
    return st.just({}) | st.sampled_from(names).map(lambda name: {"action": name})


def totals(stream: str) -> st.SearchStrategy[Message]:
    return (
        st.fixed_dictionaries({"blue": counts, "red": counts})
        .filter(lambda details: any(number is not None for number in details.values()))
        .map(
            lambda details: Message(
                f"{stream}{1 if details['blue'] is not None else 2}", details_kind(stream), details=details
            )
        )
    )


def details_kind(stream: str) -> str:
    return {"wg": "gam_jeom", "sc": "score"}[stream]


def round_scores(scores: list[int | None]) -> Message:
    first = next(place for place, score in enumerate(scores) if score is not None)
    return Message(
        f"s{first % 2 + 1}{first // 2 + 1}",
        "round_scores",
        details={"blue": scores[0::2], "red": scores[1::2]},
    )


messages = st.one_of(
    st.builds(lambda a, n: Message(f"hl{a}", "hit", a, n), st.sampled_from([1, 2]), st.integers(1, 100)),
    totals("wg"),
    totals("sc"),
    st.lists(counts, min_size=6, max_size=6)
    .filter(lambda s: any(n is not None for n in s))
    .map(round_scores),
    st.integers(1, 99).map(lambda n: Message("rnd", "round", value=n, round=n)),
    st.builds(
        lambda ms, details: Message("clk", "clock", clock_ms=ms, details=details),
        seconds,
        actions("start", "stop", "corr", "stopEnd"),
    ),
    st.builds(
        lambda ms, details: Message("brk", "break", value=ms, details=details),
        seconds,
        actions("start", "stop", "corr", "stopEnd"),
    ),
    st.builds(
        lambda a, ms, details: Message(f"ij{a}", "injury", a, ms, details=details),
        st.sampled_from([0, 1, 2]),
        seconds,
        actions("show", "hide", "reset"),
    ),
    st.builds(
        lambda a, ms, details: Message(f"to{a}", "time_out", a, ms, details=details),
        st.sampled_from([1, 2]),
        seconds,
        actions("start", "stop", "anything else"),
    ),
    st.builds(
        lambda a, details: Message(f"ch{a}", "replay", a, details=details),
        st.sampled_from([0, 1, 2]),
        st.sampled_from(["accepted", "denied", "closed"]).flatmap(
            lambda state: st.sampled_from([True, False, None]).map(lambda won: {"state": state, "won": won})
        )
        | st.just({"state": "opened", "won": None}),
    ),
    st.lists(st.sampled_from([0, 1, 2]), min_size=1, max_size=5).map(
        lambda winners: Message("wrd", "round_winners", details={"winners": winners})
    ),
    st.sampled_from([(0, "tie"), (1, "blue"), (2, "red")]).map(
        lambda pair: Message("win", "winner", pair[0], details={"winner": pair[1]})
    ),
    st.fixed_dictionaries(
        {
            "name": texts,
            "blue": st.integers(0, 99),
            "red": st.integers(0, 99),
            "decision": st.none() | st.sampled_from(sorted(DECISIONS)),
        }
    ).map(lambda details: Message("wmh", "result", details=details)),
    st.fixed_dictionaries({"blue": athletes, "red": athletes}).map(
        lambda details: Message("at1", "athletes", details=details)
    ),
    st.fixed_dictionaries(
        {
            "number": texts.filter(bool),
            "phase": texts,
            "category": texts,
            "division": texts,
            "rounds": st.integers(1, 5),
            "round_seconds": st.integers(1, 600),
            "countdown": st.sampled_from(["cntDown", "cntUp"]),
            "internal_id": texts,
            "colors": st.lists(st.sampled_from(["#0000ff", "#FFFFFF", ""]), min_size=4, max_size=4),
            "body_level": st.integers(0, 100),
            "head_level": st.integers(0, 100),
        }
    ).map(lambda details: Message("mch", "match", details=details)),
    st.fixed_dictionaries({"referee": people, "judges": st.lists(people, min_size=3, max_size=3)}).map(
        lambda details: Message("ref", "referees", details=details)
    ),
    st.sampled_from([Message("pre", "load"), Message("rdy", "ready")]),
    st.integers(0, 999).map(lambda n: Message("avt", "video_time", value=n)),
    st.sampled_from(["inlb", "inth"]).flatmap(
        lambda code: st.integers(0, 9999).map(
            lambda n: Message(code, "settings", value=n, details={"text": f"{n}:"})
        )
    ),
    st.integers(0, 5).map(lambda n: Message("hwt", "hardware", value=n)),
    st.sampled_from([Message("hel", "connect"), Message("bye", "disconnect")]),
)
techniques = {
    "T": {1: "punch", 2: "body", 3: "head", 4: "body"},
    "P": {1: "punch", 2: "body", 3: "head", 4: "technical_body", 5: "technical_head"},
}


def fields(message: Message) -> dict[str, Any]:
    names = ("stream", "kind", "athlete", "value", "round", "clock_ms", "details", "status", "error")
    return {name: getattr(message, name) for name in names}


@pytest.mark.parametrize("dialect", ["T", "P"])
@given(message=messages)
def test_parse_reads_back_what_encode_wrote(dialect: str, message: Message) -> None:
    datagram = encode(message, dialect)

    (read,) = parse(datagram, dialect)
    assert fields(read) == fields(message)
    assert read.dialect == dialect
    assert encode(read, dialect) == datagram


@pytest.mark.parametrize("dialect", ["T", "P"])
@pytest.mark.parametrize("athlete", [1, 2])
def test_points_read_back_with_the_dialects_technique(dialect: str, athlete: int) -> None:
    for value, technique in techniques[dialect].items():
        details = {"points": value, "technique": technique}
        message = Message(f"pt{athlete}", "point", athlete, value, details=details)
        (read,) = parse(encode(message, dialect))
        assert fields(read) == fields(message)


@given(message=messages)
def test_cut_message_is_never_more_than_partial(message: Message) -> None:
    whole = encode(message, "T")
    cut = truncate_like_tkstrike(whole.decode())

    read = parse(cut, "T")[0]
    assert whole.startswith(cut)
    assert read.status == ("recognized" if cut == whole else "partial")
    if read.kind == message.kind == "result":
        assert read.details["blue"] in (None, message.details["blue"])
        assert read.details["red"] in (None, message.details["red"])
        assert read.details["decision"] in (None, message.details["decision"])


@pytest.mark.parametrize(
    ("text", "datagram"),
    [
        ("pt1;3\r\n", "pt1;3\r\n"),
        ("at1;ÁLVAREZ Ñ;ÁLVAREZ Ñ;ESP;at2;LEE;LEE;KOR\r\n", "at1;ÁLVAREZ Ñ;ÁLVAREZ Ñ;ESP;at2;LEE;LEE;K"),
        ("wmh;王小明;0-0 PTF\r\n", "wmh;王小明;0-0"),
        ("wmh;🥋;0-0 PTF\r\n", "wmh;🥋;0-0 PTF"),
    ],
)
def test_truncate_like_tkstrike_sends_as_many_bytes_as_utf16_units(text: str, datagram: str) -> None:
    assert truncate_like_tkstrike(text) == datagram.encode()


def test_encode_gives_unknown_messages_back_byte_for_byte() -> None:
    for datagram in (b"sup;1\r\n", b"\xff\x00", b"", b'{"a":1}'):
        assert encode(parse(datagram)[0]) == datagram


def test_encode_says_the_published_port_notice_back() -> None:
    assert encode(parse(b"Udp Port 6000 connected;")[0], "P") == b"Udp Port 6000 connected;"


@pytest.mark.parametrize(
    ("message", "dialect"),
    [
        (Message("wmh", "result", details={"name": "a;b", "blue": 1, "red": 0, "decision": None}), "T"),
        (Message("rnd", "round"), "T"),
        (Message("rnd", "round", value=1), "tkstrike"),
        (Message("xyz", "no such kind"), "T"),
    ],
)
def test_encode_refuses_what_it_cannot_say(message: Message, dialect: str) -> None:
    with pytest.raises(ValueError, match=r"separator|missing|dialect|kind"):
        encode(message, dialect)


def test_replaced_raw_does_not_change_what_is_encoded() -> None:
    (message,) = parse(b"pt1;3\r\n")

    assert encode(replace(message, raw=""), "T") == b"pt1;3\r\n"
