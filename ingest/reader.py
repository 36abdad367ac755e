"""The parser as the apps above see it, through `settings.EVENT_READER`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ingest.captures import Capture
from ingest.protocol import Message, parse, unescape
from ingest.senders import CourtFinder
from ingest.tallies import shape

__all__ = ["court_finder", "read", "recorded", "shape", "to_bytes"]


def to_bytes(raw: str) -> bytes:
    """The bytes as they came, from the stored text."""
    return unescape(raw)


def read(raw: str, dialect: str) -> tuple[Message, ...]:
    """The stored text parsed anew, for a session that speaks `dialect`."""
    return parse(unescape(raw), dialect)


class Recorded:
    """A recorded file, to be iterated over once; `fraction` says how much of it is read."""

    def __init__(self, path: Path) -> None:
        self._capture = Capture(path)
        self.fraction = self._capture.fraction

    def __iter__(self) -> Iterator[tuple[int, str, int, tuple[Message, ...]]]:
        """Time (ns), source, local port and messages of each datagram."""
        dialects: dict[tuple[str, int], str] = {}
        for captured in self._capture:
            sender = (captured.source, captured.port)
            messages = parse(captured.payload, dialects.get(sender, ""))
            if told := next((message.dialect for message in messages if message.dialect), ""):
                dialects.setdefault(sender, told)
            yield captured.at_ns, *sender, messages


def recorded(path: Path) -> Recorded:
    """The datagrams of a recorded file. ValueError: it is none."""
    return Recorded(path)


def court_finder() -> Callable[[int, str], int | None]:
    """Finds the court (key) of a local port and a source, as the courts are now."""
    return CourtFinder(auto_courts=False).find
