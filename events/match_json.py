"""What TkStrike's JSON output says, put into the messages whose rules are known (`events.match_rules`).

Each of its objects tells one action and how everything stood then, so what was lost shows in the
next one. An object that was overtaken by a newer one says nothing of how things stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from events.match_state import SIDE_NAMES, MatchState, Told

STREAM = "json"
_TECHNICAL = "technical_"


class Said(NamedTuple):
    """One thing that a message of the JSON output says; a `Told`."""

    stream: str
    kind: str
    athlete: int = 0
    value: int | None = None
    round: int | None = None
    clock_ms: int | None = None
    details: dict[str, Any] = {}
    status: str = "recognized"


def stands(match: MatchState, message: Told) -> Iterator[Said]:
    """How the match stands by `message`, as far as that is news: match, round, winners, score, gam-jeoms."""
    details, number = message.details, message.round
    about = details.get("match") or {}
    changed = _is_another(match, about)
    if changed or (message.kind == "load" and (match.loaded_ns is None or match.started_ns is not None)):
        yield Said("pre", "load")
        changed = True
    told = {
        "number": about.get("number"),
        # What the text output said is the better word: it has the phase and the whole category.
        **{key: about.get(key) for key in ("category", "division", "internal_id")},
    }
    news = {key: text for key, text in told.items() if text and (changed or not getattr(match, key))}
    if news:
        yield Said("mch", "match", details=news)
    if number is not None and (changed or number != match.round):
        yield Said("rnd", "round", value=number, round=number)
    if winners := _winners(match, message):
        yield Said("wrd", "round_winners", details={"winners": winners})
    for stream, kind, key, known in (
        ("sc1", "score", "score", match.score),
        ("wg1", "gam_jeom", "gam_jeoms", match.gam_jeom),
    ):
        blue, red = details.get(key) or (None, None)
        if (blue, red) != known or (changed or kind == message.kind or number != match.round):
            yield Said(stream, kind, details={"blue": blue, "red": red})


def done(match: MatchState, message: Told) -> Iterator[Said]:
    """What happens by `message`, besides points and hits."""
    kind, details, clock_ms = message.kind, message.details, message.clock_ms
    if kind == "clock":
        action = details.get("action")
        if action == "stop" and match.injury:
            side, left_ms, _ = match.injury
            yield Said(f"ij{side}", "injury", side, left_ms, details={"action": "hide"})
        yield Said("clk", kind, clock_ms=clock_ms, details={"action": action} if action else {})
    elif kind == "round_winners":
        yield Said("clk", "clock", clock_ms=clock_ms, details={"action": "stopEnd"})
    elif kind == "injury":
        if details.get("action") == "show":
            # The clock of the injury is told by its ticks alone.
            yield Said("clk", "clock", clock_ms=clock_ms, details={"action": "stop"})
        elif message.value is not None:
            # It begins with whole seconds, and its first tick comes a millisecond later.
            value = message.value if match.injury else -(-message.value // 1000) * 1000
            yield Said("ij0", kind, value=value)
    elif kind == "replay":
        yield Said(f"ch{message.athlete}", kind, message.athlete, details=details)
    elif kind == "result":
        if match.clock_running:
            yield Said("clk", "clock", clock_ms=clock_ms, details={"action": "stop"})
        winner = details.get("winner")
        name = getattr(match, winner)[0] if winner in ("blue", "red") else ""
        result = {"name": name, **{key: details.get(key) for key in ("blue", "red", "decision")}}
        yield Said("wmh", kind, details=result)
        yield Said("win", "winner", message.athlete, details={"winner": winner})


def added(match: MatchState, message: Told) -> Iterator[Said]:
    """What an echo says that the text output hides: a gam-jeom taken back."""
    details, side = message.details, message.athlete
    if details.get("kind") == "gam_jeom" and details.get("removed") and side in (1, 2):
        total = message.value
        if message.round == match.round and total is not None and total < match.gam_jeom[side - 1]:
            halves = {"blue": None, "red": None, SIDE_NAMES[side]: total}
            yield Said(f"wg{side}", "gam_jeom", details=halves)


def count_point(match: MatchState, message: Told, *, echo: bool = False) -> None:
    """Counts points that were taken away, or given for a turn; of an echo nothing else.

    A turn is told after its kick, and makes that kick a technical one.
    """
    side, details = message.athlete, message.details
    technique, points = details.get("technique") or "other", details.get("points") or 0
    counts = match.points[side]
    is_turn = technique.startswith(_TECHNICAL)
    if echo and not is_turn and not details.get("removed"):
        return
    match.counted += 1
    if details.get("removed"):
        _count(counts, technique, -1)
        if is_turn:
            _count(counts, technique.removeprefix(_TECHNICAL), 1)
        match.points_sum[side] = max(match.points_sum[side] - points, 0)
    else:
        _count(counts, technique, 1)
        if is_turn:
            _count(counts, technique.removeprefix(_TECHNICAL), -1)
        match.points_sum[side] += points


def _count(counts: dict[str, int], technique: str, step: int) -> None:
    left = counts.get(technique, 0) + step
    if left > 0:
        counts[technique] = left
    else:
        counts.pop(technique, None)


def _is_another(match: MatchState, about: dict[str, Any]) -> bool:
    number, internal_id = about.get("number"), about.get("internal_id")
    if not number or not match.number or number == match.number:
        return False
    return not (internal_id and internal_id == match.internal_id)


def _winners(match: MatchState, message: Told) -> list[int]:
    """The winners of the rounds by how many each side has won; [] where that says nothing new."""
    blue, red = message.details.get("rounds_won") or (None, None)
    number = message.round
    if number is None or blue is None or red is None:
        return []
    if message.kind not in ("round_winners", "result"):
        number -= 1
    known = match.rounds_won()
    step = (blue - known[0], red - known[1])
    if step not in ((1, 0), (0, 1), (1, -1), (-1, 1)) or number < 1:
        return []
    winners = [winner for _, _, winner in match.rounds]
    winners += [0] * (number - len(winners))
    winners[number - 1] = 1 if step[0] > 0 else 2
    return winners
