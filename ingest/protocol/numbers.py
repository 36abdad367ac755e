"""Readers of the messages made of codes, numbers and times: nearly all of the traffic.

A reader takes the line's fields (`fields[0]` is the code, the empty one after a trailing ``;``
already dropped) and the dialect, and returns a `Reading`.
"""

from collections.abc import Callable
from typing import Any

from ingest.protocol.fields import (
    join_errors,
    read_number,
    read_time,
    snippet,
    unexpected,
)
from ingest.protocol.messages import PUBLISHED, TKSTRIKE

# athlete, value, round, clock_ms, details, error
Reading = tuple[int, int | None, int | None, int | None, dict[str, Any], str]
Reader = Callable[[list[str], str], Reading]

_TECHNIQUES = {1: "punch", 2: "body", 3: "head"}
# Above 3 the dialects part: T says how many points, P which technique.
_TECHNIQUES_T = _TECHNIQUES | {4: "body"}
_TECHNIQUES_P = _TECHNIQUES | {4: "technical_body", 5: "technical_head"}
_TECHNIQUES_UNTOLD = _TECHNIQUES | {5: "technical_head"}
_CLOCK_ACTIONS = frozenset(("start", "stop", "corr", "stopEnd"))
_INJURY_ACTIONS = frozenset(("show", "hide", "reset"))
_REPLAY_STATES = {"": "opened", "1": "accepted", "0": "denied", "-1": "closed"}
_REPLAY_WON = {"": None, "1": True, "0": False}
_WINNERS = {"BLUE": (1, "blue"), "RED": (2, "red"), "TIE": (0, "tie")}
_MOST_ROUNDS = 9


def read_point(fields: list[str], dialect: str) -> Reading:
    """``pt1;N``: points (T) or technique (P), which are the same number."""
    value, error = read_number(_at(fields, 1), 1, 5, "points")
    names = (
        _TECHNIQUES_T
        if dialect == TKSTRIKE
        else _TECHNIQUES_P
        if dialect == PUBLISHED
        else _TECHNIQUES_UNTOLD
    )
    technique = None if value is None else names.get(value)
    # What cannot be true is kept as the value, and worth nothing.
    details = {"points": None if error else value, "technique": technique}
    error = error or unexpected(fields, 2)
    return int(fields[0][2]), value, None, None, details, error


def read_hit(fields: list[str], dialect: str) -> Reading:
    """``hl1;N``: a contact's level, 1 to 100."""
    value, error = read_number(_at(fields, 1), 1, 100, "hit level")
    return int(fields[0][2]), value, None, None, {}, error or unexpected(fields, 2)


def read_gam_jeoms(fields: list[str], dialect: str) -> Reading:
    """``wg1;N;wg2;N``, either half alone too."""
    return _read_pair(fields, "wg", 99)


def read_score(fields: list[str], dialect: str) -> Reading:
    """``sc1;N;sc2;N``, either half alone too."""
    return _read_pair(fields, "sc", 999)


def read_round_scores(fields: list[str], dialect: str) -> Reading:
    """``s11;N;s21;N;…``: first digit athlete, second round; any subset."""
    blue: list[int | None] = [None] * 3
    red: list[int | None] = [None] * 3
    errors = []
    for index in range(0, len(fields), 2):
        code = fields[index]
        if code not in _ROUND_SCORE_CODES:
            errors.append(f"not a round score: {snippet(code)}")
            continue
        number, error = read_number(_at(fields, index + 1), 0, 999, code)
        (blue if code[1] == "1" else red)[int(code[2]) - 1] = number
        if error:
            errors.append(error)
    error = join_errors(*errors) if errors else ""
    return 0, None, None, None, {"blue": blue, "red": red}, error


def read_round(fields: list[str], dialect: str) -> Reading:
    """``rnd;N``; a golden round is one more than the match has."""
    value, error = read_number(_at(fields, 1), 1, 99, "round")
    # A round that cannot be is none: the event keeps the one that is on.
    return 0, value, None if error else value, None, {}, error or unexpected(fields, 2)


