"""How a tournament or one of its days runs: from its matches' rows and the hourly tallies.

What is not in the stream is not here: nobody tells which matches are still to come, so no end of the day
follows from it (`Statistics.end_after` answers for a number that somebody gives), and no places or medals.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

from django.db.models import Max, Q, Sum

from events import losses
from events.epoch import Epoch
from events.kinds import Outcome, Status
from events.models import Athlete, HourTally, Match
from events.querysets import MatchQuerySet
from tournaments.models import Court

HOUR = timedelta(hours=1)
#: So many athletes and countries are ranked.
RANKED = 20


class Hour(NamedTuple):
    """What came within an hour; `start` is UTC."""

    start: datetime
    events: int
    points: int


@dataclass
class CourtUse:
    """One court. Times in seconds, None where no match tells them."""

    court: Court | None = None
    matches: int = 0
    done: int = 0
    events: int = 0
    lengths: list[float] = field(default_factory=list)
    #: From the start of a match to that of the next on the same day.
    turnovers: list[float] = field(default_factory=list)
    #: The newest start of a match, seconds since 1970; 0 for none.
    last_start: float = 0

    @property
    def average_length(self) -> float | None:
        return sum(self.lengths) / len(self.lengths) if self.lengths else None

    @property
    def turnover(self) -> float | None:
        """The median, so that a break for lunch does not count."""
        return median(self.turnovers) if self.turnovers else None

    @property
    def share_fighting(self) -> float | None:
        """Of the time from a match's start to the next one's, how much it was a match."""
        if not self.turnovers or not self.lengths:
            return None
        return min(sum(self.lengths) / len(self.lengths) / (sum(self.turnovers) / len(self.turnovers)), 1.0)


@dataclass
class Standing:
    """One athlete, or all of one country."""

    name: str
    athlete: Athlete | None = None
    athletes: int = 0
    matches: int = 0
    wins: int = 0
    losses: int = 0

    @property
    def win_rate(self) -> float | None:
        return self.wins / self.matches if self.matches else None


@dataclass
class Capture:
    """What was stored, how fast (ms), and what may be missing of the hours in which something was."""

    by_status: Counter[str] = field(default_factory=Counter)
    ms_sum: float = 0.0
    ms_max: float = 0.0
    missed: losses.Missed = field(default_factory=losses.Missed)

    @property
    def events(self) -> int:
        return sum(self.by_status.values())

    @property
    def recognized(self) -> float | None:
        return self.by_status.get(Status.RECOGNIZED, 0) / self.events if self.events else None

    @property
    def ms_average(self) -> float | None:
        return self.ms_sum / self.events if self.events else None


@dataclass
class Statistics:
    """Matches are counted once each: done (a winner or a tie was told), running, waiting (loaded, not begun,
    the last on its court), left (begun, and the court went on without a result) or never begun."""

    loaded: int = 0
    done: int = 0
    running: int = 0
    waiting: int = 0
    left: int = 0
    never_begun: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    #: By the court's id; None for matches and events that came from no known court.
    uses: dict[int | None, CourtUse] = field(default_factory=dict)
    by_day: dict[int, list[Hour]] = field(default_factory=dict)
    athletes: list[Standing] = field(default_factory=list)
    countries: list[Standing] = field(default_factory=list)
    athletes_seen: int = 0
    countries_seen: int = 0
    capture: Capture = field(default_factory=Capture)

    @property
    def courts(self) -> list[CourtUse]:
        return sorted(self.uses.values(), key=lambda use: use.court.number if use.court else math.inf)

    @property
    def hours(self) -> list[Hour]:
        return [hour for hours in self.by_day.values() for hour in hours]

    @property
    def busiest(self) -> Hour | None:
        return max(self.hours, key=lambda hour: hour.events, default=None)

    def an_hour(self, what: str) -> float | None:
        """`events` or `points` on average in an hour of those in which anything came."""
        told = [getattr(hour, what) for hour in self.hours]
        return sum(told) / len(told) if told else None

    @property
    def average_length(self) -> float | None:
        lengths = [length for use in self.courts for length in use.lengths]
        return sum(lengths) / len(lengths) if lengths else None

    @property
    def turnover(self) -> float | None:
        turnovers = [turnover for use in self.courts for turnover in use.turnovers]
        return median(turnovers) if turnovers else None

    def end_after(self, matches: int, now: datetime) -> datetime | None:
        """When so many more matches are over if the courts of the last hour keep the day's pace."""
        courts = sum(now.timestamp() - use.last_start <= HOUR.total_seconds() for use in self.courts)
        if not courts or not self.turnover:
            return None
        return now + timedelta(seconds=math.ceil(matches / courts) * self.turnover)


_COLUMNS = ("day_id", "court_id", "blue_id", "red_id", "winner", "decision", "started", "ended")
#: As `_COLUMNS`; plain tuples, since a tournament has thousands.
_Row = tuple[int, int | None, int | None, int | None, str, str, float | None, float | None]


