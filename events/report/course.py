"""How the score of a match went, drawn: pure, from its events to the numbers of an SVG."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from events.match_state import to_ns
from events.scoreboard import Scoreboard

WIDTH, HEIGHT = 680, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 28, 8, 18, 20
# Scores closer than this are one step: the messages of one action come in any order.
_STEP_NS = 40_000_000


class Step(NamedTuple):
    """The score from a moment on, in ns since 1970; in best of three that of the round."""

    ns: int
    round: int
    blue: int
    red: int


@dataclass(frozen=True)
class Course:
    """Paths and labels, in the units of the drawing."""

    blue: str
    red: str
    rounds: list[tuple[float, str]]
    grid: list[tuple[float, int]]
    minutes: list[tuple[float, str]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    bottom: int = HEIGHT - _BOTTOM


def steps(events: Iterable[Any]) -> list[Step]:
    """Each change of score or round; events as `Scoreboard.fold` takes them."""
    board = Scoreboard()
    found: list[Step] = []
    for event in events:
        ns = to_ns(event.received_at)
        board.apply(event, ns, event.sequence)
        step = Step(ns, board.round or 1, *board.score)
        if found and ns - found[-1].ns < _STEP_NS and step.round == found[-1].round:
            found[-1] = found[-1]._replace(blue=step.blue, red=step.red)
        elif not found or step[1:] != found[-1][1:]:
            found.append(step)
    return found


def draw(events: Iterable[Any]) -> Course | None:
    """None where no score was told: an empty frame would say that nobody scored."""
    told = steps(events)
    if not any(step.blue or step.red for step in told):
        return None
    first = next((n for n, step in enumerate(told) if step.blue or step.red), 0)
    # From just before the first score: a match may stand loaded for long before it begins.
    told = told[max(first - 1, 0) :]
    start = max(told[0].ns, told[min(1, len(told) - 1)].ns - 60_000_000_000)
    told[0] = told[0]._replace(ns=start)
    span = max(told[-1].ns - start, 1_000_000_000) * 1.02
    top = max(max(step.blue, step.red) for step in told)
    across = WIDTH - _LEFT - _RIGHT
    down = HEIGHT - _TOP - _BOTTOM

    def x(ns: float) -> float:
        return round(_LEFT + (ns - start) / span * across, 1)

    def y(score: float) -> float:
        return round(HEIGHT - _BOTTOM - max(score, 0) / top * down, 1)

    def path(side: int) -> str:
        parts = [f"M{x(told[0].ns)} {y(told[0][side])}"]
        parts += [f"H{x(step.ns)}V{y(step[side])}" for step in told[1:]]
        return "".join([*parts, f"H{WIDTH - _RIGHT}"])

    every = next(step for step in (1, 2, 5, 10, 20, 50, 100, 10**9) if top / step <= 5)
    minutes = int(span // 60_000_000_000)
    each = max(minutes // 8, 1)
    rounds = [
        (x(step.ns), f"Round {step.round}")
        for n, step in enumerate(told)
        if n == 0 or step.round != told[n - 1].round
    ]
    return Course(
        blue=path(2),
        red=path(3),
        rounds=rounds,
        grid=[(y(score), score) for score in range(0, top + 1, every)],
        minutes=[(x(start + n * 60e9), f"{n} min") for n in range(0, minutes + 1, each)],
    )
