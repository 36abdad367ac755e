"""What a message says besides its columns, in words."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.details import detail_rows, value_text
from events.kinds import Kind
from ingest.protocol import parse
from tests.events.stories import objects, stored, text


def rows_of(datagram: bytes) -> dict[str, str]:
    (message,) = parse(datagram, "T")
    return dict(detail_rows(message))


@pytest.mark.parametrize(
    ("datagram", "rows"),
    [
        (
            b"wrd;rd1;1;rd2;2;rd3;0;rd4;0\r\n",
            {"Round winners": "round 1: blue, round 2: red, round 3: none, round 4: none"},
        ),
        (
            b"s11;13;s21;8;s12;0\r\n",
            {"Blue": "round 1: 13, round 2: 0, round 3: —", "Red": "round 1: 8, round 2: —, round 3: —"},
        ),
        (
            b"at1;LEE;LEE Daehoon;KOR;at2;KIM;KIM;null\r\n",
            {"Blue": "LEE Daehoon, on the scoreboard LEE, KOR", "Red": "KIM"},
        ),
        (
            b"ref;SMITH J;USA;ju1;GARCIA M;ESP\r\n",
            {"Referee": "SMITH J, USA", "Judges": "GARCIA M, ESP"},
        ),
        (
            b"wmh;LEE;2-1 PTF\r\n",
            {"Name": "LEE", "Blue": "2", "Red": "1", "Decision": "on points (PTF)"},
        ),
        (b"ch1;1;0\r\n", {"State": "accepted", "Won": "no"}),
    ],
)
def test_details_are_in_words(datagram: bytes, rows: dict[str, str]) -> None:
    assert rows_of(datagram) == rows


def test_every_detail_of_a_match_said_twice_is_shown_and_none_as_it_is_stored() -> None:
    events = stored(text(), objects())
    for event in events:
        rows = detail_rows(event)
        assert len({label for label, _ in rows}) == len(rows) == len(event.details)
        assert not [value for _, value in rows if set(value) & set("[]{}") or value == "None"]
    # A rest, an injury and a time-out are told by the clock.
    assert {value_text(event) for event in events if event.kind == Kind.BREAK} >= {"0:59", "0:42"}
    assert {value_text(event) for event in events if event.kind == Kind.HIT} >= {"7", "34"}


WORDS = st.text("ab[{ é", max_size=4)
json = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["winners", "hits", "judges", "blue", "score", "kind", "technique", "points", "x_y"])


@given(kind=st.sampled_from(Kind.values), details=st.dictionaries(names, json, max_size=4))
def test_whatever_was_stored_is_shown(kind: str, details: dict[str, Any]) -> None:
    rows = detail_rows(SimpleNamespace(kind=kind, details=details, value=None))  # type: ignore[arg-type]

    assert len(rows) == len(details)
    assert all(label and isinstance(value, str) and value for label, value in rows)
