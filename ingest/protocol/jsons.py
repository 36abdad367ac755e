"""TkStrike's JSON output: one flat object a datagram, read and written.

Each object names one action (`eventType`) and says beside it how everything stood then: score and
gam-jeoms of the round, rounds won, round, clock with milliseconds. Reading never raises; what
cannot be read is named, and the rest is kept.
"""

import json
import re
from collections import Counter
from typing import Any

import msgspec

from ingest.protocol.escape import escape
from ingest.protocol.fields import join_errors, snippet
from ingest.protocol.messages import (
    JSON,
    JSON_STREAM,
    MALFORMED,
    PARTIAL,
    RECOGNIZED,
    UNKNOWN,
    Message,
)

# Real ones have 541 to 605 bytes.
_MOST_BYTES = 8192
_MOST_TEXT = 100
_LARGEST_TIME = 2**53
_TIME = re.compile(r"(\d{1,2}):([0-5]\d)(?:\.(\d{1,3}))?", re.ASCII)
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,39}")

# Points a technique gives by the rules in force since 2018. A technical one is told after its kick,
# as what the turn adds.
_POINTS = {
    "PUNCH": ("punch", 1),
    "BODY": ("body", 2),
    "HEAD": ("head", 3),
    "BODY_TECH": ("technical_body", 2),
    "HEAD_TECH": ("technical_head", 2),
}
_PLAIN: dict[str, tuple[str, dict[str, Any]]] = {
    "ROUNDCOUNTDOWN_CHANGE": ("clock", {}),
    "START_ROUND": ("clock", {"action": "start"}),
    "RESUME": ("clock", {"action": "start"}),
    "TIMEOUT": ("clock", {"action": "stop"}),
    "MOVE_TO_NEXT_ROUND": ("round", {}),
    "KYE_SHI": ("injury", {"action": "show"}),
    "KYESHI_CHANGE": ("injury", {}),
    "END_ROUND": ("round_winners", {"winners": []}),
    "MATCH_FINISHED": ("result", {}),
    "START_MATCH": ("notice", {"notice": "match started"}),
    "DOCTOR": ("notice", {"notice": "doctor called"}),
    "DOCTOR_QUIT": ("notice", {"notice": "doctor left"}),
}
_OF_A_SIDE: dict[str, tuple[str, dict[str, Any]]] = {
    "ADD_GAME_JEON": ("gam_jeom", {}),
    "REMOVE_GAME_JEON": ("gam_jeom", {}),
    "VIDEO_REQUEST": ("replay", {"state": "opened", "won": None}),
    "VIDEO_QUOTA_ACCEPTED": ("replay", {"state": "accepted", "won": None}),
    # A quota that changes without being accepted was used up.
    "VIDEO_QUOTA_CHANGED": ("replay", {"state": "denied", "won": None}),
    "BODY_HIT": ("hit", {"target": "body"}),
    "HEAD_HIT": ("hit", {"target": "head"}),
}
for _name, (_technique, _points) in _POINTS.items():
    _OF_A_SIDE[f"{_name}_POINT"] = ("point", {"points": _points, "technique": _technique})
    _OF_A_SIDE[f"JUDGE_{_name}"] = ("notice", {"notice": "judge", "technique": _technique})

# event type -> kind, side, what of the details follows from the type alone
EVENTS: dict[str, tuple[str, int, dict[str, Any]]] = {
    **{name: (kind, 0, details) for name, (kind, details) in _PLAIN.items()},
    **{
        f"{side}_{name}": (kind, athlete, details)
        for athlete, side in ((1, "BLUE"), (2, "RED"))
        for name, (kind, details) in _OF_A_SIDE.items()
    },
    # A contact while the clock stands, which the text output leaves out.
    **{
        f"OT_{side}_{target}_HIT": (
            "notice",
            athlete,
            {"notice": "contact after time", "target": target.lower()},
        )
        for athlete, side in ((1, "BLUE"), (2, "RED"))
        for target in ("BODY", "HEAD")
    },
}

