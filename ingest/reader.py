"""The parser as the apps above see it, through `settings.EVENT_READER`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ingest.captures import Capture
from ingest.protocol import Message, parse, unescape
from ingest.tallies import shape

__all__ = ["read", "recorded", "shape", "to_bytes"]


def to_bytes(raw: str) -> bytes:
    """The bytes as they came, from the stored text."""
    return unescape(raw)


def read(raw: str, dialect: str) -> tuple[Message, ...]:
    """The stored text parsed anew, for a session that speaks `dialect`."""
    return parse(unescape(raw), dialect)


def recorded(path: Path) -> Iterator[tuple[int, str, int, tuple[Message, ...]]]:
    """Time (ns), source, local port and messages of each datagram of a recorded file. ValueError: not one."""
    dialects: dict[tuple[str, int], str] = {}
    for captured in Capture(path):
        sender = (captured.source, captured.port)
        messages = parse(captured.payload, dialects.get(sender, ""))
        if told := next((message.dialect for message in messages if message.dialect), ""):
            dialects.setdefault(sender, told)
        yield captured.at_ns, *sender, messages
