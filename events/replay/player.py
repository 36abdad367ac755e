"""Folds a recording up to a position; pure, no I/O."""

from __future__ import annotations

import bisect
from copy import deepcopy
from typing import Any

from events.live.cards import NO_MOMENT, Board, Moment
from events.live.rows import Row
from events.replay.recording import Recording

# The state is kept each so many messages, so that no way to a position is much longer than this.
KEPT_EVERY = 1_000
# Of a leap so many messages are played at least: what a page shows of what came before.
SHOWN_BEFORE = 200


class Player:
    """The boards of the courts as they stood at `position` (ms from the first message)."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.position = -1
        self._next = 0
        self._boards: dict[int, Board] = {}

    def go_to(self, position: int) -> list[tuple[Row, Moment]]:
        """Plays to a position and returns what was played.

        Back, or far ahead, it leaps to a state that was kept, and plays from there.
        """
        kept, upto = self.recording.kept, bisect.bisect_right(self.recording.times, position)
        # Other players of the recording may add to it meanwhile.
        near = max((at for at in tuple(kept) if at <= upto - SHOWN_BEFORE), default=0)
        if position < self.position or near > self._next:
            self._next, self._boards = near, deepcopy(kept.get(near, {}))
        played = []
        for at in range(self._next, upto):
            if at and at % KEPT_EVERY == 0 and at not in kept:
                kept[at] = deepcopy(self._boards)
            row, moment = self.recording.rows[at], NO_MOMENT
            if row.court_id is not None:
                board = self._boards.setdefault(row.court_id, Board())
                board.apply(row)
                moment = board.moment()
            played.append((row, moment))
        self._next, self.position = max(upto, self._next), position
        return played

    def cards(self, now_ms: int, speed: int, runs: bool) -> dict[int, dict[str, Any]]:
        """The cards with their times moved to now (epoch ms), for pages that count clocks down themselves."""
        began = self.recording.rows[0].received_us // 1000

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
