"""What one line of a datagram says."""

from dataclasses import dataclass, field, replace
from typing import Any

TKSTRIKE = "T"
PUBLISHED = "P"
# TkStrike's other output: one JSON object a datagram (`ingest.protocol.jsons`).
JSON = "J"
DIALECTS = (TKSTRIKE, PUBLISHED, JSON)
# Wire code of all its messages, which have none of their own.
JSON_STREAM = "json"

RECOGNIZED = "recognized"
PARTIAL = "partial"
UNKNOWN = "unknown"
MALFORMED = "malformed"
STATUSES = (RECOGNIZED, PARTIAL, UNKNOWN, MALFORMED)

KINDS = (
    "point",
    "hit",
    "gam_jeom",
    "score",
    "round_scores",
    "round",
    "clock",
    "break",
    "injury",
    "time_out",
    "replay",
    "round_winners",
    "winner",
    "result",
    "athletes",
    "match",
    "referees",
    "load",
    "ready",
    "video_time",
    "connect",
    "disconnect",
    "settings",
    "hardware",
    "notice",
    "echo",
    "unknown",
)

# Three letters each, which the parser uses to tell whether a cut line lost part of a number.
DECISIONS = frozenset(
    ["PTF", "PTG", "GDP", "SUP", "RSC", "WDR", "DSQ", "DQB", "PUN", "PTS", "IRM", "CSC", "BKO", "HKO"],
)


@dataclass(frozen=True, slots=True)
class Message:
    """One parsed line. Messages are cached and shared: never change ``details`` in place.

    ``details`` is JSON-able and free of NUL and lone surrogates. Its keys by kind:

    ============== ==========================================================================
    point          points, technique (punch, body, head, technical_body, technical_head, None)
    gam_jeom score blue, red (totals; None where that half was not sent)
    round_scores   blue, red: three scores each, None where not sent
    clock break    action (start, stop, corr, stopEnd); absent on a tick
    injury         action (show, hide, reset); absent on a tick
    time_out       action as sent; absent on a tick
    replay         state (opened, accepted, denied, closed), won (True, False, None)
    round_winners  winners: list of 0 none, 1 blue, 2 red
    winner         winner: blue, red, tie, or None
    result         name, blue, red, decision
    athletes       blue, red: None or short, long, ioc
    match          number, phase, category, division, rounds, round_seconds, countdown,
                   internal_id, colors (4), body_level, head_level
    referees       referee, judges (3): None or name, ioc
    load ready     text (only when it is not the usual one)
    settings       text, as sent
    notice         notice (plain words, or judge), with judge, technique, target as told (J)
    echo           kind (what it would be by itself), and the details of that kind (J)
    ============== ==========================================================================

    Every message of J has besides: event (as sent), at (ms since 1970 by the sender's clock), match
    (number, internal_id, ring, category, gender, division), and how it stood then: score, gam_jeoms
    and rounds_won, each [blue, red]. A point may have level and removed, a gam_jeom removed, a hit
    its target (body, head); a result has winner.
    """

    # Wire code ('pt1', 'clk'); '' when there is none; at most 16 characters.
    stream: str
    kind: str
    # 0 none, 1 blue, 2 red.
    athlete: int = 0
    # The number of the message: points, hit level, round; ms for break, injury and time_out.
    value: int | None = None
    # Only rnd says it, and every message of J.
    round: int | None = None
    # The match clock, ms: of clk, and of nearly every message of J.
    clock_ms: int | None = None
    details: dict[str, Any] = field(default_factory=dict)
    # The line, line end included, as ``escape()`` writes it.
    raw: str = ""
    status: str = RECOGNIZED
    # Plain words naming what is wrong, at most 200 characters; '' when nothing is.
    error: str = ""
    # 'T', 'P', 'J', or '' when neither the line nor the caller tells.
    dialect: str = ""


def as_echo(message: Message, *, again: bool = False) -> Message:
    """`message` as one that says what was said already, so that nothing of it is counted twice.

    `again`: by the same output, word for word.
    """
    details = {**message.details, "kind": message.kind}
    if again:
        details["again"] = True
    return replace(message, kind="echo", details=details)
