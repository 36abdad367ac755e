"""The match clock, the rest between rounds, injury clock, para time-outs and video replays."""

from __future__ import annotations

from typing import Any

from events.match_results import clear_early_result
from events.match_state import MOST_ENTRIES, MatchState, Told

# Messages this close were sent together.
_TOGETHER_NS = 40_000_000
# Ticks of an injury clock still under way when it was hidden.
_LATE_TICK_NS = 1_500_000_000
# An answer to a video replay told this soon after another corrects it.
_CORRECTED_ANSWER_NS = 30_000_000_000

_ENDINGS = frozenset(("hide", "reset", "stop", "stopEnd", "end"))


def told_clock(match: MatchState, message: Told, ns: int) -> None:
    clock_ms = message.clock_ms
    action = message.details.get("action")
    if action is None:
        _tick(match, clock_ms, ns)
        return
    if clock_ms is not None:
        match.clock_ms = clock_ms
    match.clock_at_ns = ns
    if action == "start":
        _run(match, ns)
        # Fighting goes on, whether or not the end of the stoppage was heard.
        _end_stoppage(match, "injury", "injuries", None, None, ns)
        _end_stoppage(match, "time_out", "time_outs", None, None, ns)
    elif action in ("stop", "stopEnd"):
        match.clock_running = False
        match.stopped_ns = ns


def _tick(match: MatchState, clock_ms: int | None, ns: int) -> None:
    if clock_ms is None:
        return
    if not match.clock_running:
        stopped_ns = match.stopped_ns
        if stopped_ns is not None and abs(ns - stopped_ns) <= _TOGETHER_NS:
            return
        if match.clock_ms is not None and match.clock_ms - 2000 <= clock_ms < match.clock_ms:
            # It counts, so it runs: its start was not heard.
            _run(match, ns)
    match.clock_ms = clock_ms
    match.clock_at_ns = ns


def _run(match: MatchState, ns: int) -> None:
    if match.started_ns is None:
        match.started_ns = ns
        clear_early_result(match)
    match.clock_running = True
    end_rest(match)


def told_break(match: MatchState, message: Told, ns: int) -> None:
    action = message.details.get("action")
    if action == "stopEnd" or (action == "stop" and not message.value):
        end_rest(match)
        return
    if message.value is None:
        return
    match.rest_ms = message.value
    match.rest_at_ns = ns
    match.rest_running = action != "stop" and (action != "corr" or match.rest_running)


def end_rest(match: MatchState) -> None:
    match.rest_ms = None
    match.rest_at_ns = None
    match.rest_running = False


def told_injury(match: MatchState, message: Told, ns: int) -> None:
    _told_stoppage(match, "injury", "injuries", message, ns)


def told_time_out(match: MatchState, message: Told, ns: int) -> None:
    _told_stoppage(match, "time_out", "time_outs", message, ns)


def _told_stoppage(match: MatchState, current: str, entries: str, message: Told, ns: int) -> None:
    action = message.details.get("action")
    side, left_ms = message.athlete, message.value
    if action in _ENDINGS:
        _end_stoppage(match, current, entries, side, left_ms, ns)
        return
    known: tuple[dict[str, Any], ...] = getattr(match, entries)
    last = next((entry for entry in reversed(known) if entry["side"] == side), None)
    if last is None or last["ended_ns"] is not None:
        if action is None and last is not None and ns - last["ended_ns"] <= _LATE_TICK_NS:
            return
        entry = {
            "side": side,
            "round": match.round,
            "clock_ms": match.clock_ms,
            "started_ns": ns,
            "shown_ms": left_ms,
            "left_ms": None,
            "ended_ns": None,
        }
        setattr(match, entries, (*known, entry)[-MOST_ENTRIES:])
    elif action is not None and left_ms is not None and left_ms > (last["shown_ms"] or 0):
        # Its first tick overtook it.
        longer = {**last, "shown_ms": left_ms}
        setattr(match, entries, tuple(longer if entry is last else entry for entry in known))
    setattr(match, current, (side, left_ms, ns))


def _end_stoppage(
    match: MatchState, current: str, entries: str, side: int | None, left_ms: int | None, ns: int
) -> None:
    """Ends what is open of `side` (None: of any side)."""
    known: tuple[dict[str, Any], ...] = getattr(match, entries)
    if not known:
        return
    ended = []
    for entry in known:
        if side is None or entry["side"] == side:
            if entry["ended_ns"] is None:
                entry = {**entry, "left_ms": left_ms, "ended_ns": ns}
            elif entry["left_ms"] is None and abs(ns - entry["ended_ns"]) <= _TOGETHER_NS:
                entry = {**entry, "left_ms": left_ms}
        ended.append(entry)
    setattr(match, entries, tuple(ended))
    shown = getattr(match, current)
    if shown and (side is None or shown[0] == side):
        setattr(match, current, None)


def told_replay(match: MatchState, message: Told, ns: int) -> None:
    state = message.details.get("state")
    won = message.details.get("won")
    side = message.athlete
    place = next((i for i in range(len(match.replays) - 1, -1, -1) if match.replays[i]["side"] == side), None)
    last = None if place is None else match.replays[place]
    is_open = last is not None and last["state"] == "opened"
    if state in (None, "opened"):
        if is_open or (state is None and last is not None):
            return
    elif last is not None and place is not None:
        answered_ns = last["answered_ns"]
        if is_open or (
            state != "closed" and answered_ns is not None and ns - answered_ns <= _CORRECTED_ANSWER_NS
        ):
            answer = {**last, "state": state, "won": won, "answered_ns": answered_ns or ns}
            match.replays = (*match.replays[:place], answer, *match.replays[place + 1 :])
            return
        if state == "closed":
            # Answered already, and now put away.
            return
    entry = {
        "side": side,
        "round": match.round,
        "clock_ms": match.clock_ms,
        "state": state or "opened",
        "won": won,
        "asked_ns": ns,
        "answered_ns": None if state in (None, "opened") else ns,
    }
    match.replays = (*match.replays, entry)[-MOST_ENTRIES:]


def told_disconnect(match: MatchState, message: Told, ns: int) -> None:
    """The sender left: nobody counts its clock any more."""
    match.clock_running = False
    match.rest_running = False
