"""Folds a recording up to a position."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from events.live.cards import NO_MOMENT, Board, Moment
from events.live.rows import Row
from events.replay import recording as recordings
from events.replay.recording import Chunk, Recording

# Of a leap so many messages are played at least: what a page shows of what came before.
SHOWN_BEFORE = 200


class Player:
    """The boards of the courts as they stood at `position` (ms from the first message)."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.position = -1
        self._next = 0
        self._boards: dict[int, Board] = {}
        # By number, those between the last position and this.
        self._chunks: dict[int, Chunk] = {}

    def go_to(self, position: int) -> list[tuple[Row, Moment]]:
        """Plays to a position and returns what was played.

        Back, or far ahead, it leaps to the beginning of a chunk, and plays from there.
        """
        size, last = recordings.CHUNK, self.recording.chunk_at(position)
        if last not in self._chunks:
            self._chunks[last] = self.recording.chunk(last)
        upto = last * size + bisect_right(self._chunks[last].times, position)
        near = max(upto - SHOWN_BEFORE, 0) // size
        if position < self.position or near * size > self._next:
            # Read anew, for its boards as nobody has played on them.
            self._chunks[near] = self.recording.chunk(near)
            self._next, self._boards = near * size, self._chunks[near].boards
        window = range(min(self._next // size, last), last + 1)
        self._chunks = {number: self._chunks.get(number) or self.recording.chunk(number) for number in window}
        played = []
        for at in range(self._next, upto):
            row, moment = self._chunks[at // size].rows[at % size], NO_MOMENT
            if row.court_id is not None:
                board = self._boards.setdefault(row.court_id, Board())
                board.apply(row)
                moment = board.moment()
            played.append((row, moment))
        self._next, self.position = max(upto, self._next), position
        return played

    def cards(self, now_ms: int, speed: int, runs: bool) -> dict[int, dict[str, Any]]:
        """The cards with their times moved to now (epoch ms), for pages that count clocks down themselves."""
        began = self.recording.began_us // 1000

        def moved(at: int | None) -> int | None:
            return None if at is None else now_ms - (began + self.position - at) // speed

        cards = {}
        for court, board in self._boards.items():
            card = board.card()
            for name in ("clock_at", "loaded_at", "started_at", "ended_at"):
                card[name] = moved(card[name])
            for name in ("rest", "injury", "time_out"):
                if card[name]:
                    card[name] = {**card[name], "at": moved(card[name]["at"])}
            if not runs:
                # Held still: no page counts on from here.
                card = _held(card, now_ms)
            # What is watched is heard, however long ago that was.
            cards[court] = {**card, "heard": now_ms}
        return cards


def _held(card: dict[str, Any], now_ms: int) -> dict[str, Any]:
    if card["clock_running"] and card["clock_ms"] is not None:
        card |= {"clock_running": False}
    if card["rest"]:
        card["rest"] = {**card["rest"], "running": False}
    return card
