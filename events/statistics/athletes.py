"""How an athlete fights: over some matches, from the matches' rows alone.

A match counts once it was begun, or has a result without a fight (a withdrawal). One that was loaded and
never begun is none: the same match is often loaded twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet

from events.figures import Figures, figures_of
from events.kinds import Outcome
from events.models import Athlete, Match

_COLUMNS = (
    "blue_id",
    "red_id",
    "rounds",
    "gam_jeoms",
    "replays",
    "figures",
    "winner",
    "decision",
    "started_at",
)
_SIDES = (Outcome.BLUE, Outcome.RED)


@dataclass
class Record:
    """An athlete over some matches. Shares are between 0 and 1, None where there is nothing to divide by.

    Points are what the scoreboard showed, round by round; `techniques` how often points were given for
    what, as the scoring system told it (TkStrike tells a technical kick as a body or head kick). Hit levels
    are without the 99s that judges give.
    """

    matches: int = 0
    wins: int = 0
    losses: int = 0
    ties: int = 0
    without_result: int = 0
    fought: int = 0  # with a fight: not those withdrawn before
    rounds: int = 0
    rounds_won: int = 0
    rounds_lost: int = 0
    points_for: int = 0
    points_against: int = 0
    gam_jeoms: int = 0
    gam_jeoms_of_others: int = 0
    replays: int = 0
    replays_won: int = 0
    replays_lost: int = 0
    hits: int = 0
    hits_measured: int = 0
    hit_sum: int = 0
    hit_best: int = 0
    techniques: Counter[str] = field(default_factory=Counter)
    won_by: Counter[str] = field(default_factory=Counter)
    lost_by: Counter[str] = field(default_factory=Counter)

    @property
    def decided(self) -> int:
        return self.wins + self.losses + self.ties

    @property
    def scored(self) -> int:
        """How often points were given."""
        return self.techniques.total()

    @property
    def win_rate(self) -> float | None:
        return _share(self.wins, self.decided)

    @property
    def points_for_a_match(self) -> float | None:
        return _share(self.points_for, self.fought)

    @property
    def points_against_a_match(self) -> float | None:
        return _share(self.points_against, self.fought)

    @property
    def points_for_a_round(self) -> float | None:
        return _share(self.points_for, self.rounds)

    @property
    def points_against_a_round(self) -> float | None:
        return _share(self.points_against, self.rounds)

    @property
    def gam_jeoms_a_match(self) -> float | None:
        return _share(self.gam_jeoms, self.fought)

    @property
    def hit_average(self) -> float | None:
        return _share(self.hit_sum, self.hits_measured)

    @property
    def hits_for_a_point(self) -> float | None:
        """How many hits it takes until points are given once."""
        return _share(self.hits, self.scored)

    def add(self, match: Match, side: int, figures: Figures) -> None:
        """One match, on `side` 1 blue or 2 red."""
        rounds = list(fought_rounds(match))
        begun = match.started_at is not None or bool(rounds)
        if not (begun or match.winner):
            return
        self.matches += 1
        self._add_result(match, side)
        if begun:
            self.fought += 1
            self._add_rounds(rounds, side)
        self._add_figures(figures, side - 1)
        for pair in match.gam_jeoms:
            self.gam_jeoms += pair[side - 1]
            self.gam_jeoms_of_others += pair[2 - side]
        for replay in match.replays:
            if replay.get("side") == side:
                self.replays += 1
                self.replays_won += replay_won(replay) is True
                self.replays_lost += replay_won(replay) is False

    def _add_result(self, match: Match, side: int) -> None:
        if not match.winner:
            self.without_result += 1
        elif match.winner == Outcome.TIE:
            self.ties += 1
        elif match.winner == _SIDES[side - 1]:
            self.wins += 1
            self.won_by[match.decision] += 1
        else:
            self.losses += 1
            self.lost_by[match.decision] += 1

    def _add_rounds(self, rounds: list[list[int]], side: int) -> None:
        self.rounds += len(rounds)
        for *points, winner in rounds:
            self.points_for += points[side - 1]
            self.points_against += points[2 - side]
            self.rounds_won += winner == side
            self.rounds_lost += winner == 3 - side

    def _add_figures(self, figures: Figures, index: int) -> None:
        self.hits += figures["hits"][index]
        self.hits_measured += figures["hits_measured"][index]
        self.hit_sum += figures["hit_sum"][index]
        self.hit_best = max(self.hit_best, figures["hit_best"][index])
        self.techniques.update(figures["points"][index])


def fought_rounds(match: Match) -> Iterator[list[int]]:
    """[blue, red, winner] of each round in which something was told; the one just begun is not yet one."""
    told = [
        any(scores) or any(gam_jeoms)
        for scores, gam_jeoms in zip(match.rounds, _padded(match.gam_jeoms, len(match.rounds)), strict=True)
    ]
    last = max((n for n, is_told in enumerate(told, 1) if is_told), default=0)
    return iter(match.rounds[:last])


def _padded(pairs: list[list[int]], length: int) -> list[list[int]]:
    return [*pairs, *[[0, 0]] * (length - len(pairs))][:length]


def replay_won(replay: dict[str, Any]) -> bool | None:
    """Whether who asked was proved right; None while it is not answered. Only one dialect tells `won`."""
    if replay.get("won") is not None:
        return bool(replay["won"])
    return {"accepted": True, "denied": False}.get(str(replay.get("state")))


def matches_of(athlete_id: int, tournament_id: int | None = None) -> QuerySet[Match]:
    """An athlete's matches, the newest first; nobody fights himself."""
    matches = Match.objects.filter(Q(blue=athlete_id) | Q(red=athlete_id)).order_by("-loaded_at")
    matches = matches.exclude(blue=athlete_id, red=athlete_id)
    return matches.filter(day__tournament=tournament_id) if tournament_id is not None else matches


def record_of(athlete_id: int, matches: Iterable[Match]) -> Record:
    """The record over these of the athlete's matches."""
    matches = list(matches)
    figures = figures_of(matches)
    record = Record()
    for match in matches:
        record.add(match, 1 if match.blue_id == athlete_id else 2, figures[match.pk])
    return record


def record(athlete: Athlete, tournament_id: int | None = None) -> Record:
    """An athlete's record across all tournaments, or in one. One query, whatever the number of matches."""
    return record_of(athlete.pk, matches_of(athlete.pk, tournament_id).only(*_COLUMNS))


def _share(part: float, of: int) -> float | None:
    return part / of if of else None
