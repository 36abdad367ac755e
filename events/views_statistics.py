"""The statistics of a tournament and of one day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_safe

from events.kinds import Outcome, Status
from events.statistics.days import HOUR, Statistics, statistics_of
from events.statistics.shown import Bar, bars, decision_bars, number, percent
from tournaments.models import Tournament, TournamentDay

MOST_REMAINING = 999
MOST_HOURS = 36


@require_safe
def tournament_page(request: HttpRequest, pk: int) -> HttpResponse:
    _may_see(request)
    tournament = get_object_or_404(Tournament, pk=pk)
    days = list(tournament.days.order_by("number"))
    found = statistics_of([day.pk for day in days])
    return _page(request, tournament, days, None, found)


@require_safe
def day_page(request: HttpRequest, pk: int) -> HttpResponse:
    """`?remaining=N`: when N more matches would be over at the day's pace."""
    _may_see(request)
    day = get_object_or_404(TournamentDay.objects.select_related("tournament"), pk=pk)
    days = list(day.tournament.days.order_by("number"))
    return _page(request, day.tournament, days, day, statistics_of([day.pk]))


def _may_see(request: HttpRequest) -> None:
    if not request.user.has_perms(["events.view_match", "events.view_pssevent"]):
        raise PermissionDenied


def _page(
    request: HttpRequest,
    tournament: Tournament,
    days: list[TournamentDay],
    day: TournamentDay | None,
    found: Statistics,
) -> HttpResponse:
    timezone.activate(tournament.tz)
    context = {
        **admin.site.each_context(request),
        "title": f"Statistics of {day or tournament}",
        "tournament": tournament,
        "days": days,
        "day": day,
        "found": found,
        "states": _states(found),
        "charts": _charts(found, None if day else days),
        "events_an_hour": number(found.an_hour("events"), 0),
        "points_an_hour": number(found.an_hour("points"), 0),
        "outcomes": bars(
            (words, found.outcomes[value], f"{found.outcomes[value]}")
            for value, words in Outcome.choices
            if found.outcomes[value]
        ),
        "decisions": decision_bars(found.decisions),
        "courts": [
            {
                "use": use,
                "length": _minutes(use.average_length),
                "turnover": _minutes(use.turnover),
                "fighting": percent(use.share_fighting),
            }
            for use in found.courts
        ],
        "average_length": _minutes(found.average_length),
        "turnover": _minutes(found.turnover),
        "capture": [
            (words, found.capture.by_status.get(value, 0), _share(found, value))
            for value, words in Status.choices
        ],
        "recognized": _exact_percent(found.capture.recognized),
        "ms_average": number(found.capture.ms_average),
        "ms_max": number(found.capture.ms_max, 0) if found.capture.events else "—",
        "countries": [(standing, percent(standing.win_rate)) for standing in found.countries],
        "athletes": [(standing, percent(standing.win_rate)) for standing in found.athletes],
        **(_projection(request, day, found) if day else {}),
    }
    return TemplateResponse(request, "events/statistics.html", context)


def _states(found: Statistics) -> list[tuple[str, int, str]]:
    """(what, how many, note) of the matches; what is not there is left out, but for the first two."""
    states = [
        ("Done", found.done, "a result was told"),
        ("Running", found.running, "on their courts now"),
        ("Loaded, not begun", found.waiting, "waiting on their courts"),
        ("Without a result", found.left, "begun, but no result was told"),
        ("Never begun", found.never_begun, "loaded, then another was"),
    ]
    return [state for n, state in enumerate(states) if n < 2 or state[1]]


class Chart(NamedTuple):
    """Bars of one kind: `figure` is what they count, `by` what each stands for."""

    figure: str
    by: str
    bars: list[Bar]


def _charts(found: Statistics, days: list[TournamentDay] | None) -> list[Chart]:
    """Events and scores by the hour; of a whole tournament, whose `days` are given, by the day before."""
    counted = (("events", "Events"), ("points", "Scores"))
    if days is None:
        return [Chart(figure, "hour", _hour_bars(found, what)) for what, figure in counted]
    return [
        *(Chart(figure, "day", _day_bars(found, days, what)) for what, figure in counted),
        *(Chart(figure, "hour, all days together", _clock_bars(found, what)) for what, figure in counted),
    ]


def _hour_bars(found: Statistics, what: str) -> list[Bar]:
    """From the first hour to the last, those in which nothing came too."""
    counts = {hour.start: getattr(hour, what) for hour in found.hours}
    if not counts:
        return []
    first, last = min(counts), max(counts)
    # A day filed by mistake with events of another must not make a chart of a thousand rows.
    hours = min((last - first) // HOUR, MOST_HOURS) + 1
    starts = [first + n * HOUR for n in range(hours)] if hours <= MOST_HOURS else sorted(counts)
    return _bars((f"{timezone.localtime(start):%H:%M}", counts.get(start, 0)) for start in starts)


def _clock_bars(found: Statistics, what: str) -> list[Bar]:
    """The days laid over each other: from the earliest hour on the clock to the latest."""
    counts: Counter[int] = Counter()
    for hour in found.hours:
        start = timezone.localtime(hour.start)
        counts[start.hour * 60 + start.minute] += getattr(hour, what)
    if not counts:
        return []
    clock = range(min(counts), max(counts) + 1, 60)
    return _bars((f"{start // 60:02}:{start % 60:02}", counts[start]) for start in clock)


def _day_bars(found: Statistics, days: Iterable[TournamentDay], what: str) -> list[Bar]:
    return _bars(
        (
            f"Day {day.number} · {date_format(day.date, 'j M')}",
            sum(getattr(h, what) for h in found.by_day.get(day.pk, [])),
        )
        for day in days
    )


def _bars(rows: Iterable[tuple[str, int]]) -> list[Bar]:
    """The longest stands out."""
    rows = list(rows)
    longest = max((count for _, count in rows), default=0)
    return bars(((label, count, f"{count:,}") for label, count in rows), longest or None)


def _minutes(seconds: float | None) -> str:
    if seconds is None:
        return "—"
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02} min"


def _share(found: Statistics, status: str) -> str:
    total = found.capture.events
    return _exact_percent(found.capture.by_status.get(status, 0) / total if total else None)


def _exact_percent(share: float | None) -> str:
    """Not rounded up to all of them while one is missing."""
    if share is None:
        return "—"
    return f"{100 * share:.0f} %" if share in (0, 1) else f"{min(max(100 * share, 0.01), 99.99):.2f} %"


def _projection(request: HttpRequest, day: TournamentDay, found: Statistics) -> dict[str, Any]:
    """What the form about the rest of the day shows; nothing for a day that is not today."""
    if not day.is_today() or found.turnover is None:
        return {"may_project": False}
    text = request.GET.get("remaining", "")
    asked = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    remaining = asked if 0 < asked <= MOST_REMAINING else None
    return {
        "may_project": True,
        "most_remaining": MOST_REMAINING,
        "remaining": remaining,
        "wrong_number": bool(text) and remaining is None,
        "end": found.end_after(remaining, timezone.now()) if remaining else None,
    }
