"""The state of one court, for its card."""

from __future__ import annotations

from typing import Any

from events.flags import flag_of
from events.live.rows import Row
from events.scoreboard import Scoreboard

# Round and match clock (ms) that stood on the scoreboard when a message came.
Moment = tuple[int | None, int | None]
NO_MOMENT: Moment = (None, None)


class Board:
    """A court's scoreboard, with what the events say that the scoring system does not."""

    def __init__(self, scoreboard: Scoreboard | None = None, newest: Row | None = None) -> None:
        self._scoreboard = scoreboard or Scoreboard()
        self._newest = newest

    def apply(self, row: Row) -> None:
        self._newest = row
        self._scoreboard.apply(row, row.received_us * 1000, row.sequence)

    def moment(self) -> Moment:
        return self._scoreboard.round, self._scoreboard.clock_ms

    def card(self) -> dict[str, Any]:
        """`Scoreboard.as_dict()`, with `match`, `day` and `tournament` (keys) and `heard` (epoch ms).

        Each side also has `flag`, the picture of its country as `events.flags.flag_of` names it.
        """
        newest = self._newest
        board = self._scoreboard.as_dict()
        for side in (board["blue"], board["red"]):
            side["flag"] = flag_of(side["ioc"])
        return {
            **board,
            "match": newest.match_id if newest else None,
            "day": newest.day_id if newest else None,
            "tournament": newest.tournament_id if newest else None,
            "heard": newest.received_us // 1000 if newest else None,
        }
