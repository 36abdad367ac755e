"""What is known of one match, and how it is handed on.

Everything that a message can change and another can put in doubt is an immutable value in one of
`STATE`, so that taking a snapshot and going back to it are cheap (`events.scoreboard` does both to
put messages of one moment in order). The rules are in `events.match_rules`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Protocol

from events.match_output import as_dict, figures, match_fields

BLUE, RED = 1, 2
SIDE_NAMES = ("", "blue", "red")
OUTCOMES = ("tie", "blue", "red")

# A match has at most three rounds and a golden one; more are kept while they can be true.
MOST_ROUNDS = 12
# Of a text; the database's columns are not longer.
MOST_TEXT = 200
# Per match; a sender that goes mad must not grow a row without end.
MOST_ENTRIES = 60
MOST_PROBLEMS = 20
# Gam-jeoms with which a round is lost whatever the score.
GAM_JEOM_LIMIT = 5

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Score = tuple[int, int]
# blue score, red score, winner (0 none, 1 blue, 2 red)
RoundResult = tuple[int, int, int]
# name, short name, IOC code; '' where not told
Person = tuple[str, str, str]
# name of the winner, blue's and red's figure (rounds won or points), decision
Result = tuple[str, int | None, int | None, str]


class Told(Protocol):
    """A message (`ingest.protocol`) or a stored event (`events.models.PssEvent`)."""

    @property
    def stream(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def athlete(self) -> int: ...
    @property
    def value(self) -> int | None: ...
    @property
    def round(self) -> int | None: ...
    @property
    def clock_ms(self) -> int | None: ...
    @property
    def details(self) -> Any: ...
    @property
    def status(self) -> str: ...


def to_ns(moment: datetime) -> int:
    """Nanoseconds since 1970, exact."""
    return (moment - _EPOCH) // _MICROSECOND * 1000


# name -> value in a match of which nothing is known yet
_BLANK_MATCH: dict[str, Any] = {
    "loaded_ns": None,
    # First start of the clock, and when the result came.
    "started_ns": None,
    "ended_ns": None,
    "number": "",
    "phase": "",
    "category": "",
    "division": "",
    "internal_id": "",
    "rounds_planned": None,
    "round_seconds": None,
    "body_level": None,
    "head_level": None,
    "blue": ("", "", ""),
    "red": ("", "", ""),
    "referees": {},
    "round": None,
    # The round before `round`, and when `round` came: a score beside it may belong to either.
    "round_before": None,
    "round_ns": None,
    # The score as the scoreboard in the hall shows it, and by round.
    "score": (0, 0),
    "score_ns": 0,
    # The round of the last `sc`.
    "score_round": None,
    "rounds": (),
    # When the winner of a round was told, by round; 0 when worked out or not known.
    "decided_ns": (),
    # `sc` counts on over the rounds instead of starting again.
    "cumulative": False,
    # Round winners were told: best of three.
    "by_rounds": False,
    "gam_jeom": (0, 0),
    "gam_jeoms": (),
    # blue's, red's score fell by one since: a gam-jeom of the other was perhaps taken back.
    "taken_back": (False, False),
    "clock_ms": None,
    "clock_running": False,
    "clock_at_ns": None,
    "stopped_ns": None,
    "rest_ms": None,
    "rest_running": False,
    "rest_at_ns": None,
    # side, ms left, told at (ns); None when none is shown.
    "injury": None,
    "time_out": None,
    "injuries": (),
    "time_outs": (),
    "replays": (),
    "winner": "",
    "winner_told": False,
    "decision": "",
    "result": None,
    # A `win` that may be the match before's: held back until a result proves it.
    "held_winner": None,
    # When a result of another match was left out.
    "stale_ns": None,
    "problems": (),
}
_BLANK = {
    "match_serial": 0,
    # `match_fields()` of the match before, as it stood when this one was loaded.
    "previous": None,
    "previous_result": None,
    **_BLANK_MATCH,
}
STATE = tuple(_BLANK)
_MATCH_VALUES = tuple(_BLANK_MATCH.items())

# What `match_fields` is made of: `version` rises when one of these changes.
FIELDS = (
    "match_serial",
    "loaded_ns",
    "started_ns",
    "ended_ns",
    "number",
    "phase",
    "category",
    "division",
    "rounds_planned",
    "round_seconds",
    "body_level",
    "head_level",
    "blue",
    "red",
    "referees",
    "rounds",
    "gam_jeoms",
    "injuries",
    "time_outs",
    "replays",
    "winner",
    "decision",
)
read_state = attrgetter(*STATE)
read_fields = attrgetter(*FIELDS)


class MatchState:
    """The state of the match on one court; attributes as named and explained in this module's table.

    match_serial        rises with each match; 0 is one that was under way when listening began
    loaded_ns           when `pre` came, or the first message where none did
    round               the current round; planned + 1 is the golden round; None until told
    score, gam_jeom     (blue, red) of the current round
    rounds, gam_jeoms   by round, from the first: (blue, red, winner), (blue, red)
    clock_ms            the clock as last told, at `clock_at_ns` (received); counts down from there
                        while `clock_running`
    rest_ms, rest_at_ns the rest between rounds; None when there is none
    injuries            {side, round, clock_ms, started_ns, shown_ms, left_ms, ended_ns}; shown_ms
                        is what the injury clock began with, left_ms what it ended with
    time_outs           the same, para time-outs
    replays             {side, round, clock_ms, state, won, asked_ns, answered_ns}; side 0 is the
                        referee, state opened, accepted, denied or closed
    winner              '', 'blue', 'red' or 'tie'; `decision` 'PTF' …; `result` as `Result`
    hits                by side (index 1 blue, 2 red): how many levels were told; `hits_measured` how
                        many of them without the 99s that judges give, `hit_sum` the sum of these and
                        `hit_best` the highest
    points              by side: {technique: how often}; `points_sum` what they are worth together
    counted             rises with each hit and point: these are `figures`, and stand outside of moments
    problems            plain sentences, the last 20: what the stream contradicts itself in
    """

    __slots__ = (
        *STATE,
        "_counting",
        "_figures_before",
        "counted",
        "hit_best",
        "hit_sum",
        "hits",
        "hits_measured",
        "points",
        "points_sum",
    )

    match_serial: int
    previous: dict[str, Any] | None
    previous_result: Result | None
    loaded_ns: int | None
    started_ns: int | None
    ended_ns: int | None
    number: str
    phase: str
    category: str
    division: str
    internal_id: str
    rounds_planned: int | None
    round_seconds: int | None
    body_level: int | None
    head_level: int | None
    blue: Person
    red: Person
    referees: dict[str, Any]
    round: int | None
    round_before: int | None
    round_ns: int | None
    score: Score
    score_ns: int
    score_round: int | None
    rounds: tuple[RoundResult, ...]
    decided_ns: tuple[int, ...]
    cumulative: bool
    by_rounds: bool
    gam_jeom: Score
    gam_jeoms: tuple[Score, ...]
    taken_back: tuple[bool, bool]
    clock_ms: int | None
    clock_running: bool
    clock_at_ns: int | None
    stopped_ns: int | None
    rest_ms: int | None
    rest_running: bool
    rest_at_ns: int | None
    injury: tuple[int, int | None, int] | None
    time_out: tuple[int, int | None, int] | None
    injuries: tuple[dict[str, Any], ...]
    time_outs: tuple[dict[str, Any], ...]
    replays: tuple[dict[str, Any], ...]
    winner: str
    winner_told: bool
    decision: str
    result: Result | None
    held_winner: tuple[str, int] | None
    stale_ns: int | None
    problems: tuple[str, ...]

    def __init__(self) -> None:
        self.restore(tuple(_BLANK.values()))
        self.counted = 0
        # The match whose hits and points are being counted, and those of the match before.
        self._counting = self.match_serial
        self._figures_before: dict[str, Any] = {}
        self.clear_tallies()

    # --- Snapshots and fresh starts ---------------------------------------------------------------

    def restore(self, state: tuple[Any, ...]) -> None:
        """Goes back to what `read_state` gave."""
        for name, value in zip(STATE, state, strict=True):
            setattr(self, name, value)

    def clear_tallies(self) -> None:
        self.hits = [0, 0, 0]
        self.hits_measured = [0, 0, 0]
        self.hit_best = [0, 0, 0]
        self.hit_sum = [0, 0, 0]
        self.points: list[dict[str, int]] = [{}, {}, {}]
        self.points_sum = [0, 0, 0]

    def load(self, received_ns: int) -> None:
        """A new match begins; what is known of the one before goes to `previous`."""
        if self.match_serial >= self._counting:
            # Only the first time: when a moment is put in order its load is taken in again.
            self._figures_before = self.figures()
            self._counting = self.match_serial + 1
            self.clear_tallies()
        previous = {**self.match_fields(), "figures": self._figures_before} if self.is_begun else None
        result = self.result or self.previous_result
        for name, value in _MATCH_VALUES:
            setattr(self, name, value)
        self.previous = previous
        self.previous_result = result
        self.match_serial += 1
        self.loaded_ns = received_ns
        self.round = 1

    @property
    def is_begun(self) -> bool:
        """Whether anything was told that belongs to a match."""
        return self.loaded_ns is not None

    # --- Small steps the rules are made of --------------------------------------------------------

    def note(self, problem: str) -> None:
        if problem not in self.problems[-1:]:
            self.problems = (*self.problems, problem)[-MOST_PROBLEMS:]

    def extend_rounds(self, count: int) -> None:
        """Makes sure that rounds 1 to `count` are there."""
        missing = count - len(self.rounds)
        if missing > 0:
            self.rounds += ((0, 0, 0),) * missing
            self.decided_ns += (0,) * missing
        missing = count - len(self.gam_jeoms)
        if missing > 0:
            self.gam_jeoms += ((0, 0),) * missing

    def put_round(self, number: int, values: RoundResult) -> None:
        self.extend_rounds(number)
        if self.rounds[number - 1] != values:
            self.rounds = (*self.rounds[: number - 1], values, *self.rounds[number:])

    def put_gam_jeoms(self, number: int, totals: Score) -> None:
        self.extend_rounds(number)
        if self.gam_jeoms[number - 1] != totals:
            self.gam_jeoms = (*self.gam_jeoms[: number - 1], totals, *self.gam_jeoms[number:])

    def points_before(self, number: int) -> Score:
        """Sum of the rounds before round `number`."""
        earlier = self.rounds[: number - 1]
        return sum(r[0] for r in earlier), sum(r[1] for r in earlier)

    def rounds_won(self) -> Score:
        return (
            sum(winner == BLUE for _, _, winner in self.rounds),
            sum(winner == RED for _, _, winner in self.rounds),
        )

    # --- What is handed on ------------------------------------------------------------------------

    def match_fields(self) -> dict[str, Any]:
        """The columns of `events.models.Match`; see `events.match_output.match_fields`."""
        return match_fields(self)

    def figures(self) -> dict[str, Any]:
        """What was hit and scored; see `events.match_output.figures`."""
        return figures(self)

    def as_dict(self) -> dict[str, Any]:
        """What a court's card shows; see `events.match_output.as_dict`."""
        return as_dict(self)