def read_clock(fields: list[str], dialect: str) -> Reading:
    """``clk;TIME[;action]``."""
    clock_ms, error = read_time(_at(fields, 1), "clock")
    details, more = _read_action(fields, _CLOCK_ACTIONS)
    return 0, None, None, clock_ms, details, join_errors(error, more)


def read_break(fields: list[str], dialect: str) -> Reading:
    """``brk;TIME[;action]``."""
    value, error = read_time(_at(fields, 1), "rest")
    details, more = _read_action(fields, _CLOCK_ACTIONS)
    return 0, value, None, None, details, join_errors(error, more)


def read_injury(fields: list[str], dialect: str) -> Reading:
    """``ij0;TIME[;action]``: kye-shi, 0 = no side."""
    value, error = read_time(_at(fields, 1), "injury time")
    details, more = _read_action(fields, _INJURY_ACTIONS)
    return int(fields[0][2]), value, None, None, details, join_errors(error, more)


def read_time_out(fields: list[str], dialect: str) -> Reading:
    """``to1;TIME[;action]``: para time-out; its actions are not listed, so any is kept."""
    value, error = read_time(_at(fields, 1), "time-out")
    details = {"action": fields[2]} if len(fields) > 2 else {}
    error = join_errors(error, unexpected(fields, 3))
    return int(fields[0][2]), value, None, None, details, error


def read_replay(fields: list[str], dialect: str) -> Reading:
    """``ch1[;A[;W]]``: video replay opened, or answered."""
    answer, won = _at(fields, 1), _at(fields, 2)
    state = _REPLAY_STATES.get(answer)
    errors = []
    if state is None:
        errors.append(f"answer is not known: {snippet(answer)}")
    if won not in _REPLAY_WON:
        errors.append(f"won is not known: {snippet(won)}")
    errors.append(unexpected(fields, 3))
    details = {"state": state, "won": _REPLAY_WON.get(won)}
    return int(fields[0][2]), None, None, None, details, join_errors(*errors)


def read_round_winners(fields: list[str], dialect: str) -> Reading:
    """``wrd;rd1;W;rd2;W;…``: read by the markers."""
    winners: list[int] = []
    errors = []
    for index in range(1, len(fields), 2):
        marker = fields[index]
        if not (len(marker) == 3 and marker[:2] == "rd" and "1" <= marker[2] <= "9"):
            errors.append(f"not a round: {snippet(marker)}")
            continue
        number, error = read_number(_at(fields, index + 1), 0, 2, marker)
        while len(winners) < int(marker[2]):
            winners.append(0)
        # A winner that cannot be read is none: the list holds 0, 1 and 2 only.
        winners[int(marker[2]) - 1] = number if number in (1, 2) else 0
        if error:
            errors.append(error)
    if not winners:
        errors.append("round winners are missing")
    return 0, None, None, None, {"winners": winners[:_MOST_ROUNDS]}, join_errors(*errors)


def read_winner(fields: list[str], dialect: str) -> Reading:
    """``win;BLUE|RED|TIE``."""
    text = _at(fields, 1)
    known = _WINNERS.get(text.upper())
    if known is None:
        error = f"winner is not known: {snippet(text)}" if text else "winner is missing"
        return 0, None, None, None, {"winner": None}, error
    athlete, winner = known
    return athlete, None, None, None, {"winner": winner}, unexpected(fields, 2)


def read_load(fields: list[str], dialect: str) -> Reading:
    """``pre;FightLoaded``."""
    return _read_notice(fields, "FightLoaded")


def read_ready(fields: list[str], dialect: str) -> Reading:
    """``rdy;FightReady``."""
    return _read_notice(fields, "FightReady")


def read_video_time(fields: list[str], dialect: str) -> Reading:
    """``avt;N`` (P)."""
    value, error = read_number(_at(fields, 1), 0, 86_400, "video time")
    return 0, value, None, None, {}, error or unexpected(fields, 2)