_SIDES = ("", "blue", "red")
_WINNERS = {"BLUE": "blue", "RED": "red", "TIE": "tie"}
# key of the object -> key in `details["match"]`
_ABOUT = {
    "matchNumber": "number",
    "matchVMInternalId": "internal_id",
    "matchVMRingNumber": "ring",
    "matchCategoryName": "category",
    "matchCategoryGender": "gender",
    "matchSubCategoryName": "division",
}


def read_json(line: bytes) -> Message:
    """The message of one line that begins like a JSON object."""
    raw = escape(line)
    if len(line) > _MOST_BYTES:
        return _unread(raw, UNKNOWN, f"JSON of more than {_MOST_BYTES} bytes")
    try:
        told = msgspec.json.decode(line)
    except (ValueError, RecursionError) as problem:
        return _unread(raw, MALFORMED, f"JSON that cannot be read: {problem}")
    name = told.get("eventType") if isinstance(told, dict) else None
    if not isinstance(name, str):
        return _unread(raw, UNKNOWN, "JSON without an eventType")
    known = EVENTS.get(name)
    if known is None:
        return _unread(raw, UNKNOWN, f"no event known by this name: {snippet(name)}")
    fields = _Fields(told)
    # Only then can a key be there twice.
    if line.count(b'":') > len(told):
        fields.errors += _twice(line)
    return _read_event(fields, name, known, raw)


def shape(raw: str) -> str:
    """What JSON that could not be read looks like: the name of its event, as far as it has one."""
    found = re.search(r'"eventType" ?: ?"([^"]{1,41})"', raw[:4096])
    return f"json;{found[1] if found and _NAME.fullmatch(found[1]) else 'A'}"


def write_json(message: Message) -> bytes:
    """The object that says `message`, without a line end; raises ValueError where it cannot."""
    details = message.details
    name = details.get("event")
    if name not in EVENTS:
        raise ValueError(f"no message of TkStrike's JSON output: {message.kind!r}")
    at = details["at"]
    time_ms = message.value if name == "KYESHI_CHANGE" else message.clock_ms
    removed = bool(details.get("removed"))
    told: dict[str, Any] = {key: details["match"][ours] for key, ours in _ABOUT.items()}
    told |= {
        "roundNumber": message.round,
        "roundNumberStr": None if message.round is None else str(message.round),
        "tkStrikeSystemTimestamp": at,
        "roundTimestampStr": None if time_ms is None else _time_text(time_ms),
        "eventType": name,
        "eventAddPoints": message.kind in ("point", "gam_jeom") and not removed,
        "eventRemovePoints": removed,
    }
    for place, side in enumerate(("blue", "red")):
        told |= {
            f"{side}Points": details["score"][place],
            f"{side}Penalties": details["gam_jeoms"][place],
            f"{side}RoundWins": details["rounds_won"][place],
        }
    if "target" in details:
        told[f"{_SIDES[message.athlete]}{details['target'].capitalize()}Level"] = message.value
    if "judge" in details:
        told["calledByJudgeNumber"] = details["judge"]
    if message.kind == "result":
        winner = details["winner"]
        told |= {"matchWinner": winner and winner.upper(), "matchFinalDecision": details["decision"]}
    told["hitlevel"] = details.get("level", 0)
    told = {key: value for key, value in told.items() if value is not None}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


