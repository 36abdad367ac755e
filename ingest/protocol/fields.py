"""Reading single fields: numbers, times, and what to say when one is wrong.

Every reader returns the value (None when it cannot be read) and an error ('' when all is well).
"""

from ingest.protocol.escape import escape

# The widest integer the database columns hold.
LARGEST = 2**31 - 1
_LONGEST_DIGITS = 10
# Looked up rather than computed: on the hot path, and this is nearly every number there is.
_USUAL_NUMBERS = {str(number): number for number in range(1000)}


def snippet(text: str) -> str:
    """`text` short and safe enough to stand in an error."""
    return escape(text[:24].encode())[:40]


def join_errors(*errors: str) -> str:
    """One error of at most 200 characters out of several, empty ones left out."""
    return "; ".join(error for error in errors if error)[:200]


def read_number(text: str, low: int, high: int, what: str) -> tuple[int | None, str]:
    """A whole number. Out of `low`..`high` it is kept as far as 32 bits hold it, and named."""
    usual = _USUAL_NUMBERS.get(text)
    if usual is not None and low <= usual <= high:
        return usual, ""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        if not text:
            return None, f"{what} is missing"
        return None, f"{what} is not a number: {snippet(text)}"
    if len(digits) > _LONGEST_DIGITS:
        return None, f"{what} is out of range: {snippet(text)}"
    number = int(text)
    if low <= number <= high:
        return number, ""
    kept = number if -LARGEST <= number <= LARGEST else None
    return kept, f"{what} is out of range: {snippet(text)}"


def read_time(text: str, what: str) -> tuple[int | None, str]:
    """A time ``mm:ss``, ``m:ss`` or ``ss`` in milliseconds; 60 seconds and over are an error."""
    minutes, colon, seconds = text.rpartition(":")
    if not colon:
        minutes = "0"
    if not (
        1 <= len(minutes) <= 2
        and 1 <= len(seconds) <= 2
        and minutes.isascii()
        and minutes.isdigit()
        and seconds.isascii()
        and seconds.isdigit()
    ):
        if not text:
            return None, f"{what} is missing"
        return None, f"{what} is not a time: {snippet(text)}"
    if int(seconds) >= 60:
        return None, f"{what} has 60 seconds or more: {snippet(text)}"
    return (int(minutes) * 60 + int(seconds)) * 1000, ""


def unexpected(fields: list[str], known: int) -> str:
    """Name what stands after the `known` fields a message has; '' when nothing does."""
    if len(fields) <= known:
        return ""
    return f"more fields than expected: {snippet(';'.join(fields[known : known + 4]))}"
