"""Figures as pages show them: rows of a table, and bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from events.statistics.athletes import Record
from events.words import decision_text

# A technique's code -> its words; in the order in which they are shown.
TECHNIQUES = {
    "punch": "Punch",
    "body": "Body kick",
    "head": "Head kick",
    "technical_body": "Technical body kick",
    "technical_head": "Technical head kick",
    "other": "Not readable",
}


@dataclass(frozen=True)
class Bar:
    """One row of a bar chart (`events/_bars.html`): `width` as SVG takes it, the longest is 100%; `text` is
    the figure in words. `strong` stands out."""

    label: str
    width: str
    text: str
    strong: bool = False


def bars(rows: Iterable[tuple[str, float, str]], strong: float | None = None) -> list[Bar]:
    """(label, value, text) as bars; the one of the value `strong` stands out."""
    rows = list(rows)
    longest = max((value for _, value, _ in rows), default=0)
    return [
        Bar(label, f"{100 * value / longest:.1f}%" if longest else "0%", text, value == strong)
        for label, value, text in rows
    ]


def number(value: float | None, digits: int = 1) -> str:
    return "—" if value is None else f"{value:,.{digits}f}"


def percent(share: float | None) -> str:
    return "—" if share is None else f"{100 * share:.0f} %"


def technique_bars(record: Record) -> list[Bar]:
    known = {code: record.techniques.get(code, 0) for code in TECHNIQUES}
    known["other"] += record.scored - sum(known.values())
    return bars(
        (TECHNIQUES[code], count, f"{count} · {percent(count / record.scored)}")
        for code, count in known.items()
        if count
    )


def decision_bars(decisions: Counter[str]) -> list[Bar]:
    return bars(
        (decision_words(code), count, str(count))
        for code, count in sorted(decisions.items(), key=lambda item: (-item[1], item[0]))
    )


def decision_words(code: str) -> str:
    """`Point gap (PTG)`"""
    if not code:
        return "Not told"
    words = decision_text(code)
    words = words.removeprefix("by ").removeprefix("on ").removeprefix("the ")
    return f"{words[:1].upper()}{words[1:]} ({code})" if words != code else code


def record_rows(records: Iterable[Record]) -> list[tuple[str, list[str]]]:
    """What a record says, as (what, [figure of each record])."""
    records = list(records)
    return [(what, [figure(record) for record in records]) for what, figure in _ROWS]


_ROWS: tuple[tuple[str, Callable[[Record], str]], ...] = (
    ("Matches", lambda r: str(r.matches)),
    ("Won", lambda r: str(r.wins)),
    ("Lost", lambda r: str(r.losses)),
    ("Ties", lambda r: str(r.ties)),
    ("Without a result", lambda r: str(r.without_result)),
    ("Win rate", lambda r: percent(r.win_rate)),
    ("Rounds won – lost", lambda r: f"{r.rounds_won} – {r.rounds_lost}"),
    ("Points for – against", lambda r: f"{r.points_for} – {r.points_against}"),
    (
        "Points a match, for – against",
        lambda r: f"{number(r.points_for_a_match)} – {number(r.points_against_a_match)}",
    ),
    (
        "Points a round, for – against",
        lambda r: f"{number(r.points_for_a_round)} – {number(r.points_against_a_round)}",
    ),
    ("Gam-jeoms", lambda r: f"{r.gam_jeoms} ({number(r.gam_jeoms_a_match)} a match)"),
    ("Hits", lambda r: f"{r.hits:,}"),
    ("Average hit level", lambda r: number(r.hit_average)),
    ("Best hit level", lambda r: str(r.hit_best) if r.hits_measured else "—"),
    ("Hits for one score", lambda r: number(r.hits_for_a_point)),
    ("Video replays asked", lambda r: str(r.replays)),
    ("Video replays won – lost", lambda r: f"{r.replays_won} – {r.replays_lost}"),
)