class _Fields:
    """Takes values out of the object, and notes what is wrong with them."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        self.errors: list[str] = []

    def number(self, key: str, low: int, high: int, *, needed: bool = True) -> int | None:
        value = self.told.get(key)
        if value is None:
            if needed:
                self.errors.append(f"{key} is missing")
            return None
        if type(value) is not int or not low <= value <= high:
            told = "" if isinstance(value, dict | list) else f": {snippet(str(value)[:40])}"
            self.errors.append(f"{key} is not a number from {low} to {high}{told}")
            return None
        return value

    def text(self, key: str, *, needed: bool = False) -> str | None:
        value = self.told.get(key)
        if value is None or isinstance(value, str):
            if needed and not value:
                self.errors.append(f"{key} is missing")
            return value and value[:_MOST_TEXT].replace("\0", "\ufffd")
        self.errors.append(f"{key} is not text")
        return None

    def flag(self, key: str) -> bool:
        value = self.told.get(key, False)
        if not isinstance(value, bool):
            self.errors.append(f"{key} is neither true nor false")
        return value is True

    def time(self, key: str) -> int | None:
        text = self.text(key, needed=True)
        found = _TIME.fullmatch(text or "")
        if found is None:
            if text:
                self.errors.append(f"{key} is not a time: {snippet(text)}")
            return None
        minutes, seconds, fraction = found.groups()
        return (int(minutes) * 60 + int(seconds)) * 1000 + int((fraction or "").ljust(3, "0"))

    def pair(self, key: str, most: int) -> list[int | None]:
        return [self.number(f"{side}{key}", 0, most) for side in ("blue", "red")]


def _read_event(fields: _Fields, name: str, known: tuple[str, int, dict[str, Any]], raw: str) -> Message:
    kind, athlete, fixed = known
    value = None
    about = {ours: fields.text(key, needed=key == "matchNumber") for key, ours in _ABOUT.items()}
    number = fields.number("roundNumber", 1, 99)
    time_ms = fields.time("roundTimestampStr")
    details: dict[str, Any] = {
        "event": name,
        "at": fields.number("tkStrikeSystemTimestamp", 0, _LARGEST_TIME),
        "match": about,
        "score": fields.pair("Points", 999),
        "gam_jeoms": fields.pair("Penalties", 99),
        "rounds_won": fields.pair("RoundWins", 9),
        **fixed,
    }
    if kind in ("point", "gam_jeom") and fields.flag("eventRemovePoints"):
        details["removed"] = True
    if kind == "point":
        value = details["points"]
        if level := fields.number("hitlevel", 0, 100, needed=False):
            details["level"] = level
    elif kind == "gam_jeom":
        details["blue"], details["red"] = details["gam_jeoms"]
        value = details["gam_jeoms"][athlete - 1]
    elif "target" in details:
        value = fields.number(f"{_SIDES[athlete]}{details['target'].capitalize()}Level", 1, 100)
    elif details.get("notice") == "judge":
        details["judge"] = fields.number("calledByJudgeNumber", 1, 9)
    elif kind == "round":
        value = number
        if number == 1:
            # The first round is moved to when the match is put on the court.
            kind = "load"
    elif name == "KYESHI_CHANGE":
        # Here alone it is not the match's clock.
        value, time_ms = time_ms, None
    elif kind == "result":
        won = details["rounds_won"]
        details["blue"], details["red"] = won if any(won) else details["score"]
        told = fields.text("matchWinner", needed=True)
        details["winner"] = _WINNERS.get(told or "")
        if told and details["winner"] is None:
            fields.errors.append(f"matchWinner is not known: {snippet(told)}")
        details["name"], details["decision"] = None, fields.text("matchFinalDecision")
        athlete = _SIDES.index(details["winner"]) if details["winner"] in ("blue", "red") else 0
    error = join_errors(*fields.errors)
    status = PARTIAL if error else RECOGNIZED
    return Message(JSON_STREAM, kind, athlete, value, number, time_ms, details, raw, status, error, JSON)


def _unread(raw: str, status: str, error: str) -> Message:
    return Message(JSON_STREAM, "unknown", raw=raw, status=status, error=join_errors(error))


def _twice(line: bytes) -> list[str]:
    try:
        pairs = json.loads(line, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return []
    keys = Counter(key for key, _ in pairs)
    return [f"{snippet(key)} stands there {n} times; the last counts" for key, n in keys.items() if n > 1]


def _time_text(milliseconds: int) -> str:
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"
