"""Messages to datagrams, in each dialect: what the simulator sends and the tests compare with."""

from collections.abc import Callable
from typing import Any

from ingest.protocol.escape import unescape
from ingest.protocol.jsons import write_json
from ingest.protocol.messages import DIALECTS, JSON, PUBLISHED, TKSTRIKE, Message

_REPLAY_ANSWERS = {"opened": None, "accepted": "1", "denied": "0", "closed": "-1"}
_JUDGES = ("ju1", "ju2", "ju3")


def encode(message: Message, dialect: str = TKSTRIKE) -> bytes:
    """Return the whole line of `message`; only its fields count, not its `raw`.

    Parsing the result gives the same fields again. What was unknown or malformed is given back
    byte for byte from `raw`. Raises ValueError for an unknown dialect or kind, for a text that
    holds a separator (``;``, CR, LF), and where a number the line needs is missing.
    """
    if dialect not in DIALECTS:
        raise ValueError(f"dialect must be T, P or J, not {dialect!r}")
    if message.kind == "unknown":
        return unescape(message.raw)
    if dialect == JSON:
        return write_json(message)
    if message.kind in ("connect", "disconnect") and not message.stream:
        # Only P says it in words, so both dialects are given the same.
        port = f"Udp Port {message.value} " if message.value is not None else ""
        return f"{port}{message.kind}ed;".encode()
    write = _WRITERS.get(message.kind)
    if write is None:
        raise ValueError(f"no message of kind {message.kind!r}")
    fields = write(message, dialect)
    for text in fields:
        if ";" in text or "\n" in text or "\r" in text:
            raise ValueError(f"a field cannot hold a separator: {text!r}")
    line = ";".join(fields)
    return (line + ";" if dialect == PUBLISHED else line + "\r\n").encode()


def truncate_like_tkstrike(text: str) -> bytes:
    """`text` as TkStrike sends it: as many bytes as it has UTF-16 units, the rest is lost."""
    return text.encode()[: len(text.encode("utf-16-le")) // 2]


def format_time(milliseconds: int, dialect: str) -> str:
    """``mm:ss`` in T, ``m:ss`` in P."""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    return f"{minutes:02}:{seconds:02}" if dialect == TKSTRIKE else f"{minutes}:{seconds:02}"


def _number(number: int | None) -> str:
    if number is None:
        raise ValueError("a number is missing")
    return str(number)


def _optional(value: object) -> str:
    return "" if value is None else str(value)


def _write_value(message: Message, dialect: str) -> list[str]:
    return [message.stream, _number(message.value)]


def _write_totals(message: Message, dialect: str) -> list[str]:
    fields = []
    for digit, side in (("1", "blue"), ("2", "red")):
        if message.details.get(side) is not None:
            fields += [message.stream[:2] + digit, str(message.details[side])]
    return fields


def _write_round_scores(message: Message, dialect: str) -> list[str]:
    fields = []
    for place in range(3):
        for digit, side in (("1", "blue"), ("2", "red")):
            score = message.details[side][place]
            if score is not None:
                fields += [f"s{digit}{place + 1}", str(score)]
    return fields


def _write_clock(message: Message, dialect: str) -> list[str]:
    milliseconds = message.clock_ms if message.kind == "clock" else message.value
    if milliseconds is None:
        raise ValueError("a time is missing")
    action = message.details.get("action")
    time = format_time(milliseconds, dialect)
    if milliseconds == 0 and action == "stopEnd":
        time = "0:00"
    return [message.stream, time] if action is None else [message.stream, time, action]


def _write_replay(message: Message, dialect: str) -> list[str]:
    answer = _REPLAY_ANSWERS[message.details["state"]]
    won = message.details.get("won")
    if answer is None:
        # T writes `ch1;` here, P has its `;` anyway.
        return [message.stream, ""] if dialect == TKSTRIKE else [message.stream]
    if won is None:
        return [message.stream, answer]
    return [message.stream, answer, "1" if won else "0"]


def _write_round_winners(message: Message, dialect: str) -> list[str]:
    fields = [message.stream]
    for place, winner in enumerate(message.details["winners"], start=1):
        fields += [f"rd{place}", str(winner)]
    return fields


def _write_winner(message: Message, dialect: str) -> list[str]:
    return [message.stream, str(message.details["winner"]).upper()]


def _write_result(message: Message, dialect: str) -> list[str]:
    details = message.details
    score = f"{_number(details['blue'])}-{_number(details['red'])}"
    decision = f" {details['decision']}" if details["decision"] is not None else ""
    return [message.stream, _optional(details["name"]), score + decision]


def _write_athletes(message: Message, dialect: str) -> list[str]:
    fields = []
    for code, side in (("at1", "blue"), ("at2", "red")):
        athlete = message.details[side]
        if athlete is not None:
            texts = (athlete["short"], athlete["long"], athlete["ioc"])
            fields += [code, *("null" if text is None else text for text in texts)]
    return fields


def _write_match(message: Message, dialect: str) -> list[str]:
    details = message.details
    return [
        message.stream,
        _optional(details["number"]),
        _optional(details["phase"]),
        _optional(details["category"]),
        _optional(details["rounds"]) if dialect == PUBLISHED else "",
        *(_optional(color) for color in details["colors"]),
        _optional(details["internal_id"]),
        _optional(details["division"]),
        _optional(details["rounds"]),
        _optional(details["round_seconds"]),
        _optional(details["countdown"]),
        _optional(details["body_level"]),
        _optional(details["head_level"]),
    ]


def _write_referees(message: Message, dialect: str) -> list[str]:
    fields = [message.stream, *_person(message.details["referee"])]
    for code, judge in zip(_JUDGES, message.details["judges"], strict=True):
        fields += [code, *_person(judge)]
    return [*fields, ""] if dialect == TKSTRIKE else fields


def _person(person: dict[str, Any] | None) -> list[str]:
    if person is None:
        return []
    return [text for text in (person["name"], person["ioc"]) if text]


def _write_bare(message: Message, dialect: str) -> list[str]:
    return [message.stream, ""] if dialect == TKSTRIKE else [message.stream]


def _write_load(message: Message, dialect: str) -> list[str]:
    return [message.stream, message.details.get("text", "FightLoaded")]


def _write_ready(message: Message, dialect: str) -> list[str]:
    return [message.stream, message.details.get("text", "FightReady")]


def _write_settings(message: Message, dialect: str) -> list[str]:
    return [message.stream, message.details["text"]]


_WRITERS: dict[str, Callable[[Message, str], list[str]]] = {
    "point": _write_value,
    "hit": _write_value,
    "gam_jeom": _write_totals,
    "score": _write_totals,
    "round_scores": _write_round_scores,
    "round": _write_value,
    "clock": _write_clock,
    "break": _write_clock,
    "injury": _write_clock,
    "time_out": _write_clock,
    "replay": _write_replay,
    "round_winners": _write_round_winners,
    "winner": _write_winner,
    "result": _write_result,
    "athletes": _write_athletes,
    "match": _write_match,
    "referees": _write_referees,
    "load": _write_load,
    "ready": _write_ready,
    "video_time": _write_value,
    "connect": _write_bare,
    "disconnect": _write_bare,
    "settings": _write_settings,
    "hardware": _write_value,
}
