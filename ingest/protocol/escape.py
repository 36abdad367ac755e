r"""Any bytes as one line of safe text, and back.

Printable UTF-8 stays as it is. A backslash becomes ``\\``; CR, LF and TAB become ``\r``, ``\n``
and ``\t``; every other control character (C0, DEL, C1, line and paragraph separators, the
invisible characters that reorder text) and every byte that is not UTF-8 becomes ``\xNN``, one
per byte. The result can be stored, printed to a terminal and put on a page.
"""

import re

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]",
)
_ESCAPED = re.compile(rb"\\(?:x([0-9a-f]{2})|([rnt\\]))")
_NAMES = {"\r": "\\r", "\n": "\\n", "\t": "\\t"}
_BYTES = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"\\": b"\\"}


def escape(data: bytes) -> str:
    """Return `data` as safe text; `unescape` gives exactly `data` back. Never raises."""
    # Doubled before decoding, so that what the codec writes as \xNN stays unambiguous.
    text = data.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return _UNSAFE.sub(_escape_character, text)


def unescape(text: str) -> bytes:
    """Return the bytes `escape` was given.

    A backslash that starts no known escape stands for itself. Raises UnicodeEncodeError when
    `text` holds a lone surrogate, which `escape` never writes.
    """
    data = text.encode()
    if b"\\" not in data:
        return data
    return _ESCAPED.sub(_unescape_sequence, data)


def _escape_character(found: re.Match[str]) -> str:
    character = found.group()
    named = _NAMES.get(character)
    if named is not None:
        return named
    return "".join(f"\\x{byte:02x}" for byte in character.encode())


def _unescape_sequence(found: re.Match[bytes]) -> bytes:
    digits, name = found.groups()
    return bytes((int(digits, 16),)) if digits else _BYTES[name]