def read_bare(fields: list[str], dialect: str) -> Reading:
    """``hel;`` and ``bye;``: nothing but the code."""
    return 0, None, None, None, {}, unexpected(fields, 1)


def read_settings(fields: list[str], dialect: str) -> Reading:
    """``inlb;50:``, ``insl;false:``, ``inth;2000:`` (T): kept as sent, the number besides."""
    text = ";".join(fields[1:])
    if not text:
        return 0, None, None, None, {"text": ""}, "setting is missing"
    digits = text.removesuffix(":")
    value = None
    if digits.isascii() and digits.isdigit():
        value = read_number(digits, 0, 10**9, "setting")[0]
    return 0, value, None, None, {"text": text}, unexpected(fields, 2)


def read_hardware(fields: list[str], dialect: str) -> Reading:
    """``hwt;0..5``: hardware test closed, open, blue body, blue head, red body, red head."""
    value, error = read_number(_at(fields, 1), 0, 5, "hardware test")
    return 0, value, None, None, {}, error or unexpected(fields, 2)


def _at(fields: list[str], index: int) -> str:
    return fields[index] if index < len(fields) else ""


def _read_pair(fields: list[str], prefix: str, most: int) -> Reading:
    details: dict[str, int | None] = {"blue": None, "red": None}
    errors = []
    for index in range(0, len(fields), 2):
        code = fields[index]
        if code[:2] != prefix or code[2:] not in ("1", "2"):
            errors.append(f"not expected here: {snippet(code)}")
            continue
        number, error = read_number(_at(fields, index + 1), 0, most, code)
        details["blue" if code[2] == "1" else "red"] = number
        if error:
            errors.append(error)
    return 0, None, None, None, details, join_errors(*errors) if errors else ""


def _read_action(fields: list[str], actions: frozenset[str]) -> tuple[dict[str, Any], str]:
    if len(fields) < 3:
        return {}, ""
    action = fields[2]
    if action in actions:
        return {"action": action}, unexpected(fields, 3)
    return {}, f"action is not known: {snippet(action)}"


def _read_notice(fields: list[str], usual: str) -> Reading:
    text = ";".join(fields[1:])
    if text == usual:
        return 0, None, None, None, {}, ""
    if not text:
        return 0, None, None, None, {}, f"{usual} is missing"
    return 0, None, None, None, {"text": text}, f"not {usual}: {snippet(text)}"


_ROUND_SCORE_CODES = ("s11", "s21", "s12", "s22", "s13", "s23")

READERS: dict[str, tuple[str, Reader]] = {
    "rnd": ("round", read_round),
    "clk": ("clock", read_clock),
    "brk": ("break", read_break),
    "wrd": ("round_winners", read_round_winners),
    "win": ("winner", read_winner),
    "pre": ("load", read_load),
    "rdy": ("ready", read_ready),
    "avt": ("video_time", read_video_time),
    "hel": ("connect", read_bare),
    "bye": ("disconnect", read_bare),
    "hwt": ("hardware", read_hardware),
    **dict.fromkeys(("pt1", "pt2"), ("point", read_point)),
    **dict.fromkeys(("hl1", "hl2"), ("hit", read_hit)),
    **dict.fromkeys(("wg1", "wg2"), ("gam_jeom", read_gam_jeoms)),
    **dict.fromkeys(("sc1", "sc2"), ("score", read_score)),
    **dict.fromkeys(_ROUND_SCORE_CODES, ("round_scores", read_round_scores)),
    **dict.fromkeys(("ij0", "ij1", "ij2"), ("injury", read_injury)),
    **dict.fromkeys(("to1", "to2"), ("time_out", read_time_out)),
    **dict.fromkeys(("ch0", "ch1", "ch2"), ("replay", read_replay)),
    **dict.fromkeys(("inlb", "insl", "inth"), ("settings", read_settings)),
}