def statistics_of(day_ids: Collection[int]) -> Statistics:
    """The statistics of these days together: eight queries at most, whatever there is."""
    found = Statistics()
    matches = Match.objects.filter(day__in=day_ids)
    matches = matches.annotate(started=Epoch("started_at"), ended=Epoch("ended_at"))
    # Day by day, as the index has them.
    rows: list[_Row] = list(matches.order_by("day_id", "loaded_at").values_list(*_COLUMNS))
    _count_states(found, rows, matches)
    _count_courts(found, rows)
    _rank(found, rows, matches.done())
    _read_tallies(found, day_ids)
    return found


def _count_states(found: Statistics, rows: list[_Row], matches: MatchQuerySet) -> None:
    found.outcomes = Counter(winner for _, _, _, _, winner, _, _, _ in rows if winner)
    found.decisions = Counter(decision for _, _, _, _, winner, decision, _, _ in rows if winner)
    found.loaded, found.done = len(rows), found.outcomes.total()
    if found.done == found.loaded:
        return
    undecided = matches.filter(winner="").with_is_last().order_by()
    columns = ("started", "ended", "is_last")
    for started, ended, is_last in undecided.values_list(*columns):
        if started is None:
            found.waiting += is_last
            found.never_begun += not is_last
        elif ended is None and is_last:
            found.running += 1
        else:
            found.left += 1


def _count_courts(found: Statistics, rows: list[_Row]) -> None:
    before: dict[tuple[int | None, int], float] = {}
    uses = found.uses
    for day_id, court_id, _, _, winner, _, started, ended in rows:
        if (use := uses.get(court_id)) is None:
            use = uses[court_id] = CourtUse()
        use.matches += 1
        if winner:
            use.done += 1
        if started is None:
            continue
        if ended is not None and ended > started:
            use.lengths.append(ended - started)
        place = court_id, day_id
        if place in before and started > before[place]:
            use.turnovers.append(started - before[place])
        before[place] = started
        if started > use.last_start:
            use.last_start = started


def _rank(found: Statistics, rows: list[_Row], done: MatchQuerySet) -> None:
    """Whoever has a decided match, and their countries."""
    # As plain text: to look up and compare members of an enumeration takes three times as long.
    blue_won, red_won = Outcome.BLUE.value, Outcome.RED.value
    records: dict[int | None, list[int]] = defaultdict(lambda: [0, 0, 0])  # matches, won, lost
    for _, _, blue, red, winner, _, _, _ in rows:
        if winner:
            of_blue, of_red = records[blue], records[red]
            of_blue[0] += 1
            of_red[0] += 1
            if winner == blue_won:
                of_blue[1] += 1
                of_red[2] += 1
            elif winner == red_won:
                of_red[1] += 1
                of_blue[2] += 1
    done = done.order_by()
    fought = Athlete.objects.filter(Q(pk__in=done.values("blue")) | Q(pk__in=done.values("red"))).order_by()
    ranked: list[tuple[int, int, str, str, int]] = []
    countries: dict[str, Standing] = {}
    for pk, name, country in fought.values_list("pk", "name", "country"):
        matches, won, lost = records[pk]
        ranked.append((-won, lost, name, country, pk))
        if country:
            if (standing := countries.get(country)) is None:
                standing = countries[country] = Standing(country)
            standing.athletes += 1
            standing.matches += matches
            standing.wins += won
            standing.losses += lost
    found.athletes_seen, found.countries_seen = len(ranked), len(countries)
    found.countries = sorted(countries.values(), key=lambda s: (-s.wins, s.losses, s.name))[:RANKED]
    for _, _, name, country, pk in sorted(ranked)[:RANKED]:
        athlete = Athlete(pk=pk, name=name, country=country)
        found.athletes.append(Standing(str(athlete), athlete, 1, *records[pk]))


def _read_tallies(found: Statistics, day_ids: Collection[int]) -> None:
    tallies = HourTally.objects.filter(day__in=day_ids, events__gt=0).order_by()
    hours: dict[int, list[Hour]] = defaultdict(list)
    by_hour = tallies.values_list("day_id", "hour").annotate(Sum("events"), Sum("points"))
    for day_id, *hour in by_hour.order_by("hour"):
        hours[day_id].append(Hour(*hour))
    found.by_day = dict(hours)
    spans = [(of[0].start, of[-1].start + HOUR) for of in hours.values()]
    found.capture.missed = losses.within(spans, hours)
    by_court = tallies.values_list("court_id", "status").annotate(
        Sum("events"), Sum("processing_ms_sum"), Max("processing_ms_max")
    )
    for court_id, status, count, ms_sum, ms_max in by_court:
        found.uses.setdefault(court_id, CourtUse()).events += count
        found.capture.by_status[status] += count
        found.capture.ms_sum += ms_sum
        found.capture.ms_max = max(found.capture.ms_max, ms_max)
    for court_id, court in Court.objects.in_bulk([pk for pk in found.uses if pk is not None]).items():
        found.uses[court_id].court = court
