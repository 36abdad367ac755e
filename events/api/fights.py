"""Matches and athletes."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, Literal

from django.db.models import Q
from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from events.api import schemas
from events.api.access import readers
from events.api.pages import Asked, Key, Order, Words, one, only_known, page
from events.api.problems import nonsense
from events.match_state import SIDE_NAMES
from events.models import Athlete, Match
from events.statistics.athletes import record
from tournaments.models import Tournament, TournamentDay

router = Router(tags=["Matches, athletes"])
match_readers = readers("events.view_match")
athlete_readers = readers("events.view_athlete")
statistics_readers = readers("events.view_athlete", "events.view_match")
_RELATED = ("day", "blue", "red")


class MatchesAsked(Asked):
    tournament: Key | None = None
    day: Key | None = None
    court: Key | None = None
    athlete: Key | None = None
    number: Words | None = Field(None, description="As on the scoreboard, in small or capital letters.")
    state: Literal["running", "done", "open"] | None = Field(None, description="open: no winner yet.")


class AthletesAsked(Asked):
    name: Words | None = Field(None, description="Some of the name, in small or capital letters.")
    country: Words | None = Field(None, description="IOC code.")


@router.get("/matches", response=schemas.Matches, auth=match_readers)
def list_matches(request: HttpRequest, asked: Query[MatchesAsked]) -> Any:
    """The last loaded first."""
    asked.only(request)
    rows: Any = Match.objects.with_is_last().select_related(*_RELATED)
    if asked.tournament:
        days = TournamentDay.objects.filter(tournament=asked.tournament).values_list("pk", flat=True)
        rows = rows.filter(day__in=list(days))
    for name in ("day", "court"):
        if key := getattr(asked, name):
            rows = rows.filter(**{name: key})
    if asked.athlete:
        rows = rows.filter(Q(blue=asked.athlete) | Q(red=asked.athlete))
    if asked.number:
        rows = rows.filter(number__iexact=asked.number)
    if asked.state == "running":
        rows = rows.running()
    elif asked.state == "done":
        rows = rows.done()
    elif asked.state == "open":
        rows = rows.filter(winner="")
    found = page(rows, Order(("loaded_at", "id")), asked)
    return {**found, "items": [match_of(match) for match in found["items"]]}


@router.get("/matches/{match}", response=schemas.MatchWithMore, auth=match_readers)
def get_match(request: HttpRequest, match: Key) -> Any:
    """One match, with officials, video replays and stoppages."""
    found = one(Match.objects.with_is_last().select_related(*_RELATED), match)
    return {
        **match_of(found),
        **{
            name: getattr(found, name)
            for name in ("rounds_planned", "round_seconds", "body_level", "head_level")
        },
        "officials": found.referees or {},
        "replays": [
            {**_moment(entry), "state": entry.get("state") or "opened", "won": entry.get("won")}
            for entry in found.replays
        ],
        "injuries": [_stoppage(entry) for entry in found.injuries],
        "time_outs": [_stoppage(entry) for entry in found.time_outs],
    }


@router.get("/athletes", response=schemas.Athletes, auth=athlete_readers)
def list_athletes(request: HttpRequest, asked: Query[AthletesAsked]) -> Any:
    """The last to appear first."""
    asked.only(request)
    rows = Athlete.objects.all()
    if asked.name:
        rows = rows.filter(Q(name__icontains=asked.name) | Q(short_name__icontains=asked.name))
    if asked.country:
        rows = rows.filter(country__iexact=asked.country)
    return page(rows, Order(("id",)), asked)


@router.get("/athletes/{athlete}", response=schemas.Athlete, auth=athlete_readers)
def get_athlete(request: HttpRequest, athlete: Key) -> Any:
    """One athlete."""
    return one(Athlete.objects.all(), athlete)


class StatisticsAsked(Schema):
    tournament: Key | None = Field(None, description="Only its matches.")


@router.get("/athletes/{athlete}/statistics", response=schemas.AthleteStatistics, auth=statistics_readers)
def get_athlete_statistics(request: HttpRequest, athlete: Key, asked: Query[StatisticsAsked]) -> Any:
    """How an athlete fights, across all tournaments or in one."""
    only_known(request, StatisticsAsked)
    found = one(Athlete.objects.all(), athlete)
    if asked.tournament and not Tournament.objects.filter(pk=asked.tournament).exists():
        raise nonsense("tournament", f"There is no tournament {asked.tournament}")
    told = record(found, asked.tournament)
    names = schemas.AthleteStatistics.model_fields.keys() - {"athlete", "tournament"}
    return {
        "athlete": athlete,
        "tournament": asked.tournament,
        **{name: getattr(told, name) for name in names},
    }


def match_of(match: Match) -> dict[str, Any]:
    """With `day`, `blue` and `red` at hand, and `is_last` from `with_is_last`."""
    rounds = [
        {
            "number": number,
            "blue": scores[0] if scores else None,
            "red": scores[1] if scores else None,
            "winner": _side(scores[2]) if scores and len(scores) > 2 else None,
            "gam_jeoms_blue": gam_jeoms[0] if gam_jeoms else 0,
            "gam_jeoms_red": gam_jeoms[1] if gam_jeoms else 0,
        }
        for number, (scores, gam_jeoms) in enumerate(zip_longest(match.rounds, match.gam_jeoms), 1)
    ]
    return {
        "id": match.pk,
        "tournament": match.day.tournament_id if match.day else None,
        "day": match.day_id,
        "court": match.court_id,
        **{name: getattr(match, name) for name in ("number", "phase", "category", "division")},
        "blue": match.blue,
        "red": match.red,
        "state": match.state,
        "rounds": rounds,
        "rounds_won_blue": sum(told["winner"] == "blue" for told in rounds),
        "rounds_won_red": sum(told["winner"] == "red" for told in rounds),
        "winner": match.winner or None,
        **{name: getattr(match, name) for name in ("decision", "loaded_at", "started_at", "ended_at")},
    }


def _side(number: Any) -> str | None:
    return SIDE_NAMES[number] if number in (1, 2) else None


def _moment(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "side": _side(entry.get("side")),
        "round": entry.get("round"),
        "clock_ms": entry.get("clock_ms"),
    }


def _stoppage(entry: dict[str, Any]) -> dict[str, Any]:
    started, ended = entry.get("started_ns"), entry.get("ended_ns")
    seconds = None if started is None or ended is None else (ended - started) / 1e9
    return {**_moment(entry), "seconds": seconds}
