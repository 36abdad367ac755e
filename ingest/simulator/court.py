"""One simulated court: match after match, from the sender's hello to its goodbye."""

import random
from collections.abc import Iterator
from typing import NamedTuple

from ingest.protocol import Message, encode
from ingest.protocol.messages import JSON, PUBLISHED, TKSTRIKE
from ingest.simulator.match import simulate_match
from ingest.simulator.story import MatchStory

_BETWEEN_MATCHES = (15.0, 40.0)
_SETTINGS = (("inlb", "50:"), ("insl", "false:"), ("inth", "2000:"))


class CourtDatagram(NamedTuple):
    """One datagram of a court, `seconds` after all courts began."""

    seconds: float
    court: int
    payload: bytes
    # Of the scoring system's JSON output, which has a socket of its own.
    is_object: bool = False
    # Set on the first and the last datagram of a match.
    begins: MatchStory | None = None
    ends: MatchStory | None = None


class SimulatedCourt:
    """Plays `matches` matches (0: without end) on court `number`; the same seed gives the same bytes.

    The dialect J is TkStrike's JSON output alone; `both` adds it to the text of T. `stories` tells what was
    played; it grows while `datagrams` is read.
    """

    def __init__(
        self, number: int, seed: int, matches: int = 1, dialect: str = TKSTRIKE, *, both: bool = False
    ) -> None:
        self.number = number
        self.matches = matches
        self.dialect = TKSTRIKE if dialect == JSON else dialect
        self.has_text = dialect != JSON
        self.has_objects = both or dialect == JSON
        self.stories: list[MatchStory] = []
        self._rng = random.Random(f"{seed}/{number}")

    def datagrams(self) -> Iterator[CourtDatagram]:
        """Every datagram of the court in the order it is sent. Read it once."""
        now = self._rng.uniform(0, 1.5)
        for message in self._hello() if self.has_text else ():
            yield CourtDatagram(now, self.number, message)
            now += 0.006
        now += self._rng.uniform(0.5, 2)
        played = 0
        while played < self.matches or not self.matches:
            played += 1
            match = simulate_match(self._rng, str(self.number * 100 + played), self.dialect)
            self.stories.append(match.story)
            datagrams = [(*datagram, False) for datagram in match.datagrams()] if self.has_text else []
            if self.has_objects:
                datagrams += [(*line, True) for line in match.objects]
                datagrams.sort(key=lambda datagram: datagram[0])
            for index, (seconds, payload, is_object) in enumerate(datagrams):
                begins = match.story if index == 0 else None
                ends = match.story if index == len(datagrams) - 1 else None
                yield CourtDatagram(now + seconds, self.number, payload, is_object, begins, ends)
            now += match.story.seconds + self._rng.uniform(*_BETWEEN_MATCHES)
        if self.has_text:
            yield CourtDatagram(now, self.number, self._goodbye())

    def _hello(self) -> list[bytes]:
        if self.dialect == PUBLISHED:
            return [encode(Message("", "connect", value=6000), PUBLISHED)]
        settings = [Message(code, "settings", details={"text": text}) for code, text in _SETTINGS]
        return [encode(message) for message in (Message("hel", "connect"), *settings)]

    def _goodbye(self) -> bytes:
        if self.dialect == PUBLISHED:
            return encode(Message("", "disconnect", value=6000), PUBLISHED)
        return encode(Message("bye", "disconnect"))
