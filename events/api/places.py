"""Tournaments, their days, and courts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from events.api import schemas
from events.api.access import Scope, readers
from events.api.pages import Asked, Key, Order, one, page
from tournaments.models import Court, Progress, Tournament, TournamentDay

router = Router(tags=["Tournaments, days, courts"])
tournament_readers = readers("tournaments.view_tournament")
day_readers = readers("tournaments.view_tournamentday")
court_readers = readers("tournaments.view_court", scopes=(Scope.LIVE,))


class TournamentsAsked(Asked):
    status: Progress | None = None


class DaysAsked(Asked):
    tournament: Key | None = None
    status: Progress | None = None


class CourtsAsked(Asked):
    active: bool | None = None


@router.get("/tournaments", response=schemas.Tournaments, auth=tournament_readers)
def list_tournaments(request: HttpRequest, asked: Query[TournamentsAsked]) -> Any:
    """The latest first."""
    asked.only(request)
    rows = Tournament.objects.all()
    if asked.status:
        rows = rows.filter(status=asked.status)
    return page(rows, Order(("start_date", "id")), asked)


@router.get("/tournaments/{tournament}", response=schemas.TournamentWithDays, auth=tournament_readers)
def get_tournament(request: HttpRequest, tournament: Key) -> Any:
    """One tournament, with its days."""
    found = one(Tournament.objects.all(), tournament)
    fields = {name: getattr(found, name) for name in schemas.Tournament.model_fields}
    return {**fields, "days": [day_of(day) for day in found.days.order_by("number")]}


@router.get("/days", response=schemas.Days, auth=day_readers)
def list_days(request: HttpRequest, asked: Query[DaysAsked]) -> Any:
    """The latest first."""
    asked.only(request)
    rows = TournamentDay.objects.all()
    if asked.tournament:
        rows = rows.filter(tournament=asked.tournament)
    if asked.status:
        rows = rows.filter(status=asked.status)
    found = page(rows, Order(("date", "id")), asked)
    return {**found, "items": [day_of(day) for day in found["items"]]}


@router.get("/days/{day}", response=schemas.Day, auth=day_readers)
def get_day(request: HttpRequest, day: Key) -> Any:
    """One day."""
    return day_of(one(TournamentDay.objects.all(), day))


@router.get("/courts", response=schemas.Courts, auth=court_readers)
def list_courts(request: HttpRequest, asked: Query[CourtsAsked]) -> Any:
    """By number."""
    asked.only(request)
    rows = Court.objects.all()
    if asked.active is not None:
        rows = rows.filter(active=asked.active)
    found = page(rows, Order(("number",), descending=False), asked)
    return {**found, "items": [court_of(court) for court in found["items"]]}


@router.get("/courts/{court}", response=schemas.Court, auth=court_readers)
def get_court(request: HttpRequest, court: Key) -> Any:
    """One court."""
    return court_of(one(Court.objects.all(), court))


def day_of(day: TournamentDay) -> dict[str, Any]:
    return {
        "id": day.pk,
        "tournament": day.tournament_id,
        "number": day.number,
        "date": day.date,
        "status": day.status,
    }


def court_of(court: Court) -> dict[str, Any]:
    """With the name that pages show, which a court has even where nobody gave it one."""
    return {"id": court.pk, "number": court.number, "name": str(court), "active": court.active}
