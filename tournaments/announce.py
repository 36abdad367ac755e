"""What holds now, said in a sentence: on pages, and by `manage.py context`."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone
from django.utils.formats import date_format

from tournaments.models import ContextChange, Court, TournamentDay


def places(courts: Sequence[Court | None]) -> str:
    """ "all courts", "Court 1", "Court 1, Court 2 and Court 5"; None is all courts."""
    if not courts or None in courts:
        return "all courts"
    *first, last = [str(court) for court in courts]
    return f"{', '.join(first)} and {last}" if first else last


def in_force(change: ContextChange, courts: Sequence[Court | None]) -> str:
    """What a change made just now means."""
    zone = change.day.tournament.tz if change.day else timezone.get_current_timezone()
    since = timezone.localtime(change.effective_at, zone)
    if change.day is None:
        return (
            f"No day is active on {places(courts)} since {since:%H:%M:%S}. "
            "What they send from now on is kept, without a day."
        )
    return f"Active on {places(courts)} since {since:%H:%M:%S}: {change.day}."


def not_today(day: TournamentDay) -> str:
    """A warning when the day is another than the date where it is fought; '' when it is today's."""
    today = day.tournament.today()
    if day.date == today:
        return ""
    is_of, now_is = date_format(day.date, "D j M"), date_format(today, "D j M")
    return f"Day {day.number} is {is_of}, but today is {now_is}. Is it the right one?"
