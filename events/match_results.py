"""Winners of rounds and of the match: what to believe, and which answers are the match before's.

A sender asked for its last result may answer with that of the match before, and a match withdrawn
has a result without any clock. The two are told apart by the name, by the decision, and by whether
the same result ended the match before.
"""

from __future__ import annotations

from events.match_state import (
    BLUE,
    GAM_JEOM_LIMIT,
    MOST_ROUNDS,
    MOST_TEXT,
    OUTCOMES,
    RED,
    SIDE_NAMES,
    MatchState,
    Person,
    Result,
    Told,
)

# The sender says 0 for a round at its end, before it is decided.
_UNDECIDED_NS = 5_000_000_000
# A result and its `win` are sent together.
_PAIR_NS = 1_000_000_000
# A running clock ticks every second.
_SILENT_CLOCK_NS = 3_000_000_000
# Decisions that end a match without a fight.
NO_FIGHT = frozenset(("WDR", "DSQ", "DQB", "IRM"))
# Whoever has more wins; by any other decision who is behind may have won.
_BY_FIGURES = frozenset(("", "PTF", "PTG", "GDP", "SUP", "PUN", "PTS"))


def told_round_winners(match: MatchState, message: Told, ns: int) -> None:
    match.by_rounds = True
    for number, winner in enumerate((message.details.get("winners") or ())[:MOST_ROUNDS], 1):
        known = match.rounds[number - 1][2] if number <= len(match.rounds) else 0
        if winner == known:
            if winner:
                _decide(match, number, winner, ns)
            continue
        if not winner:
            decided_ns = match.decided_ns[number - 1]
            if not decided_ns or ns - decided_ns <= _UNDECIDED_NS or message.status != "recognized":
                continue
            match.note(f"Round {number} was {SIDE_NAMES[known]}'s, and is undecided again.")
        elif known and match.decided_ns[number - 1]:
            match.note(
                f"Round {number}'s winner was corrected from {SIDE_NAMES[known]} to {SIDE_NAMES[winner]}."
            )
        _decide(match, number, winner, ns)


def _decide(match: MatchState, number: int, winner: int, ns: int) -> None:
    """`ns` 0: worked out, not told."""
    match.extend_rounds(number)
    blue, red, known = match.rounds[number - 1]
    if known != winner or match.decided_ns[number - 1] == 0:
        match.put_round(number, (blue, red, winner))
        match.decided_ns = (*match.decided_ns[: number - 1], ns, *match.decided_ns[number:])


def settle_rounds(match: MatchState) -> None:
    """Works out the winner of a round that is over where none was told.

    By the result in rounds won, else by the score, unless the leader has gam-jeoms enough to lose
    it. Only in a match whose rounds have winners.
    """
    if not match.by_rounds or match.cumulative:
        return
    current = match.round or 0
    ended = bool(match.winner)
    missing = [
        number
        for number, (_, _, winner) in enumerate(match.rounds, 1)
        if not winner and (number < current or (ended and number == current))
    ]
    if ended and len(missing) == 1 and match.result and None not in match.result[1:3]:
        won = match.rounds_won()
        short = ((match.result[1] or 0) - won[0], (match.result[2] or 0) - won[1])
        if short in ((1, 0), (0, 1)):
            _decide(match, missing[0], BLUE if short[0] else RED, 0)
            return
    for number in missing:
        if number == current:
            # A match can end in the middle of a round: withdrawn, or stopped by the referee.
            continue
        blue, red, _ = match.rounds[number - 1]
        leader = BLUE if blue > red else RED
        if blue != red and match.gam_jeoms[number - 1][leader - 1] < GAM_JEOM_LIMIT:
            _decide(match, number, leader, 0)


def told_result(match: MatchState, message: Told, ns: int) -> None:
    details = message.details
    told: Result = (
        (details.get("name") or "")[:MOST_TEXT],
        details.get("blue"),
        details.get("red"),
        details.get("decision") or "",
    )
    side = _side_named(match, told[0], message.status)
    if _is_of_match_before(match, told, side, ns):
        match.stale_ns = ns
        match.note(f"A result of another match was left out: {told[0] or 'no name'} {told[3]}".rstrip() + ".")
        return
    known = match.result or ("", None, None, "")
    match.result = (
        told[0] or known[0],
        known[1] if told[1] is None else told[1],
        known[2] if told[2] is None else told[2],
        told[3] or known[3],
    )
    match.decision = match.result[3][:8]
    named = _winner_of(match.result, side)
    if match.winner_told:
        _hold_against(match, named)
    else:
        match.winner = named or match.winner
    _end(match, ns)
    if match.held_winner:
        match.winner, match.winner_told = match.held_winner[0], True
        match.held_winner = None
        _hold_against(match, named)
    _name_winner(match)
    settle_rounds(match)


