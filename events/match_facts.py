"""A match in the words and figures of its page and its report; pure, from its row alone."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from events.kinds import Outcome
from events.models import Match
from events.words import clock_text, decision_text, moment_text

_SIDES = ("referee", "blue", "red")


def match_facts(match: Match) -> dict[str, Any]:
    """What the templates of the page and of the report show, by name."""
    rounds = [
        {
            "number": number,
            "blue": scores[0] if scores else "",
            "red": scores[1] if scores else "",
            "winner": (scores[2] if scores and len(scores) > 2 else 0) or 0,
            "blue_gam_jeoms": gam_jeoms[0] if gam_jeoms else 0,
            "red_gam_jeoms": gam_jeoms[1] if gam_jeoms else 0,
        }
        for number, (scores, gam_jeoms) in enumerate(zip_longest(match.rounds, match.gam_jeoms), 1)
    ]
    planned = match.rounds_planned
    seconds = match.round_seconds
    form = f"{planned} round{'' if planned == 1 else 's'}" if planned else ""
    if form and seconds:
        form += f" of {clock_text(seconds * 1000)}"
    referees = match.referees or {}
    return {
        "rounds": rounds,
        "rounds_won": [sum(r["winner"] == side for r in rounds) for side in (1, 2)],
        "form": form,
        "decision": decision_text(match.decision) if match.decision else "",
        "tie": match.winner == Outcome.TIE,
        "referee": referees.get("referee"),
        "judges": [judge for judge in referees.get("judges") or [] if judge],
        "replays": [_replay_words(entry) for entry in match.replays],
        "injuries": [_stoppage_words(entry) for entry in match.injuries],
        "time_outs": [_stoppage_words(entry) for entry in match.time_outs],
    }


def _when(entry: dict[str, Any]) -> str:
    return moment_text(entry.get("round"), entry.get("clock_ms"))


def _side_of(entry: dict[str, Any]) -> str:
    side = entry.get("side")
    return _SIDES[side] if side in (0, 1, 2) else "referee"


def _replay_words(entry: dict[str, Any]) -> str:
    answer = {"opened": "not answered", "closed": "closed"}.get(entry.get("state", ""), entry.get("state"))
    won = "" if entry.get("won") is None else ", won" if entry["won"] else ", lost"
    return f"{_side_of(entry).capitalize()}, {_when(entry)}: {answer}{won}"


def _stoppage_words(entry: dict[str, Any]) -> str:
    side = entry.get("side")
    who = f"{_SIDES[side].capitalize()}, " if side in (1, 2) else ""
    words = f"{who}{_when(entry)}" or "once"
    started, ended = entry.get("started_ns"), entry.get("ended_ns")
    return f"{words}, {round(max(ended - started, 0) / 1e9)} s long" if started and ended else words
