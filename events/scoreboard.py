"""The state of a match, folded from what the scoring system says; pure, no I/O, no models.

    board = Scoreboard()
    board.apply(message, received_ns, sequence)     # for each message, as it comes

Words used here. A *moment* is a run of messages no more than `DISORDER_NS` apart: the sender works
with several threads, so within one their order says nothing. Each message is applied at once; when
one arrives that belongs before others of its moment, the board goes back to where the moment began
and applies them in the order of `match_rules.order_of`. What a match comes to therefore does not
depend on the order of messages within a moment. Hits, points and the ticks of a running clock stand
outside it: their effects add up in any order, and they are nearly all of the traffic.

When a recording is played faster than life a moment is shorter by as much, so that actions which
were seconds apart are not taken for one. The match's own clock tells how fast that is.

Not thread safe. One board per court.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

from events import match_json
from events.match_rules import RULES, begins_anew, gam_jeom_change, order_of
from events.match_state import MatchState, Told, read_fields, read_state, to_ns

__all__ = ["Scoreboard", "Told"]

# Messages of one action were seen up to 30 ms apart; two actions hardly ever are so close.
DISORDER_NS = 40_000_000
# However dense the stream, a moment ends: sorting it again must stay cheap.
_LONGEST_MOMENT_NS = 150_000_000
_MOST_IN_MOMENT = 32
# A hit belongs to the points of its athlete up to 5 s after it and 0.5 s before it.
HITS_BEFORE_POINT_NS = 5_000_000_000
HITS_AFTER_POINT_NS = 500_000_000
_RECENT_HITS = 64
_RECENT_POINTS = 8
_GIVEN_BY_JUDGES = 99
# Pairs of ticks in a row that must say so before a stream is taken for one played fast.
_FAST_TICKS = 2
# An object of the JSON output may be overtaken by a newer one; older than this, its clock was set back.
_OVERTAKEN_MS = 5_000

# A match met in its middle does not begin with these.
_BEGIN_NO_MATCH = frozenset(("load", "disconnect"))

# Only these can begin another match within a moment.
_BEGINNINGS = frozenset(("load", "match"))

_order = itemgetter(0)


class Scoreboard(MatchState):
    """The match on one court; see `MatchState` for what it keeps.

    version      rises when, and only when, `match_fields()` changed other than in its figures, of
                 which `counted` tells
    linked       after a point: [[sequence, level], …] of the hits of the same athlete in the 5 s
                 before it; after a hit: [sequence, …] of the points of the same athlete in the
                 0.5 s before it; else empty. Sequences are those given to `apply`.
    last_change  after a gam-jeom message: what `gam_jeom_change` says of it

    When `match_serial` rises a new match has begun: `previous` then holds the `match_fields()` of
    the one before as it ended, which is better than what was read from it a moment earlier.
    """

    __slots__ = (
        "_fast_ticks",
        "_fields",
        "_json_at",
        "_moment",
        "_moment_began_ns",
        "_moment_ns",
        "_moment_state",
        "_pace",
        "_recent_hits",
        "_recent_points",
        "_tick_ms",
        "_tick_ns",
        "_window_ns",
        "last_change",
        "linked",
        "version",
    )

    def __init__(self) -> None:
        super().__init__()
        self.version = 0
        # As they were when `version` rose last.
        self._fields = read_fields(self)
        self.linked: Sequence[Any] = ()
        self.last_change: tuple[int, int] | None = None
        # (order, message, received_ns), sorted; the state it began from; its last and first time.
        self._moment: list[tuple[tuple[Any, ...], Told, int]] = []
        self._moment_state: tuple[Any, ...] = ()
        self._moment_ns = 0
        self._moment_began_ns = 0
        self._window_ns = DISORDER_NS
        self._pace = 1
        self._fast_ticks = 0
        # The last tick, since the clock was last started, stopped or set.
        self._tick_ms: int | None = None
        self._tick_ns = 0
        # The newest moment of the sender's own clock (ms) that the JSON output told.
        self._json_at = 0
        self.start_session()

    @classmethod
    def fold(cls, events: Iterable[Any]) -> Scoreboard:
        """The board after stored events, given in the order they were received.

        Takes anything with the attributes of a message, `received_at` (an aware datetime) and
        `sequence`.
        """
        board = cls()
        for event in events:
            board.apply(event, to_ns(event.received_at), event.sequence)
        return board

    def start_session(self) -> None:
        """Sequences start again: hits and points heard so far can no longer be linked by them."""
        self._recent_hits: list[deque[tuple[int, int, int]]] = [deque(maxlen=_RECENT_HITS) for _ in range(3)]
        self._recent_points: list[deque[tuple[int, int]]] = [deque(maxlen=_RECENT_POINTS) for _ in range(3)]

    def apply(self, message: Told, received_ns: int, sequence: int = 0) -> None:
        """Takes in one message, received at `received_ns` (ns since 1970).

        `sequence` is its number in its session. Never raises for what a message says; kinds that
        do not tell about a match change nothing.
        """
        path = _PATHS.get(message.kind)
        if message.stream == match_json.STREAM:
            self._apply_json(message, received_ns, sequence)
        elif path is not None:
            path(self, message, received_ns, sequence)
        else:
            self.linked = ()

    def gam_jeom_change(self, message: Told) -> tuple[int, int] | None:
        """(side, total) whose total a gam-jeom message raises, before it is applied; else None."""
        return gam_jeom_change(self, message)

    # --- Paths of a message -----------------------------------------------------------------------

    def _apply_hit(self, message: Told, received_ns: int, sequence: int) -> None:
        side = message.athlete
        level = message.value
        self.linked = ()
        if level is None:
            return
        if self.loaded_ns is None:
            self._begin(received_ns)
        self.hits[side] += 1
        self.counted += 1
        if 0 < level <= 100 and level != _GIVEN_BY_JUDGES:
            self.hits_measured[side] += 1
            self.hit_sum[side] += level
            if level > self.hit_best[side]:
                self.hit_best[side] = level
        self._recent_hits[side].append((received_ns, sequence, level))
        points = self._recent_points[side]
        if points:
            oldest = received_ns - HITS_AFTER_POINT_NS // self._pace
            if points[-1][0] >= oldest:
                self.linked = [number for ns, number in points if ns >= oldest]

    def _apply_point(self, message: Told, received_ns: int, sequence: int) -> None:
        side = message.athlete
        details = message.details
        if self.loaded_ns is None:
            self._begin(received_ns)
        technique = details.get("technique") or "other"
        by_technique = self.points[side]
        by_technique[technique] = by_technique.get(technique, 0) + 1
        self.points_sum[side] += details.get("points") or 0
        self.counted += 1
        self._link_point(side, received_ns, sequence)

    def _link_point(self, side: int, received_ns: int, sequence: int) -> None:
        self._recent_points[side].append((received_ns, sequence))
        oldest = received_ns - HITS_BEFORE_POINT_NS // self._pace
        self.linked = [[number, level] for ns, number, level in self._recent_hits[side] if ns >= oldest]

    def _apply_json(self, message: Told, received_ns: int, sequence: int) -> None:
        """A message of TkStrike's JSON output: says what it does, and how everything stands then."""
        self.linked = ()
        self.last_change = None
        kind, details = message.kind, message.details
        if kind == "echo":
            if not details.get("again"):
                if details.get("kind") == "point":
                    match_json.count_point(self, message, echo=True)
                for said in match_json.added(self, message):
                    _PATHS[said.kind](self, said, received_ns, sequence)
                self.linked = ()
            return
        if kind == "unknown":
            return
        at = details.get("at") or 0
        if not 0 < self._json_at - at < _OVERTAKEN_MS:
            self._json_at = at
            for said in match_json.stands(self, message):
                _PATHS[said.kind](self, said, received_ns, sequence)
        for said in match_json.done(self, message):
            _PATHS[said.kind](self, said, received_ns, sequence)
        if kind == "hit":
            self._apply_hit(message, received_ns, sequence)
        elif kind == "point":
            self._apply_json_point(message, received_ns, sequence)

    def _apply_json_point(self, message: Told, received_ns: int, sequence: int) -> None:
        if self.loaded_ns is None:
            self._begin(received_ns)
        match_json.count_point(self, message)
        if not message.details.get("removed"):
            self._link_point(message.athlete, received_ns, sequence)

    def _apply_clock(self, message: Told, received_ns: int, sequence: int) -> None:
        clock_ms = message.clock_ms
        if message.details or not self.clock_running or clock_ms is None:
            self._tick_ms = None
            self._apply_in_moment(message, received_ns, sequence)
            return
        last_ms = self._tick_ms
        if last_ms is not None:
            elapsed_ns = (last_ms - clock_ms) * 1_000_000
            waited_ns = received_ns - self._tick_ns
            if elapsed_ns > 3 * waited_ns or self._fast_ticks:
                self._set_pace(elapsed_ns, waited_ns)
        self._tick_ms = clock_ms
        self._tick_ns = received_ns
        if received_ns - self._moment_ns <= self._window_ns:
            self._apply_in_moment(message, received_ns, sequence)
            return
        # A tick of a running clock, alone. No moment is open, and it opens none.
        self.linked = ()
        if self._moment:
            self._moment.clear()
        self.clock_ms = clock_ms
        self.clock_at_ns = received_ns

    def _apply_break(self, message: Told, received_ns: int, sequence: int) -> None:
        if (
            message.details
            or not self.rest_running
            or message.value is None
            or received_ns - self._moment_ns <= self._window_ns
        ):
            self._apply_in_moment(message, received_ns, sequence)
            return
        self.linked = ()
        if self._moment:
            self._moment.clear()
        self.rest_ms = message.value
        self.rest_at_ns = received_ns

    def _apply_gam_jeom(self, message: Told, received_ns: int, sequence: int) -> None:
        self.last_change = gam_jeom_change(self, message)
        self._apply_in_moment(message, received_ns, sequence)

    def _apply_in_moment(self, message: Told, received_ns: int, sequence: int) -> None:
        self.linked = ()
        order = order_of(message)
        moment = self._moment
        entry = (order, message, received_ns)
        if not (
            moment
            and -self._window_ns <= received_ns - self._moment_ns <= self._window_ns
            and received_ns - self._moment_began_ns <= _LONGEST_MOMENT_NS
            and len(moment) < _MOST_IN_MOMENT
            and not (message.kind in _BEGINNINGS and begins_anew(message, (entry[1] for entry in moment)))
        ):
            self._moment_state = read_state(self)
            self._moment = [entry]
            self._moment_ns = self._moment_began_ns = received_ns
            self._follow(message, received_ns)
        elif order >= moment[-1][0]:
            moment.append(entry)
            self._moment_ns = max(self._moment_ns, received_ns)
            self._follow(message, received_ns)
        else:
            insort(moment, entry, key=_order)
            self._moment_ns = max(self._moment_ns, received_ns)
            self.restore(self._moment_state)
            for _, earlier, earlier_ns in moment:
                self._follow(earlier, earlier_ns)
        fields = read_fields(self)
        if fields != self._fields:
            self._fields = fields
            self.version += 1

    def _follow(self, message: Told, received_ns: int) -> None:
        rule = RULES[message.kind]
        if self.loaded_ns is None and message.kind not in _BEGIN_NO_MATCH:
            self.loaded_ns = received_ns
        rule(self, message, received_ns)

    def _begin(self, received_ns: int) -> None:
        """A match that was under way when listening began."""
        self.loaded_ns = received_ns
        self._fields = read_fields(self)
        self.version += 1
        # An open moment began before the match did.
        self._moment.clear()

    def _set_pace(self, elapsed_ns: int, waited_ns: int) -> None:
        """Follows how much faster than life the match's clock runs."""
        if elapsed_ns <= 0:
            return
        if elapsed_ns <= 3 * waited_ns:
            self._fast_ticks = 0
            self._pace = 1
            self._window_ns = DISORDER_NS
            return
        self._fast_ticks += 1
        if self._fast_ticks >= _FAST_TICKS:
            self._pace = max(elapsed_ns // max(waited_ns, 1), 1)
            self._window_ns = DISORDER_NS // self._pace


_Path = Callable[[Scoreboard, Told, int, int], None]
_PATHS: dict[str, _Path] = {
    **dict.fromkeys(RULES, Scoreboard._apply_in_moment),
    "hit": Scoreboard._apply_hit,
    "point": Scoreboard._apply_point,
    "clock": Scoreboard._apply_clock,
    "break": Scoreboard._apply_break,
    "gam_jeom": Scoreboard._apply_gam_jeom,
}
