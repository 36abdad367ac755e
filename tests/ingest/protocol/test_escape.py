import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.protocol import escape, unescape


@given(st.one_of(st.binary(), st.text().map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_escape_is_reversible_and_safe(data: bytes) -> None:
    text = escape(data)

    assert unescape(text) == data
    text.encode()
    assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in text)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"pt1;3\r\n", "pt1;3\\r\\n"),
        ("王小明".encode(), "王小明"),
        (b"a\\x41", "a\\\\x41"),
        (b"\x00\t\x1b[31m", "\\x00\\t\\x1b[31m"),
        (b"\xff\xc3", "\\xff\\xc3"),
        ("\u202e\u2028\x85".encode(), "\\xe2\\x80\\xae\\xe2\\x80\\xa8\\xc2\\x85"),
    ],
)
def test_escape_writes(data: bytes, text: str) -> None:
    assert escape(data) == text


def test_unescape_leaves_a_backslash_that_starts_nothing() -> None:
    assert unescape("a\\q\\x4") == b"a\\q\\x4"
