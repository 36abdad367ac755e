"""The story of a match, told from its events; pure, no models, no I/O.

    story = tell(events)

The events are folded once, through the scoreboard that the importer and the cards use. A *line* is an
event in words; everything else refers to lines by their place in the list, and to moments by
milliseconds since the first event (our clock, never the match's). What the score says is held against
the points and gam-jeoms that were told (`events.story_ledger`); a difference is shown, never mended.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from events.match_state import BLUE, RED, SIDE_NAMES, to_ns
from events.scoreboard import Scoreboard
from events.story_ledger import Difference, Ledger
from events.words import describe, moment_text

_ECHO = "echo"
_TICKING = frozenset(("clock", "break", "injury", "time_out"))
_RAW_SHOWN = 60
_MS = 1_000_000
# A running clock ticks every second: of a longer silence only this much counts as fighting.
_MOST_BETWEEN_MS = 5_000
# Scores closer than this are one step: the messages of one action come in any order.
_STEP_MS = 40
_HIGHEST_LEVEL = 100
_REPLAY_WORDS = {"opened": "not answered", "closed": "closed"}

Pair = tuple[int, int]


class Heard(NamedTuple):
    """The columns of a stored event, live or archived, that a story is told from."""

    id: int
    session_id: int
    sequence: int
    received_at: datetime
    stream: str
    kind: str
    athlete: int
    value: int | None
    round: int | None
    clock_ms: int | None
    details: dict[str, Any]
    raw: str
    status: str
    error: str


class Line(NamedTuple):
    """An event in words; `folded` '' or why it is not shown unless asked for: tick, echo."""

    id: int
    at_ms: int
    side: int
    kind: str
    words: str
    raw: str
    status: str
    folded: str
    round: int | None
    clock_ms: int | None


class Step(NamedTuple):
    """The score on the scoreboard from `at_ms` on."""

    at_ms: int
    blue: int
    red: int
    line: int


class Hit(NamedTuple):
    at_ms: int
    side: int
    level: int
    line: int


class Mark(NamedTuple):
    """Something to be seen above the score: gam_jeom, replay, injury, time_out, difference."""

    at_ms: int
    kind: str
    side: int
    words: str
    line: int


class Round(NamedTuple):
    """A round as declared, and as counted from points and gam-jeoms; times None where it has no clock."""

    number: int
    starts_ms: int | None
    ends_ms: int | None
    score: Pair
    counted: Pair
    gam_jeoms: Pair
    winner: int


class Technique(NamedTuple):
    """How often, and what it was worth; each [blue, red]."""

    name: str
    times: Pair
    points: Pair


@dataclass(frozen=True, slots=True)
class Durations:
    """Milliseconds. `stopped` is the time within rounds in which the clock stood, whatever for."""

    fighting: int
    stopped: int
    rests: int
    injuries: int
    time_outs: int
    replays: int


@dataclass(frozen=True, slots=True)
class Story:
    """See the module. `began_ms` is since 1970; `hits_of` is by side: (told, mean level, best level)."""

    began_ms: int
    length_ms: int
    lines: list[Line]
    scores: list[Step]
    hits: list[Hit]
    marks: list[Mark]
    rounds: list[Round]
    techniques: list[Technique]
    hits_of: list[tuple[int, float | None, int]]
    durations: Durations
    differences: list[Difference]
    problems: list[str]
    body_level: int | None
    head_level: int | None
    is_cut: bool


def tell(events: Iterable[Heard], *, is_cut: bool = False) -> Story:
    """The story of one match from its events, in the order they were received.

    `is_cut`: there were more, and these are the first.
    """
    telling = _Telling()
    for event in events:
        telling.hear(event)
    return telling.story(is_cut)


class _Telling:
    def __init__(self) -> None:
        self.board = Scoreboard()
        self.ledger = Ledger()
        self.began_ns = self.last_ns = 0
        self.session_id: int | None = None
        self.lines: list[Line] = []
        self.scores: list[Step] = []
        self.hits: list[Hit] = []
        self.points: dict[tuple[int, str], int] = {}
        self.fighting_ns = 0
        # round -> when its clock ran first and last (ns)
        self.fought: dict[int, list[int]] = {}

    def at_ms(self, ns: int) -> int:
        return max(ns - self.began_ns, 0) // _MS

    def hear(self, event: Heard) -> None:
        ns = to_ns(event.received_at)
        if not self.lines:
            self.began_ns = self.last_ns = ns
        board, kind, line = self.board, event.kind, len(self.lines)
        if event.session_id != self.session_id and kind != _ECHO:
            if self.session_id is not None:
                board.start_session()
            self.session_id = event.session_id
        rounds, gam_jeoms, score = board.rounds, board.gam_jeoms, board.score
        if board.clock_running:
            self._fought(ns)
        is_running = board.clock_running
        self.last_ns = max(ns, self.last_ns)
        board.apply(event, ns, event.sequence)
        if board.clock_running and not is_running:
            self.fought.setdefault(board.round or 1, [ns, ns])
        if board.score != score:
            self._step(ns, line)
        if kind == "hit" and 0 < (level := event.value or 0) <= _HIGHEST_LEVEL:
            self.hits.append(Hit(self.at_ms(ns), event.athlete, level, line))
        elif kind == "point" or kind == _ECHO:
            self._point(event)
        self.ledger.hear(event, ns, line, board, rounds, gam_jeoms)
        self.lines.append(self._line(event, ns))

    def _line(self, event: Heard, ns: int) -> Line:
        folded = ""
        if event.kind == _ECHO:
            folded = "echo"
        elif event.kind in _TICKING and not event.details.get("action"):
            folded = "tick"
        raw = event.raw
        return Line(
            event.id,
            self.at_ms(ns),
            event.athlete,
            event.kind,
            describe(event),
            raw if len(raw) <= _RAW_SHOWN else raw[: _RAW_SHOWN - 1] + "…",
            "" if event.status == "recognized" else event.status,
            folded,
            event.round,
            event.clock_ms,
        )

    def _fought(self, ns: int) -> None:
        """The clock has run until now."""
        board = self.board
        # Not longer than it had left: its end may not have been heard.
        left_ms = _MOST_BETWEEN_MS if board.clock_ms is None else board.clock_ms + 1000
        span_ns = min(max(ns - self.last_ns, 0), min(left_ms, _MOST_BETWEEN_MS) * _MS)
        self.fighting_ns += span_ns
        span = self.fought.setdefault(board.round or 1, [self.last_ns, self.last_ns])
        span[1] = self.last_ns + span_ns

    def _step(self, ns: int, line: int) -> None:
        at_ms = self.at_ms(ns)
        step = Step(at_ms, *self.board.score, line)
        if self.scores and at_ms - self.scores[-1].at_ms < _STEP_MS:
            self.scores[-1] = step._replace(at_ms=self.scores[-1].at_ms, line=self.scores[-1].line)
        else:
            self.scores.append(step)

    def _point(self, event: Heard) -> None:
        """What points were worth, by technique; a turn told by JSON makes its kick a technical one."""
        told = event.details
        technique, worth = told.get("technique") or "other", told.get("points") or 0
        is_turn = event.stream == "json" and technique.startswith("technical_")
        if event.kind == _ECHO and (
            told.get("again") or told.get("kind") != "point" or not (is_turn or told.get("removed"))
        ):
            return
        sign = -1 if told.get("removed") else 1
        kick = technique.removeprefix("technical_")
        whole = 3 if kick == "head" else 2
        # Its kick may not have been told.
        if is_turn and (sign < 0 or self.points.get((event.athlete, kick), 0) >= whole):
            self._worth(event.athlete, kick, -sign * whole)
            worth += whole
        self._worth(event.athlete, technique, sign * worth)

    def _worth(self, side: int, technique: str, points: int) -> None:
        self.points[side, technique] = self.points.get((side, technique), 0) + points

    # --- At the end -------------------------------------------------------------------------------

    def story(self, is_cut: bool) -> Story:
        board = self.board
        self.ledger.settle(board.rounds, board.gam_jeoms)
        length_ms = self.at_ms(self.last_ns)
        differences = [
            difference._replace(at_ms=self.lines[difference.line].at_ms)
            for difference in self.ledger.differences
        ]
        return Story(
            began_ms=self.began_ns // _MS,
            length_ms=length_ms,
            lines=self.lines,
            scores=self.scores,
            hits=self.hits,
            marks=self._marks(differences),
            rounds=self._rounds(),
            techniques=self._techniques(),
            hits_of=[self._hits_of(side) for side in (BLUE, RED)],
            durations=self._durations(),
            differences=differences,
            problems=list(board.problems),
            body_level=board.body_level,
            head_level=board.head_level,
            is_cut=is_cut,
        )

    def _rounds(self) -> list[Round]:
        board, rounds = self.board, []
        for number, (blue, red, winner) in enumerate(board.rounds, 1):
            gam_jeoms = board.gam_jeoms[number - 1] if number <= len(board.gam_jeoms) else (0, 0)
            span = self.fought.get(number)
            rounds.append(
                Round(
                    number,
                    self.at_ms(span[0]) if span else None,
                    self.at_ms(span[1]) if span else None,
                    (blue, red),
                    self.ledger.counted(number),
                    gam_jeoms,
                    winner,
                )
            )
        return rounds

    def _techniques(self) -> list[Technique]:
        counts = self.board.points
        names = [*_TECHNIQUES, *sorted({*counts[BLUE], *counts[RED]} - set(_TECHNIQUES))]
        return [
            Technique(
                name,
                (counts[BLUE].get(name, 0), counts[RED].get(name, 0)),
                (self.points.get((BLUE, name), 0), self.points.get((RED, name), 0)),
            )
            for name in names
            if counts[BLUE].get(name) or counts[RED].get(name)
        ]

    def _hits_of(self, side: int) -> tuple[int, float | None, int]:
        board = self.board
        measured = board.hits_measured[side]
        mean = round(board.hit_sum[side] / measured, 1) if measured else None
        return board.hits[side], mean, board.hit_best[side]

    def _durations(self) -> Durations:
        spans = [self.fought[number] for number in sorted(self.fought)]
        in_rounds = sum(end - start for start, end in spans)
        rests = sum(max(later[0] - earlier[1], 0) for earlier, later in pairwise(spans))
        board = self.board

        def total(entries: tuple[dict[str, Any], ...], start: str, end: str) -> int:
            spans: list[int] = [(e[end] or self.last_ns) - e[start] for e in entries if e[start]]
            return sum(max(span, 0) for span in spans) // _MS

        return Durations(
            fighting=self.fighting_ns // _MS,
            stopped=max(in_rounds - self.fighting_ns, 0) // _MS,
            rests=rests // _MS,
            injuries=total(board.injuries, "started_ns", "ended_ns"),
            time_outs=total(board.time_outs, "started_ns", "ended_ns"),
            replays=total(board.replays, "asked_ns", "answered_ns"),
        )

    def _marks(self, differences: list[Difference]) -> list[Mark]:
        board = self.board
        marks = [
            Mark(self.at_ms(ns), "gam_jeom", side, f"{_name(side)}: gam-jeom ({total})", line)
            for ns, side, total, line in self.ledger.gam_jeoms
        ]
        for entry in board.replays:
            answer = _REPLAY_WORDS.get(entry["state"], entry["state"])
            who = SIDE_NAMES[entry["side"]] or "the referee"
            marks.append(self._mark(entry["asked_ns"], "replay", entry, f"Video replay of {who}: {answer}"))
        for kind, what, entries in (
            ("injury", "Injury time", board.injuries),
            ("time_out", "Para time-out", board.time_outs),
        ):
            for entry in entries:
                side = f" of {SIDE_NAMES[entry['side']]}" if entry["side"] else ""
                lasted = ""
                if entry["ended_ns"]:
                    lasted = f", {round(max(entry['ended_ns'] - entry['started_ns'], 0) / 1e9)} s"
                marks.append(self._mark(entry["started_ns"], kind, entry, f"{what}{side}{lasted}"))
        marks += [Mark(d.at_ms, "difference", d.side, d.words, d.line) for d in differences if d.amount]
        return sorted(marks)

    def _mark(self, ns: int, kind: str, entry: dict[str, Any], words: str) -> Mark:
        at_ms = self.at_ms(ns)
        place = bisect_left(self.lines, at_ms, key=lambda line: line.at_ms)
        # Of the messages of that moment the one that said it.
        near = range(place, min(place + 12, len(self.lines)))
        line = next((n for n in near if self.lines[n].kind == kind), min(place, len(self.lines) - 1))
        when = moment_text(entry["round"], entry["clock_ms"])
        return Mark(at_ms, kind, entry["side"], f"{words} ({when})" if when else words, line)


_TECHNIQUES = ("punch", "body", "head", "technical_body", "technical_head")


def _name(side: int) -> str:
    return SIDE_NAMES[side].capitalize()
