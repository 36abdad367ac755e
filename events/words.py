"""A message in plain words, for people beside the mat.

Pure: takes anything with the attributes of a message (`ingest.protocol`, `events.models.PssEvent`),
whatever its kind and however little of it could be read, and never raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from events.match_state import SIDE_NAMES, Told

_SIDES = ("—", "Blue", "Red")
_TECHNIQUES = {
    "punch": "punch",
    "body": "body kick",
    "head": "head kick",
    "technical_body": "technical body kick",
    "technical_head": "technical head kick",
}
# As TkStrike's JSON output tells them: a turn comes after its kick.
_NAMED = {
    "punch": "punch",
    "body": "kick to the body",
    "head": "kick to the head",
    "technical_body": "technical kick to the body",
    "technical_head": "technical kick to the head",
}
_DECISIONS = {
    "PTF": "on points",
    "PTG": "by point gap",
    "GDP": "by golden point",
    "SUP": "by superiority",
    "RSC": "by the referee stopping the contest",
    "WDR": "by withdrawal",
    "DSQ": "by disqualification",
    "DQB": "by disqualification for behaviour",
    "PUN": "by punitive declaration",
    "PTS": "on points",
}
_CLOCK_WORDS = {
    "start": "Clock started at {}",
    "stop": "Clock stopped at {}",
    "corr": "Clock set to {}",
    "stopEnd": "Clock ran out",
}
_REST_WORDS = {
    "start": "Rest started, {}",
    "stop": "Rest stopped at {}",
    "corr": "Rest set to {}",
    "stopEnd": "Rest is over",
}
_STOPPAGE_WORDS = {
    None: "{} left",
    "show": "{} on the clock",
    "start": "started, {}",
    "hide": "ended, {} left",
    "stop": "stopped, {} left",
    "stopEnd": "ran out",
    "reset": "set back to {}",
    "corr": "set to {}",
}
_HARDWARE = {
    0: "closed",
    1: "open",
    2: "blue body",
    3: "blue head",
    4: "red body",
    5: "red head",
}
# Given by judges, not measured.
_JUDGES_LEVEL = 99


def describe(event: Told) -> str:
    """One line of plain text, without markup; text from the sender in it is not escaped."""
    words = _WORDS.get(event.kind, _unknown)
    return words(event, event.details or {}) or _unknown(event, {})


def clock_text(ms: int | None) -> str:
    """Milliseconds as m:ss; '?' when not known."""
    if ms is None:
        return "?"
    seconds = max(ms, 0) // 1000
    return f"{seconds // 60}:{seconds % 60:02}"


def duration_text(ms: float) -> str:
    """How long something took: "4.5 s", "42 s", "2 min 10 s", "1 h 5 min"."""
    if ms < 9_950:
        return f"{max(ms, 0) / 1000:.1f}".removesuffix(".0") + " s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, f"{hours:,} h"), (minutes, f"{minutes} min"), (0 if hours else seconds, f"{seconds} s")]
    return " ".join(text for number, text in parts if number)


def pair_text(pair: Iterable[int | None], between: str = "–") -> str:
    """ "3–?": what each side has, '?' when not known."""
    return between.join("?" if number is None else str(number) for number in pair)


def moment_text(number: int | None, clock_ms: int | None) -> str:
    """ "round 2 at 1:17"; what is not known is left out."""
    parts = [f"round {number}"] if number else []
    parts += [f"at {clock_text(clock_ms)}"] if clock_ms is not None else []
    return " ".join(parts)


def decision_text(code: str) -> str:
    """What a decision's code means, or the code itself where that is not known."""
    return _DECISIONS.get(code, code)


def _side(event: Told) -> str:
    return _SIDES[event.athlete] if event.athlete in (1, 2) else "No side"


def _count(number: int, one: str) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def _point(event: Told, told: dict[str, Any]) -> str:
    points = told.get("points", event.value)
    if told.get("event"):
        return _point_by_name(event, told, points)
    technique = _TECHNIQUES.get(told.get("technique") or "")
    parts = [technique] if technique else []
    parts.append("points, how many was not readable" if points is None else _count(points, "point"))
    return f"{_side(event)}: {', '.join(parts)}"


def _point_by_name(event: Told, told: dict[str, Any], points: int | None) -> str:
    """A point of the JSON output, which names body and head, a turn, and what is taken back."""
    what = _NAMED.get(told.get("technique") or "", "point")
    if told.get("removed"):
        return f"{_side(event)}: {what} taken back, {_count(points or 0, 'point')} less"
    level = f", hit level {told['level']}" if told.get("level") else ""
    return f"{_side(event)}: {what}, {_count(points or 0, 'point')}{level}"


