"""What each kind of message does to a match, and which of two messages of one moment counts first.

The rules answer the protocol's disorder: within a moment (`events.scoreboard`) messages are applied
in the order of `order_of`, so a rule may rely on it. A larger score comes after a smaller one, so
the larger counts; a score by round comes after the plain score, whose round may be in doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from events.match_clocks import (
    end_rest,
    told_break,
    told_clock,
    told_disconnect,
    told_injury,
    told_replay,
    told_time_out,
)
from events.match_results import (
    settle_rounds,
    told_result,
    told_round_winners,
    told_winner,
)
from events.match_state import (
    BLUE,
    MOST_ROUNDS,
    MOST_TEXT,
    RED,
    SIDE_NAMES,
    MatchState,
    Person,
    Score,
    Told,
)

# Messages this close say the same thing twice, or contradict each other without meaning it.
_TOGETHER_NS = 40_000_000

_LARGEST_SCORE = 999
_LARGEST_SETTING = 32_767

Order = tuple[Any, ...]
Rule = Callable[[MatchState, Told, int], None]


# --- Who and what ---------------------------------------------------------------------------------


def _told_load(match: MatchState, message: Told, ns: int) -> None:
    match.load(ns)


def _told_match(match: MatchState, message: Told, ns: int) -> None:
    told = message.details
    number = (told.get("number") or "")[:MOST_TEXT]
    if number and match.number and number != match.number:
        # Its `pre` was lost, or the listener was not there yet.
        match.load(ns)
    for name, key in (
        ("number", "number"),
        ("phase", "phase"),
        ("category", "category"),
        ("division", "division"),
        ("internal_id", "internal_id"),
    ):
        text = (told.get(key) or "")[:MOST_TEXT]
        if text:
            setattr(match, name, _whole(getattr(match, name), text, message.status))
    for name, key in (
        ("rounds_planned", "rounds"),
        ("round_seconds", "round_seconds"),
        ("body_level", "body_level"),
        ("head_level", "head_level"),
    ):
        value = told.get(key)
        if value is not None and 0 <= value <= _LARGEST_SETTING:
            setattr(match, name, value)


def _told_athletes(match: MatchState, message: Told, ns: int) -> None:
    for side in ("blue", "red"):
        told = message.details.get(side)
        if told:
            setattr(match, side, _merge_person(getattr(match, side), told, message.status))


def _merge_person(known: Person, told: dict[str, str | None], status: str) -> Person:
    """The athlete now told; what was cut off is filled from what was known of the same one."""
    short = (told.get("short") or "")[:MOST_TEXT]
    name = (told.get("long") or short)[:MOST_TEXT]
    short = short or name
    ioc = (told.get("ioc") or "")[:MOST_TEXT]
    if not name:
        return (known[0], known[1], ioc or known[2])
    same = known[0] and (name == known[0] or known[0].startswith(name) or name.startswith(known[0]))
    if not same or status == "recognized":
        return (name, short, ioc)
    return (
        _whole(known[0], name, status),
        _whole(known[1], short, status),
        _whole(known[2], ioc, status),
    )


def _whole(known: str, told: str, status: str) -> str:
    """`told`, unless it is a cut piece of what is known."""
    return known if status != "recognized" and known.startswith(told) else told


def _told_referees(match: MatchState, message: Told, ns: int) -> None:
    referee = _official(message.details.get("referee"))
    judges = [_official(judge) for judge in message.details.get("judges") or ()]
    known = match.referees
    if message.status != "recognized" and known:
        referee = known["referee"] or referee
        if sum(map(bool, known["judges"])) >= sum(map(bool, judges)):
            judges = known["judges"]
    match.referees = {"referee": referee, "judges": judges}


def _official(person: dict[str, str | None] | None) -> dict[str, str | None] | None:
    return person and {key: text and text[:MOST_TEXT] for key, text in person.items()}


# --- Rounds ----------------------------------------------------------------------------


def _told_round(match: MatchState, message: Told, ns: int) -> None:
    number = message.value
    if number is None:
        return
    if not 1 <= number <= MOST_ROUNDS:
        match.note(f"Round {number} was told, which cannot be.")
        return
    before = match.round
    if number == before:
        match.extend_rounds(number)
        return
    end_rest(match)
    if before is not None and number < before:
        match.note(f"The round went from {before} back to {number}.")
    if match.rounds_planned and number > match.rounds_planned + 1:
        match.note(f"Round {number} of a match of {match.rounds_planned} rounds.")
    _enter_round(match, number, ns)


def _enter_round(match: MatchState, number: int, ns: int) -> None:
    before = match.round
    if before is None and match.clock_ms != 0 and match.rest_ms is None:
        # Listening began in this round: what was heard of it already belongs to it.
        match.round = number
        match.put_gam_jeoms(number, match.gam_jeom)
        if match.rounds[number - 1][:2] == (0, 0):
            match.put_round(number, (*match.score, 0))
        return
    match.round_before = before
    match.round = number
    match.round_ns = ns
    match.extend_rounds(number)
    if not match.cumulative:
        match.score = match.rounds[number - 1][:2]
    match.gam_jeom = match.gam_jeoms[number - 1]
    match.taken_back = (False, False)
    if match.clock_ms == 0 and not match.clock_running:
        # The clock of the round before; the new one is told when it starts.
        match.clock_ms = match.round_seconds * 1000 if match.round_seconds else None
    settle_rounds(match)


# --- Scores and gam-jeoms -------------------------------------------------------------------------


def _told_score(match: MatchState, message: Told, ns: int) -> None:
    details = message.details
    told = (details.get("blue"), details.get("red"))
    number = match.round
    before = match.round_before
    if number is None:
        match.score = _fill(told, match.score)
        return
    if before is not None and _just_changed(match, ns):
        last = match.rounds[before - 1]
        if last[:2] != (0, 0) and all(n is None or n >= k for n, k in zip(told, last, strict=False)):
            # Not less than the round before had: a late score of that one. The score by round,
            # where one comes, knows better.
            _put_score(match, before, _fill(told, last[:2]), ns)
            return
    score = _fill(told, match.score)
    match.score_round = number
    if match.cumulative:
        earlier = match.points_before(number)
        _put_score(match, number, (score[0] - earlier[0], score[1] - earlier[1]), ns)
        match.score = score
    else:
        _put_score(match, number, score, ns)


def _told_round_scores(match: MatchState, message: Told, ns: int) -> None:
    told = list(zip(message.details.get("blue") or (), message.details.get("red") or (), strict=False))
    last = max((i + 1 for i, pair in enumerate(told) if any(pair)), default=0)
    if match.round is None:
        if not last:
            return
        # Listening began in the middle: the last round with points is on, unless told otherwise.
        match.round = last
        match.put_gam_jeoms(last, match.gam_jeom)
    elif last > match.round:
        match.note(f"Round {last} has points, and its beginning was not heard.")
        _enter_round(match, last, ns)
    current = match.round
    for number, pair in enumerate(told, 1):
        if number > current or pair == (None, None):
            continue
        match.extend_rounds(number)
        score = _fill(pair, match.rounds[number - 1][:2])
        if number == current:
            _compare_with_score(match, number, score)
        _put_score(match, number, score, ns)


def _compare_with_score(match: MatchState, number: int, by_round: Score) -> None:
    """Finds out whether `sc` counts on over the rounds, by a round whose own score differs."""
    earlier = match.points_before(number)
    if earlier != (0, 0) and match.score_round == number:
        total = (earlier[0] + by_round[0], earlier[1] + by_round[1])
        if match.score == total:
            match.cumulative = True
        elif match.score == by_round:
            match.cumulative = False
    if match.cumulative:
        match.score = (earlier[0] + by_round[0], earlier[1] + by_round[1])


def _put_score(match: MatchState, number: int, score: Score, ns: int) -> None:
    match.extend_rounds(number)
    blue, red, winner = match.rounds[number - 1]
    score = (max(score[0], 0), max(score[1], 0))
    if number == match.round and not match.cumulative:
        match.score = score
    if score == (blue, red):
        return
    beside = abs(ns - match.score_ns) <= _TOGETHER_NS
    for name, known, told in (("blue", blue, score[0]), ("red", red, score[1])):
        if told < known and not beside:
            match.note(f"Round {number}: {name}'s score went from {known} back to {told}.")
    # A gam-jeom that is taken back is not told, but the point that it gave the other is.
    match.taken_back = (
        match.taken_back[0] or blue - score[0] == 1,
        match.taken_back[1] or red - score[1] == 1,
    )
    match.score_ns = ns
    match.put_round(number, (*score, winner))


def gam_jeom_change(match: MatchState, message: Told) -> tuple[int, int] | None:
    """(side, total) whose total a gam-jeom message raises; None when it raises none, or both.

    A removal is not told. So when a total comes again that is known already, it is the side's whose
    opponent lost a point since.
    """
    blue, red = message.details.get("blue"), message.details.get("red")
    known_blue, known_red = match.gam_jeom
    blue_rose = blue is not None and blue > known_blue
    red_rose = red is not None and red > known_red
    if not blue_rose and not red_rose and (blue or red):
        blue_rose = bool(blue) and blue == known_blue and match.taken_back[1]
        red_rose = bool(red) and red == known_red and match.taken_back[0]
    if blue_rose == red_rose:
        return None
    return (BLUE, blue) if blue_rose else (RED, red)


def _told_gam_jeoms(match: MatchState, message: Told, ns: int) -> None:
    told = (message.details.get("blue"), message.details.get("red"))
    number = match.round
    before = match.round_before
    if number is not None and before is not None and _just_changed(match, ns):
        last = match.gam_jeoms[before - 1]
        if last != (0, 0) and all(n is None or n >= k for n, k in zip(told, last, strict=True)):
            match.put_gam_jeoms(before, _fill(told, last))
            return
    totals = _fill(told, match.gam_jeom)
    for side, known, total in zip(("blue", "red"), match.gam_jeom, totals, strict=True):
        if total < known:
            match.note(f"{side.capitalize()}'s gam-jeoms went from {known} back to {total}.")
    match.gam_jeom = totals
    match.taken_back = (False, False)
    if number is not None:
        match.put_gam_jeoms(number, totals)


def _fill(told: tuple[int | None, int | None], known: Score) -> Score:
    """What was told, and what is known where nothing was, or nothing that can be true."""
    blue, red = told
    return (
        known[0] if blue is None or not 0 <= blue <= _LARGEST_SCORE else blue,
        known[1] if red is None or not 0 <= red <= _LARGEST_SCORE else red,
    )


def _just_changed(match: MatchState, ns: int) -> bool:
    return match.round_ns is not None and abs(ns - match.round_ns) <= _TOGETHER_NS


RULES: dict[str, Rule] = {
    "load": _told_load,
    "match": _told_match,
    "athletes": _told_athletes,
    "referees": _told_referees,
    "clock": told_clock,
    "break": told_break,
    "round": _told_round,
    "score": _told_score,
    "round_scores": _told_round_scores,
    "gam_jeom": _told_gam_jeoms,
    "injury": told_injury,
    "time_out": told_time_out,
    "replay": told_replay,
    "round_winners": told_round_winners,
    "result": told_result,
    "winner": told_winner,
    "disconnect": told_disconnect,
}

# --- Order within a moment ------------------------------------------------------------------------

_RANK = {kind: rank for rank, kind in enumerate(RULES)}
# A start may come with the first tick after it, a stop with the last one before it.
_CLOCK_ACTIONS = {"corr": 0, "start": 1, None: 2, "stop": 3, "stopEnd": 4}
_STOPPAGE_ACTIONS = {"show": 0, "start": 0, None: 1}
_REPLAY_STATES = {None: 0, "opened": 0, "denied": 1, "accepted": 2, "closed": 3}
# Of these a whole one counts more than a cut one.
_TEXTS = frozenset(("match", "athletes", "referees", "result"))


def order_of(message: Told) -> Order:
    """Where a message stands among those of its moment: kind first, then what it says."""
    kind = message.kind
    rank = _RANK[kind]
    details = message.details
    if kind in ("score", "gam_jeom"):
        blue, red = details.get("blue"), details.get("red")
        blue = -1 if blue is None else blue
        red = -1 if red is None else red
        return (rank, blue + red, blue)
    if kind == "round_scores":
        told = [
            -1 if number is None else number for side in SIDE_NAMES[1:] for number in details.get(side) or ()
        ]
        return (rank, sum(told), told)
    if kind == "clock":
        return (rank, _CLOCK_ACTIONS.get(details.get("action"), 0), -(message.clock_ms or 0))
    if kind == "break":
        return (rank, _CLOCK_ACTIONS.get(details.get("action"), 0), -(message.value or 0))
    if kind in ("injury", "time_out"):
        action = _STOPPAGE_ACTIONS.get(details.get("action"), 2)
        return (rank, message.athlete, action, -(message.value or 0))
    if kind == "replay":
        return (rank, message.athlete, _REPLAY_STATES.get(details.get("state"), 0))
    if kind == "round_winners":
        winners = details.get("winners") or []
        return (rank, sum(map(bool, winners)), winners)
    if kind in _TEXTS:
        return (rank, message.status == "recognized", str(details))
    return (rank, message.value or message.athlete or 0)


def begins_anew(message: Told, heard: Iterable[Told]) -> bool:
    """Whether a message cannot be of the same moment as those heard: a second load, another match."""
    kind = message.kind
    if kind == "load":
        return any(other.kind == "load" for other in heard)
    if kind == "match":
        number = message.details.get("number")
        return any(other.kind == "match" and other.details.get("number") != number for other in heard)
    return False
