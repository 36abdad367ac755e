import pytest

from events.asked import key_of, whole_number


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("12", 12), ("007", 7), ("9" * 18, 10**18 - 1)],
)
def test_whole_number_of_digits(text, number):
    assert whole_number(text) == number


@pytest.mark.parametrize(
    "text", [None, "", " 5", "-1", "+1", "1.5", "1_000", "²", "٣", "9" * 19, "9" * 5000, "none"]
)
def test_whole_number_of_anything_else_is_none(text):
    assert whole_number(text) is None
    assert key_of(text) == 0
