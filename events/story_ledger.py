"""The score that was declared, held against the points and gam-jeoms that were told; pure.

TkStrike's text output hides things on purpose or by accident: a turning bonus only moves the score, and
so does whatever is taken away; any datagram can be lost or cut. What does not add up is noted with its likely
cause. Nothing is corrected.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from events.match_state import SIDE_NAMES, Told
from events.scoreboard import Scoreboard
from events.words import clock_text

Rounds = tuple[tuple[int, int, int], ...]
Totals = tuple[tuple[int, int], ...]

# Messages of one action come within some hundredths of a second; what is farther apart is judged apart.
_TOGETHER_NS = 120_000_000
# A turn is judged within this time after its kick.
_TURN_NS = 6_000_000_000
_TURN = 2
_NEAR_NS = 1_500_000_000
_KICKS = frozenset(("body", "head", None))
# A sender that goes mad must not fill the page.
_MOST = 200


class Difference(NamedTuple):
    """Points of `side` in `round` that the score has more (less: below 0) than was told.

    `cause` is turn, gam_jeom_taken_back, taken_back, not_in_score, late, untold, cut or began_before; with
    late the score has caught up and `amount` is 0.
    """

    round: int
    side: int
    amount: int
    cause: str
    words: str
    clock_ms: int | None
    at_ms: int
    line: int


class Ledger:
    """Hears each event after the scoreboard took it in; `gam_jeoms` are (ns, side, total, line) as given."""

    def __init__(self) -> None:
        self.differences: list[Difference] = []
        self.gam_jeoms: list[tuple[int, int, int, int]] = []
        self._declared: dict[tuple[int, int], int] = {}
        self._given: dict[tuple[int, int], int] = {}
        self._told: dict[tuple[int, int], int] = {}
        # Of the action being heard: points told, when it was heard last, at which line and clock.
        self._open: dict[tuple[int, int], int] = {}
        self._is_open = False
        self._last_ns = 0
        self._line = 0
        self._clock_ms: int | None = None
        # side -> when it kicked last
        self._kicked_ns = [0, 0, 0]
        self._unread_ns = 0
        self._replay_ns = 0
        self._is_loaded = False
        self._round = 1

    def hear(
        self, event: Told, ns: int, line: int, board: Scoreboard, rounds: Rounds, gam_jeoms: Totals
    ) -> None:
        """`rounds` and `gam_jeoms` are the board's before this event."""
        kind = event.kind
        # Without a round there is no score by round to hold them against.
        points = self._points(event) if board.round else 0
        moves = points or board.rounds is not rounds or board.gam_jeoms is not gam_jeoms
        if kind in ("load", "match"):
            self._is_loaded = True
        elif kind == "replay":
            self._replay_ns = ns
        if event.status != "recognized" and kind in ("unknown", "point", "score", "round_scores", "gam_jeom"):
            self._unread_ns = ns
        if not moves:
            return
        if self._is_open and ns - self._last_ns > _TOGETHER_NS:
            self.settle(rounds, gam_jeoms)
        if not self._is_open or points:
            self._line = line
        self._is_open, self._last_ns, self._clock_ms = True, ns, board.clock_ms
        self._round = board.round or self._round
        if points:
            key = ((event.round if event.stream == "json" else None) or self._round, event.athlete)
            self._open[key] = self._open.get(key, 0) + points
            if points > 0 and event.details.get("technique") in _KICKS:
                self._kicked_ns[event.athlete] = ns
        if board.gam_jeoms is not gam_jeoms:
            self._give(ns, line, board.gam_jeoms, gam_jeoms)

    def counted(self, number: int) -> tuple[int, int]:
        """What was told of a round: points, and the gam-jeoms of the other side."""
        return self._sum(number, 1), self._sum(number, 2)

    def _sum(self, number: int, side: int) -> int:
        return self._told.get((number, side), 0) + self._given.get((number, 3 - side), 0)

    def settle(self, rounds: Rounds, gam_jeoms: Totals) -> None:
        """The action heard last is over: what the score did is held against what was told."""
        if not self._is_open:
            return
        self._is_open = False
        told, self._open = self._open, {}
        for number in range(1, max(len(rounds), len(gam_jeoms), *(n for n, _ in told), 0, 0) + 1):
            declared = rounds[number - 1] if number <= len(rounds) else (0, 0, 0)
            given = gam_jeoms[number - 1] if number <= len(gam_jeoms) else (0, 0)
            steps = []
            for side in (1, 2):
                key, other = (number, side), (number, 3 - side)
                moved = declared[side - 1] - self._declared.get(key, 0)
                gift = given[2 - side] - self._given.get(other, 0)
                points = told.get(key, 0)
                self._told[key] = self._told.get(key, 0) + points
                steps.append((side, moved, points, gift))
            for side in (1, 2):
                self._declared[number, side] = declared[side - 1]
                self._given[number, side] = given[side - 1]
            for side, moved, points, gift in steps:
                if moved != points + gift and len(self.differences) < _MOST:
                    self._differ(number, side, moved - points - gift, points + gift)

    def _differ(self, number: int, side: int, amount: int, told: int) -> None:
        who = SIDE_NAMES[side].capitalize()
        of_side = [n for n, d in enumerate(self.differences) if (d.round, d.side) == (number, side)]
        last = self.differences[of_side[-1]] if of_side else None
        if last is not None and last.amount == -amount and last.cause == "not_in_score":
            words = (
                f"{who}: {_points(amount)} told{_at(last.clock_ms)} came into the score"
                f" later{_at(self._clock_ms)}. A score between was lost on the way."
            )
            self.differences[of_side[-1]] = last._replace(amount=0, cause="late", words=words)
            return
        cause, why = self._cause(number, side, amount, told)
        if told:
            more = "more" if amount > 0 else "less"
            words = f"{who}'s score moved by {_points(abs(amount))} {more} than was told: {why}"
        else:
            words = f"{who}'s score {'rose' if amount > 0 else 'fell'} by {abs(amount)}: {why}"
        self.differences.append(Difference(number, side, amount, cause, words, self._clock_ms, 0, self._line))

    def _cause(self, number: int, side: int, amount: int, told: int) -> tuple[str, str]:
        other = SIDE_NAMES[3 - side]
        first = not self._is_loaded and self._declared.get((number, side)) == amount
        if amount > 0 and first:
            return "began_before", "listening began when the match was under way."
        if amount == _TURN and 0 <= self._last_ns - self._kicked_ns[side] <= _TURN_NS:
            return "turn", "a turning bonus, which no message but the score tells."
        if abs(self._last_ns - self._unread_ns) <= _NEAR_NS:
            return "cut", "a message beside it was cut, or could not be read."
        if amount > 0:
            return (
                "untold",
                "no message tells why. It was lost on the way, or an operator corrected the score.",
            )
        if told > 0:
            return (
                "not_in_score",
                f"{_points(told)} told, and the score did not follow. It was lost, or they were not given.",
            )
        if amount == -1 and self._given.get((number, 3 - side)):
            return (
                "gam_jeom_taken_back",
                f"a gam-jeom of {other} was probably taken back, which no message tells.",
            )
        after = " after a video replay" if 0 < self._last_ns - self._replay_ns < 60_000_000_000 else ""
        return "taken_back", f"points were taken away{after}, which no message but the score tells."

    def _give(self, ns: int, line: int, totals: Totals, before: Totals) -> None:
        for number, pair in enumerate(totals, 1):
            known = before[number - 1] if number <= len(before) else (0, 0)
            for side in (1, 2):
                if pair[side - 1] > known[side - 1]:
                    self.gam_jeoms.append((ns, side, pair[side - 1], line))

    @staticmethod
    def _points(event: Told) -> int:
        """Points that the event tells of; below 0 where it takes them away."""
        details: dict[str, Any] = event.details
        if event.kind == "echo":
            # Only what the text output hides.
            if details.get("again") or details.get("kind") != "point":
                return 0
            if not (details.get("removed") or str(details.get("technique")).startswith("technical_")):
                return 0
        elif event.kind != "point":
            return 0
        points: int = details.get("points") or 0
        return -points if details.get("removed") else points


def _points(number: int) -> str:
    return f"{number} point" if number == 1 else f"{number} points"


def _at(clock_ms: int | None) -> str:
    return "" if clock_ms is None else f" at {clock_text(clock_ms)}"
