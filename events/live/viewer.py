"""One open page: what it has been sent, and whether it keeps up."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict
from urllib.parse import parse_qs

# A key of the event table; beyond this a database would refuse the number.
LARGEST_KEY = 2**63 - 1
# Frames a viewer may owe an acknowledgement for: two seconds of a busy hall.
UNACKNOWLEDGED = 50


class FrameMessage(TypedDict):
    """Through the channel layer, to a group: ordinals `first` to `last` as one WebSocket message."""

    type: str
    first: int
    last: int
    text: str


@dataclass(frozen=True)
class ViewerRequest:
    """What the address asked for: events after a key, and rows or cards only."""

    after: int | None = None
    stream: bool = True

    @classmethod
    def parse(cls, query: bytes) -> ViewerRequest:
        """Reads `?after=<event id>&stream=0`; what makes no sense counts as not said."""
        values = parse_qs(query.decode("ascii", "replace"))
        after = values.get("after", [""])[-1]
        valid = after.isascii() and after.isdigit() and len(after) < 20 and int(after) <= LARGEST_KEY
        return cls(int(after) if valid else None, values.get("stream", ["1"])[-1] != "0")


def gap(skipped: int, reason: str) -> str:
    """The message that says how many events are not shown here; they are stored all the same."""
    return json.dumps({"type": "gap", "skipped": skipped, "reason": reason})


class Receiver:
    """Counts what a client was sent and what it says it got.

    Neither Daphne nor the channel layer says when a client has stopped reading, so the page
    acknowledges the messages it got (`{"ack": 120}`). A client that never acknowledges is sent everything,
    and dropped by Daphne's ping when it stops reading.
    """

    def __init__(self) -> None:
        self._sent = 0
        self._acknowledged: int | None = None

    def acknowledge(self, text: str | None) -> None:
        """Takes `{"ack": <messages received>}`; anything else is ignored."""
        try:
            got = json.loads(text or "")["ack"] if len(text or "") < 100 else None
        except (ValueError, TypeError, KeyError):
            return
        if isinstance(got, int) and 0 <= got <= self._sent:
            self._acknowledged = max(got, self._acknowledged or 0)

    def sent(self, messages: int) -> None:
        self._sent += messages

    @property
    def is_behind(self) -> bool:
        return self._acknowledged is not None and self._sent - self._acknowledged > UNACKNOWLEDGED


class Viewer(Receiver):
    """Turns the frames of the group into what this viewer is sent; one that falls behind is skipped ahead."""

    def __init__(self, ordinal: int, stream: bool, all_cards: Callable[[], str]) -> None:
        super().__init__()
        self._ordinal = ordinal
        self._all_cards = all_cards
        self._stream = stream

    def greeting(self, texts: list[str]) -> list[str]:
        self._sent += len(texts)
        return texts

    def take(self, message: dict[str, Any] | FrameMessage) -> list[str]:
        """The texts to send for a message of the group."""
        if self.is_behind or (message["last"] < self._ordinal):
            return []
        texts = []
        skipped = message["first"] - self._ordinal - 1
        if skipped > 0:
            # What changed on the cards meanwhile was in the frames that are left out.
            texts += [gap(skipped, "behind"), self._all_cards()] if self._stream else [self._all_cards()]
        if message["last"] > self._ordinal or message["first"] > message["last"]:
            texts.append(message["text"])
        self._ordinal = message["last"]
        self._sent += len(texts)
        return texts
