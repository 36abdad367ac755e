"""What a message says besides its columns, in words: the fields of an event's page; pure.

Whatever was stored is shown; what has no words of its own comes under its name, as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from events.kinds import Kind
from events.match_state import SIDE_NAMES, Told
from events.words import clock_text, decision_text, pair_text

_TIMES = frozenset((Kind.BREAK.value, Kind.INJURY.value, Kind.TIME_OUT.value))
_LABELS = {
    "again": "Said before, word for word",
    "at": "Sender's own clock, ms",
    "body_level": "Body level needed",
    "colors": "Colours",
    "event": "Name in the JSON output",
    "gam_jeoms": "Gam-jeoms, blue – red",
    "head_level": "Head level needed",
    "hits": "Levels of the hits before it",
    "internal_id": "Number within the sender",
    "judges": "Judges",
    "kind": "By itself it would be",
    "level": "Hit level",
    "match": "Match, as it says",
    "removed": "Taken back",
    "ring": "Mat",
    "round_seconds": "Length of a round",
    "rounds": "Rounds planned",
    "rounds_won": "Rounds won, blue – red",
    "score": "Score, blue – red",
    "winners": "Round winners",
}


def value_text(event: Told) -> str:
    """The value as people read it; '' where there is none."""
    if event.value is None:
        return ""
    return clock_text(event.value) if event.kind in _TIMES else str(event.value)


def detail_rows(event: Told) -> list[tuple[str, str]]:
    """(what, text) of each of the event's details, in the order in which they are stored."""
    kind = event.kind
    return [(_label(name, kind), _text(name, value)) for name, value in (event.details or {}).items()]


def _label(name: str, kind: str = "") -> str:
    if name == "points" and kind == Kind.HIT:
        return "Came after its point, number in the session"
    return _LABELS.get(name) or name.replace("_", " ").capitalize()


def _text(name: str, value: Any) -> str:
    try:
        return _worded(name, value) or "—"
    except (AttributeError, TypeError, ValueError, IndexError, KeyError):
        # Not of the shape that the parser gives it.
        return str(value)


def _worded(name: str, value: Any) -> str:
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    words = _IN_WORDS.get(name)
    if words and isinstance(value, words[0]):
        return words[1](value)
    if isinstance(value, list):
        return _by_round(value) if name in SIDE_NAMES else ", ".join(_text("", part) for part in value)
    if isinstance(value, dict):
        if "ioc" in value:
            return _person(value)
        known = [(key, part) for key, part in value.items() if part not in (None, "", [], {})]
        return ", ".join(f"{_label(key).lower()} {_text(key, part)}" for key, part in known)
    return str(value)


def _person(told: dict[str, Any]) -> str:
    name = told.get("name") or told.get("long") or told.get("short") or "no name"
    short = told.get("short")
    parts = [name] if short in (None, "", name) else [name, f"on the scoreboard {short}"]
    return ", ".join([*parts, *([told["ioc"]] if told["ioc"] else [])])


def _dash(pair: list[Any]) -> str:
    return pair_text(pair, " – ")


def _by_round(numbers: list[Any]) -> str:
    return ", ".join(f"round {n}: {'—' if number is None else number}" for n, number in enumerate(numbers, 1))


def _winners(winners: list[int]) -> str:
    return ", ".join(f"round {n}: {SIDE_NAMES[winner] or 'none'}" for n, winner in enumerate(winners, 1))


_IN_WORDS: dict[str, tuple[type, Callable[[Any], str]]] = {
    "decision": (
        str,
        lambda code: f"{decision_text(code)} ({code})" if decision_text(code) != code else code,
    ),
    "gam_jeoms": (list, _dash),
    "hits": (list, lambda hits: ", ".join(str(level) for _, level in hits)),
    "judges": (list, lambda judges: "; ".join(_person(judge) for judge in judges if judge)),
    "kind": (str, lambda kind: Kind(kind).label),
    "round_seconds": (int, lambda seconds: clock_text(seconds * 1000)),
    "rounds_won": (list, _dash),
    "score": (list, _dash),
    "technique": (str, lambda technique: technique.replace("_", " ")),
    "winners": (list, _winners),
}