def _hit(event: Told, told: dict[str, Any]) -> str:
    target = f" {told['target']}" if told.get("target") else ""
    if event.value is None:
        return f"{_side(event)}:{target} hit, its level was not readable"
    given = ", given by the judges" if event.value == _JUDGES_LEVEL else ""
    return f"{_side(event)}:{target} hit level {event.value}{given}"


def _notice(event: Told, told: dict[str, Any]) -> str:
    notice = told.get("notice") or "notice"
    if notice == "judge":
        what = _NAMED.get(told.get("technique") or "", "a point")
        return f"Judge {told.get('judge') or '?'}: {SIDE_NAMES[event.athlete]} {what}".replace(":  ", ": ")
    if notice == "contact after time":
        level = "?" if event.value is None else event.value
        return f"{_side(event)}: {told.get('target', '')} hit while the clock stands, level {level}"
    return str(notice).capitalize()


def _echo(event: Told, told: dict[str, Any]) -> str:
    """The words of what it would be by itself."""
    words = _WORDS.get(told.get("kind") or "", _unknown)
    return _unknown(event, told) if words is _echo else words(event, told)


def _gam_jeom(event: Told, told: dict[str, Any]) -> str:
    if told.get("removed") and event.athlete in (1, 2):
        left = "" if event.value is None else f" ({event.value} left)"
        return f"{_side(event)}: gam-jeom taken back{left}"
    if event.athlete in (1, 2):
        total = event.value
        if total is None:
            total = told.get(SIDE_NAMES[event.athlete])
        return f"{_side(event)}: gam-jeom" + ("" if total is None else f" ({total})")
    return f"Gam-jeoms: {_pair(told)}"


def _pair(told: dict[str, Any]) -> str:
    parts = [f"{side} {told[side]}" for side in SIDE_NAMES[1:] if told.get(side) is not None]
    return ", ".join(parts) or "not readable"


def _score(event: Told, told: dict[str, Any]) -> str:
    blue, red = told.get("blue"), told.get("red")
    return f"Score {blue}–{red}" if blue is not None and red is not None else f"Score: {_pair(told)}"


def _round_scores(event: Told, told: dict[str, Any]) -> str:
    parts = []
    for number, (blue, red) in enumerate(zip(told.get("blue") or (), told.get("red") or (), strict=False), 1):
        if blue is not None or red is not None:
            parts.append(f"round {number} {pair_text((blue, red))}")
    return f"Scores: {', '.join(parts)}" if parts else "Score by round, not readable"


def _round(event: Told, told: dict[str, Any]) -> str:
    number = event.value
    return "Round, its number was not readable" if number is None else f"Round {number}"


def _clock(event: Told, told: dict[str, Any]) -> str:
    return _CLOCK_WORDS.get(told.get("action") or "", "Clock {}").format(clock_text(event.clock_ms))


def _break(event: Told, told: dict[str, Any]) -> str:
    return _REST_WORDS.get(told.get("action") or "", "Rest {}").format(clock_text(event.value))


def _injury(event: Told, told: dict[str, Any]) -> str:
    if event.value is None and told.get("event") == "KYE_SHI":
        return f"Kye-shi, clock stopped at {clock_text(event.clock_ms)}"
    return _stoppage("Injury time", event, told)


def _time_out(event: Told, told: dict[str, Any]) -> str:
    return _stoppage("Time-out", event, told)


def _stoppage(what: str, event: Told, told: dict[str, Any]) -> str:
    action = told.get("action")
    words = _STOPPAGE_WORDS.get(action)
    if words is None:
        words = "{} (" + str(action).replace("{", "(").replace("}", ")") + ")"
    side = f" of {SIDE_NAMES[event.athlete]}" if event.athlete in (1, 2) else ""
    return f"{what}{side}: {words.format(clock_text(event.value))}"


def _replay(event: Told, told: dict[str, Any]) -> str:
    who = SIDE_NAMES[event.athlete] if event.athlete in (1, 2) else "the referee"
    state = told.get("state")
    if state == "opened":
        return f"Video replay asked by {who}"
    if state not in ("accepted", "denied", "closed"):
        return f"Video replay of {who}, the answer was not readable"
    won = told.get("won")
    outcome = "" if won is None else ", won" if won else ", lost"
    return f"Video replay of {who} {state}{outcome}"


def _round_winners(event: Told, told: dict[str, Any]) -> str:
    if told.get("event"):
        won = pair_text(told.get("rounds_won") or (None, None))
        return f"Round {event.round or '?'} is over, rounds won {won}"
    winners = told.get("winners") or ()
    parts = [f"round {n} {SIDE_NAMES[w]}" for n, w in enumerate(winners, 1) if w in (1, 2)]
    if parts:
        return f"Round winners: {', '.join(parts)}"
    return "Round winners: none yet" if winners else "Round winners, not readable"


