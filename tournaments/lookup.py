"""What commands are told by name or number; CommandError, with what there is, for anything else."""

from __future__ import annotations

from django.core.management.base import CommandError

from tournaments.models import Court, Tournament, TournamentDay


def find_tournament(slug: str) -> Tournament:
    tournament = Tournament.objects.filter(slug=slug).first()
    if tournament is None:
        names = ", ".join(Tournament.objects.order_by("-start_date").values_list("slug", flat=True)[:10])
        raise CommandError(f"There is no tournament “{slug}”. There are: {names or 'none yet'}.")
    return tournament


def find_day(slug: str | None, number: int | None) -> TournamentDay:
    if not slug or number is None:
        raise CommandError("Say which day: --tournament SLUG --day N.")
    tournament = find_tournament(slug)
    day = tournament.days.filter(number=number).first()
    if day is None:
        raise CommandError(f"{tournament} has days 1 to {tournament.days.count()}; there is no day {number}.")
    return day


def find_court(number: int) -> Court:
    court = Court.objects.filter(number=number).first()
    if court is None:
        known = ", ".join(str(n) for n in Court.objects.values_list("number", flat=True))
        raise CommandError(f"There is no court {number}. There are: {known or 'none yet'}.")
    return court
