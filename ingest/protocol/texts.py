"""Readers of the messages that carry names: athletes, match, referees, result.

These are the ones TkStrike cuts short, so their readers are told how. It sends as many bytes as
the text has UTF-16 units; every non-ASCII character costs its surplus bytes at the end. The
surplus of what is visible is therefore the number of bytes lost, and tells whether the last
visible field is whole: two lost bytes are the line end and nothing else.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from ingest.protocol.fields import join_errors, read_number, snippet
from ingest.protocol.messages import DECISIONS, PUBLISHED
from ingest.protocol.numbers import Reading

_LINE_END = 2
_SCORE = re.compile(r"(\d{1,3})-(\d{0,3})(?:$| (.*))", re.ASCII | re.DOTALL)
_IOC = re.compile(r"[A-Z]{3}")
_JUDGES = ("ju1", "ju2", "ju3")
_MATCH_FIELDS = 16
_COUNTDOWN = 13


class Frame(NamedTuple):
    """How a line was framed."""

    dialect: str
    # The line ended with a `;`, already taken off the fields.
    tail: bool
    # Bytes lost at the end, as far as the visible text tells; 0 when the line is whole.
    lost: int

    @property
    def last_is_cut(self) -> bool:
        """The last visible field may have lost its end."""
        return self.lost > _LINE_END and not self.tail


TextReader = Callable[[list[str], Frame], Reading]


def read_athletes(fields: list[str], frame: Frame) -> Reading:
    """``at1;SHORT;LONG;IOC;at2;SHORT;LONG;IOC``; ``null`` is unknown."""
    if frame.last_is_cut and len(fields) > 4 and fields[-1] in ("a", "at"):
        # What is left of red's marker.
        fields = fields[:-1]
    split = fields.index("at2") if "at2" in fields else len(fields)
    sides = {"blue": fields[1:split] if split else [], "red": fields[split + 1 :]}
    present = {"blue": split > 0, "red": split < len(fields)}
    last = "red" if present["red"] else "blue"
    details: dict[str, dict[str, str | None] | None] = {}
    errors = []
    for side, parts in sides.items():
        if not present[side]:
            details[side] = None
            errors.append(f"{side} is missing")
            continue
        if frame.tail and side == last and len(parts) == 2:
            # The `;` at the end stands before an empty country, not after a full line.
            parts = [*parts, ""]
        details[side], error = _read_athlete(parts, frame.last_is_cut and side == last, side)
        errors.append(error)
    return 0, None, None, None, details, join_errors(*errors)


def read_match(fields: list[str], frame: Frame) -> Reading:
    """``mch;…``, 16 fields; both dialects agree but for the fifth (T empty, P rounds)."""
    errors = []
    extra = 0
    if len(fields) > _MATCH_FIELDS:
        # A `;` inside a text: what follows is found again by its count from the end.
        extra = len(fields) - _MATCH_FIELDS
        errors.append(f"{extra} more fields than expected")
        fields = [*fields[:3], ";".join(fields[3 : 4 + extra]), *fields[4 + extra :]]
    known: list[str | None] = [*fields, *[None] * (_MATCH_FIELDS - len(fields))]
    if len(fields) < _MATCH_FIELDS:
        errors.append(f"{_MATCH_FIELDS - len(fields)} of {_MATCH_FIELDS} fields are missing")
    if frame.last_is_cut and len(fields) - 1 not in (2, 3, 10):
        # Half a number or colour is worse than none; half a text still helps a reader.
        known[len(fields) - 1] = None

    def number(index: int, low: int, high: int, what: str) -> int | None:
        text = known[index]
        if text is None:
            return None
        value, error = read_number(text, low, high, what)
        errors.append(error)
        return value

    rounds = number(11, 1, 99, "rounds")
    if rounds is None and frame.dialect == PUBLISHED and known[4]:
        rounds = read_number(known[4], 1, 99, "rounds")[0]
    if known[_COUNTDOWN] is not None and not known[_COUNTDOWN]:
        errors.append("count down is missing")
    if not known[1]:
        errors.append("match number is missing")
    details = {
        "number": known[1],
        "phase": known[2],
        "category": known[3],
        "division": known[10],
        "rounds": rounds,
        "round_seconds": number(12, 1, 3600, "round seconds"),
        "countdown": known[_COUNTDOWN],
        "internal_id": known[9],
        "colors": known[5:9],
        "body_level": number(14, 0, 100, "body level"),
        "head_level": number(15, 0, 100, "head level"),
    }
    return 0, None, None, None, details, join_errors(*errors)


def read_referees(fields: list[str], frame: Frame) -> Reading:
    """``ref;[NAME;][IOC;]ju1;…;ju2;…;ju3;…``: read by the markers."""
    parts: list[list[str]] = [[], [], [], []]
    place = 0
    for text in fields[1:]:
        if text in _JUDGES[place:]:
            place = _JUDGES.index(text) + 1
        else:
            parts[place].append(text)
    people = []
    errors = []
    for index, texts in enumerate(parts):
        cut = frame.last_is_cut and index == place
        person, error = _read_person(texts, cut, _JUDGES[index - 1] if index else "referee")
        people.append(person)
        errors.append(error)
    details = {"referee": people[0], "judges": people[1:]}
    return 0, None, None, None, details, join_errors(*errors)


def read_result(fields: list[str], frame: Frame) -> Reading:
    """``wmh;NAME;B-R DECISION``; the decision may be missing, the name empty."""
    details: dict[str, str | int | None] = dict.fromkeys(("name", "blue", "red", "decision"))
    if len(fields) < 2:
        return 0, None, None, None, details, "name and result are missing"
    found = _SCORE.match(fields[-1]) if len(fields) > 2 else None
    if found is None:
        details["name"] = ";".join(fields[1:2] if len(fields) < 4 else fields[1:-1])
        error = f"not a result: {snippet(fields[-1])}" if len(fields) > 2 else "result is missing"
        return 0, None, None, None, details, error
    name = ";".join(fields[1:-1])
    blue, red, decision = found.groups()
    errors = ["a ; in the name" if len(fields) > 3 else ""]
    details["name"] = name
    details["blue"] = int(blue)
    # The score is whole when what was lost is just the line end, or that and " PTF".
    if red and (decision is not None or not frame.last_is_cut or frame.lost == _LINE_END + 4):
        details["red"] = int(red)
    else:
        errors.append("red's score is missing")
    if decision and not (frame.last_is_cut and decision not in DECISIONS):
        details["decision"] = decision
        if decision not in DECISIONS:
            errors.append(f"decision is not known: {snippet(decision)}")
    return 0, None, None, None, details, join_errors(*errors)


def _read_athlete(parts: list[str], cut: bool, side: str) -> tuple[dict[str, str | None], str]:
    error = ""
    if len(parts) > 3:
        error = f"{side} has {len(parts)} of 3 fields: a ; in the name"
        half, odd = divmod(len(parts), 2)
        if odd and parts[:half] == parts[half:-1]:
            # T sends the same name twice, so a `;` in it can be told from a separator.
            parts = [";".join(parts[:half]), ";".join(parts[half:-1]), parts[-1]]
        else:
            parts = [parts[0], ";".join(parts[1:-1]), parts[-1]]
    known: list[str | None] = [None if text == "null" else text for text in parts]
    if len(parts) < 3:
        error = f"{side} has {len(parts)} of 3 fields"
    if cut and parts:
        last = parts[-1]
        if len(parts) == 3 and not _IOC.fullmatch(last):
            known[2] = None
            error = f"{side}'s country is cut"
        elif len(parts) == 2 and parts[0].startswith(last):
            known[1] = None
    known += [None] * (3 - len(known))
    return {"short": known[0], "long": known[1], "ioc": known[2]}, error


def _read_person(texts: list[str], cut: bool, what: str) -> tuple[dict[str, str | None] | None, str]:
    error = ""
    name: str | None = None
    ioc: str | None = None
    if len(texts) > 2:
        error = f"{what} has {len(texts)} fields"
        texts = [";".join(texts[:-1]), texts[-1]]
    if len(texts) == 2:
        name, ioc = texts
        if cut and not _IOC.fullmatch(ioc):
            ioc = ""
            error = error or f"{what}'s country is cut"
    elif texts:
        # One part alone: a country is three capitals, everything else is a name.
        if _IOC.fullmatch(texts[0]):
            ioc = texts[0]
        else:
            name = texts[0]
    if not (name or ioc):
        return None, error
    return {"name": name or None, "ioc": ioc or None}, error


TEXT_READERS: dict[str, tuple[str, TextReader]] = {
    "at1": ("athletes", read_athletes),
    "at2": ("athletes", read_athletes),
    "mch": ("match", read_match),
    "ref": ("referees", read_referees),
    "wmh": ("result", read_result),
}
