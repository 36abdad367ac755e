"""Which of a scoring system's outputs tells the match of a court, so that everything counts once.

TkStrike can say each action twice: as text, and as one JSON object. Both are stored. While the text
output speaks it tells the match, and what the JSON output says is an *echo*: an event that counts as
no point, hit or clock, from which only what text hides is taken. Where there is no text output, or
it has fallen silent, the JSON output tells the match by itself.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from events.kinds import Kind, Status
from ingest.protocol import JSON_STREAM, Message, as_echo

# Both speak within some hundredths of a second of each other. Text is silent when this much was said
# by JSON alone, over this long.
SILENT_NS = 3_000_000_000
SILENT_MESSAGES = 5
# TkStrike's JSON output repeats objects word for word, some ms later.
_REMEMBERED = 32

# What text says too: the rest of JSON proves no silence.
_SAID_BY_BOTH = frozenset(
    kind.value for kind in (Kind.HIT, Kind.POINT, Kind.CLOCK, Kind.GAM_JEOM, Kind.REPLAY, Kind.INJURY)
)
_UNKNOWN, _ECHO, _DISCONNECT = Kind.UNKNOWN.value, Kind.ECHO.value, Kind.DISCONNECT.value
_READ = frozenset({Status.RECOGNIZED.value, Status.PARTIAL.value})


class Outputs:
    """What was heard of the two outputs of one court; `text_ns` is when text spoke last, 0 for never."""

    __slots__ = ("_alone", "_recent", "text_ns")

    def __init__(self) -> None:
        self.text_ns = 0
        self._alone = 0
        self._recent: deque[str] = deque(maxlen=_REMEMBERED)

    def text_speaks(self, received_ns: int) -> bool:
        return self.text_ns > 0 and (self._alone < SILENT_MESSAGES or received_ns - self.text_ns <= SILENT_NS)

    def hear(self, message: Message, received_ns: int) -> Message:
        """The message as it is to be stored: itself, or an echo."""
        if message.stream != JSON_STREAM:
            self._hear_text(message, received_ns)
            return message
        if message.kind == _UNKNOWN:
            return message
        again = message.raw in self._recent
        self._recent.append(message.raw)
        speaks = self.text_speaks(received_ns)
        if speaks and not again and message.kind in _SAID_BY_BOTH:
            self._alone += 1
        return as_echo(message, again=again) if speaks or again else message

    def _hear_text(self, message: Any, received_ns: int) -> None:
        if message.kind == _DISCONNECT:
            self.text_ns = 0
        elif message.status in _READ:
            self.text_ns = received_ns
            self._alone = 0

    def follow(self, event: Any, received_ns: int) -> None:
        """Takes in an event that is stored already."""
        if event.stream != JSON_STREAM:
            self._hear_text(event, received_ns)
            return
        self._recent.append(event.raw)
        if event.kind == _ECHO and not event.details.get("again"):
            self._alone += event.details.get("kind") in _SAID_BY_BOTH
