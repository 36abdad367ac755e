"""Pages show times as the clock in the hall does."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from tournaments.models import ContextChange


class TournamentTimeZone:
    """For members of staff: the time zone of the tournament that was put in force last.

    Pages about one tournament activate that tournament's own.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            zone = (
                ContextChange.objects.exclude(day=None)
                .values_list("day__tournament__time_zone", flat=True)
                .first()
            )
            if zone:
                timezone.activate(zone)
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()