def told_winner(match: MatchState, message: Told, ns: int) -> None:
    winner = message.details.get("winner")
    if winner not in OUTCOMES:
        return
    if match.stale_ns is not None and abs(ns - match.stale_ns) <= _PAIR_NS:
        return
    running = _is_running(match, ns)
    fought = match.started_ns is not None and not running
    began_late = match.match_serial == 0 and not running
    if not (fought or began_late or match.result):
        match.held_winner = (winner, ns)
        return
    if match.winner_told and match.winner != winner:
        match.note(f"The winner was corrected from {match.winner} to {winner}.")
    named, match.winner = match.winner, winner
    if not match.winner_told:
        _hold_against(match, named)
    match.winner_told = True
    _end(match, ns)
    _name_winner(match)
    settle_rounds(match)


def _hold_against(match: MatchState, named: str) -> None:
    """Notes where the result names another winner than was told, who counts."""
    if named and named != match.winner:
        match.note(f"The result says {named}, and the winner told is {match.winner}, which counts.")


def _name_winner(match: MatchState) -> None:
    """Takes the winner's name from the result where the athletes' message was cut before its end."""
    if not match.winner_told or not match.result or not match.result[0] or match.winner == "tie":
        return
    name = match.result[0]
    person: Person = getattr(match, match.winner)
    other = match.red if match.winner == "blue" else match.blue
    if name not in other[:2] and _may_be_cut_from(person, name):
        setattr(match, match.winner, (name, name, person[2]))


def _may_be_cut_from(person: Person, name: str) -> bool:
    """Whether an athlete, whose country was cut off, may be the one with the whole `name`."""
    return not person[2] and name != person[0] and name.startswith(person[0])


def clear_early_result(match: MatchState) -> None:
    """The clock starts for the first time: a result told before was another match's."""
    match.held_winner = None
    if not (match.winner or match.result):
        return
    match.note("A result came before the fight began and was left out.")
    match.winner = match.decision = ""
    match.winner_told = False
    match.result = None
    match.ended_ns = None


def _end(match: MatchState, ns: int) -> None:
    if match.ended_ns is None or (match.stopped_ns or 0) > match.ended_ns + _PAIR_NS:
        # The first to say so; a later one where they fought on after it.
        match.ended_ns = ns
    match.clock_running = False


def _side_named(match: MatchState, name: str, status: str) -> int | None:
    """1 blue, 2 red, 0 neither; None when there is no name or no athlete to hold it against."""
    if not name or not (match.blue[0] or match.red[0]):
        return None
    wanted = name.strip().casefold()
    for side, person in ((BLUE, match.blue), (RED, match.red)):
        for known in person[:2]:
            known_name = known.strip().casefold()
            if known_name and (
                known_name == wanted
                or (status != "recognized" and len(wanted) > 2 and known_name.startswith(wanted))
                or (len(known_name) > 2 and _may_be_cut_from(person, name))
            ):
                return side
    return 0


def _is_running(match: MatchState, ns: int) -> bool:
    """Whether the match clock runs; one that was not heard for long has stopped unheard."""
    return match.clock_running and ns - (match.clock_at_ns or 0) <= _SILENT_CLOCK_NS


def _is_of_match_before(match: MatchState, told: Result, side: int | None, ns: int) -> bool:
    running = _is_running(match, ns)
    if match.started_ns is not None and not running:
        return side == 0 and told == match.previous_result
    if running:
        # Nobody decides a match while its clock runs.
        return not side
    if match.match_serial == 0:
        return side == 0
    if told == match.previous_result:
        return True
    return not side and told[3] not in NO_FIGHT


def _winner_of(result: Result, side: int | None) -> str:
    name, blue, red, decision = result
    if side:
        return OUTCOMES[side]
    if blue is None or red is None or decision not in _BY_FIGURES:
        return ""
    if blue == red:
        return "" if name else "tie"
    return "blue" if blue > red else "red"
