"""How the state of a match is handed on: to the match's row, and to cards and pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from events.match_state import MatchState, Person, Score

_BLUE, _RED = 1, 2


def match_fields(match: MatchState) -> dict[str, Any]:
    """The columns of `events.models.Match`, cut to their lengths.

    `blue` and `red` are (name, short name, country), or None while nothing is known; where only the
    country came the name is ''. The times are `loaded_ns`, `started_ns` and `ended_ns`, ns since 1970
    or None.
    """
    return {
        "number": match.number[:32],
        "phase": match.phase[:64],
        "category": match.category[:100],
        "division": match.division[:100],
        "rounds_planned": _small(match.rounds_planned),
        "round_seconds": _small(match.round_seconds),
        "body_level": _small(match.body_level),
        "head_level": _small(match.head_level),
        "blue": _athlete(match.blue),
        "red": _athlete(match.red),
        "rounds": [list(values) for values in match.rounds],
        "gam_jeoms": [list(totals) for totals in match.gam_jeoms],
        "replays": [dict(entry) for entry in match.replays],
        "injuries": [dict(entry) for entry in match.injuries],
        "time_outs": [dict(entry) for entry in match.time_outs],
        "referees": dict(match.referees),
        "winner": match.winner,
        "decision": match.decision,
        "loaded_ns": match.loaded_ns,
        "started_ns": match.started_ns,
        "ended_ns": match.ended_ns,
        "figures": figures(match),
    }


def figures(match: MatchState) -> dict[str, Any]:
    """What each side hit and scored, as `[blue, red]`: `hits` told; of these without the 99s of judges
    how many (`hits_measured`), their sum (`hit_sum`) and the highest (`hit_best`); `points` as {technique:
    how often}, what they were worth when they were told (`points_sum`)."""
    return {
        "hits": match.hits[1:],
        "hits_measured": match.hits_measured[1:],
        "hit_sum": match.hit_sum[1:],
        "hit_best": match.hit_best[1:],
        "points": [dict(by_technique) for by_technique in match.points[1:]],
        "points_sum": match.points_sum[1:],
    }


def as_dict(match: MatchState) -> dict[str, Any]:
    """What a court's card shows; JSON-able. Times ending in `_at` are ms since 1970."""
    won = match.rounds_won()
    asked = match.replays[-1] if match.replays else None
    planned = match.rounds_planned
    return {
        "serial": match.match_serial,
        "number": match.number,
        "phase": match.phase,
        "category": match.category,
        "division": match.division,
        "rounds_planned": planned,
        "round_seconds": match.round_seconds,
        "body_level": match.body_level,
        "head_level": match.head_level,
        "blue": _side_dict(match, _BLUE, match.blue, won),
        "red": _side_dict(match, _RED, match.red, won),
        "round": match.round,
        "golden": bool(planned and match.round and match.round > planned),
        "rounds": [list(values) for values in match.rounds],
        "clock_ms": match.clock_ms,
        "clock_running": match.clock_running,
        "clock_at": _ms(match.clock_at_ns),
        "rest": None
        if match.rest_ms is None
        else {"ms": match.rest_ms, "running": match.rest_running, "at": _ms(match.rest_at_ns)},
        "injury": _stoppage(match.injury),
        "time_out": _stoppage(match.time_out),
        "replay": {"side": asked["side"], "round": asked["round"], "clock_ms": asked["clock_ms"]}
        if asked and asked["state"] == "opened"
        else None,
        "winner": match.winner,
        "decision": match.decision,
        "loaded_at": _ms(match.loaded_ns),
        "started_at": _ms(match.started_ns),
        "ended_at": _ms(match.ended_ns),
        "problems": list(match.problems[-3:]),
    }


def _side_dict(match: MatchState, side: int, person: Person, won: Score) -> dict[str, Any]:
    return {
        "name": person[0] or person[1],
        "short": person[1],
        "ioc": person[2],
        "score": match.score[side - 1],
        "rounds_won": won[side - 1],
        "gam_jeoms": match.gam_jeom[side - 1],
        "hits": match.hits[side],
        "best_hit": match.hit_best[side],
    }


def _athlete(person: Person) -> Person | None:
    name, short, country = person
    return (name[:200], short[:100], country[:10]) if name or country else None


def _small(number: int | None) -> int | None:
    """What a small positive integer column holds."""
    return number if number is not None and 0 <= number <= 32_767 else None


def _ms(ns: int | None) -> int | None:
    return None if ns is None else ns // 1_000_000


def _stoppage(shown: tuple[int, int | None, int] | None) -> dict[str, Any] | None:
    return None if shown is None else {"side": shown[0], "ms": shown[1], "at": _ms(shown[2])}