def _winner(event: Told, told: dict[str, Any]) -> str:
    winner = told.get("winner") or SIDE_NAMES[event.athlete if event.athlete in (1, 2) else 0]
    if not winner:
        return "Winner, not readable"
    return "Match ends in a tie" if winner == "tie" else f"Winner: {winner}"


def _result(event: Told, told: dict[str, Any]) -> str:
    name = told.get("name") or told.get("winner") or "no name"
    blue, red = told.get("blue"), told.get("red")
    parts = [name]
    if blue is not None or red is not None:
        parts.append(pair_text((blue, red)))
    code = told.get("decision")
    if code:
        parts.append(f"{_DECISIONS[code]} ({code})" if code in _DECISIONS else str(code))
    return f"Result: {', '.join(parts)}"


def _athletes(event: Told, told: dict[str, Any]) -> str:
    parts = []
    for side in SIDE_NAMES[1:]:
        person = told.get(side) or {}
        name = person.get("long") or person.get("short")
        if name:
            parts.append(f"{side} {_named(name, person.get('ioc'))}")
    return f"Athletes: {', '.join(parts)}" if parts else "Athletes, not named"


def _match(event: Told, told: dict[str, Any]) -> str:
    number = told.get("number")
    parts = [f"Match {number}" if number else "Match without a number"]
    parts += [str(told[key]) for key in ("phase", "category", "division") if told.get(key)]
    if told.get("rounds"):
        rounds = _count(told["rounds"], "round")
        seconds = told.get("round_seconds")
        parts.append(f"{rounds} of {clock_text(seconds * 1000)}" if seconds else rounds)
    return ", ".join(parts)


def _referees(event: Told, told: dict[str, Any]) -> str:
    parts = []
    referee = told.get("referee")
    if referee:
        parts.append(f"referee {_named(referee.get('name') or 'no name', referee.get('ioc'))}")
    judges = [_named(j.get("name") or "no name", j.get("ioc")) for j in told.get("judges") or () if j]
    if judges:
        parts.append(f"{'judge' if len(judges) == 1 else 'judges'} {', '.join(judges)}")
    return f"Officials: {'; '.join(parts)}" if parts else "Officials, not named"


def _named(name: str, ioc: str | None) -> str:
    return f"{name} ({ioc})" if ioc else name


def _load(event: Told, told: dict[str, Any]) -> str:
    number = (told.get("match") or {}).get("number")
    return f"Match {number} loaded" if number else "New match loaded"


def _ready(event: Told, told: dict[str, Any]) -> str:
    return "Match ready"


def _video_time(event: Told, told: dict[str, Any]) -> str:
    return "Athlete video time" if event.value is None else f"Athlete video time {event.value}"


def _connect(event: Told, told: dict[str, Any]) -> str:
    return "Scoring system connected" + ("" if event.value is None else f" (port {event.value})")


def _disconnect(event: Told, told: dict[str, Any]) -> str:
    return "Scoring system disconnected" + ("" if event.value is None else f" (port {event.value})")


def _settings(event: Told, told: dict[str, Any]) -> str:
    text = ", ".join(str(value) for value in told.values() if value not in (None, ""))
    return f"Setting {event.stream}: {text.rstrip(':') or 'not readable'}"


def _hardware(event: Told, told: dict[str, Any]) -> str:
    return f"Hardware test: {_HARDWARE.get(-1 if event.value is None else event.value, 'not readable')}"


def _unknown(event: Told, told: dict[str, Any]) -> str:
    if event.status == "malformed":
        return "Not readable"
    return f"Unknown message “{event.stream}”" if event.stream else "Unknown message"


_WORDS: dict[str, Callable[[Told, dict[str, Any]], str]] = {
    "point": _point,
    "hit": _hit,
    "gam_jeom": _gam_jeom,
    "score": _score,
    "round_scores": _round_scores,
    "round": _round,
    "clock": _clock,
    "break": _break,
    "injury": _injury,
    "time_out": _time_out,
    "replay": _replay,
    "round_winners": _round_winners,
    "winner": _winner,
    "result": _result,
    "athletes": _athletes,
    "match": _match,
    "referees": _referees,
    "load": _load,
    "ready": _ready,
    "video_time": _video_time,
    "connect": _connect,
    "disconnect": _disconnect,
    "settings": _settings,
    "hardware": _hardware,
    "notice": _notice,
    "echo": _echo,
    "unknown": _unknown,
}
