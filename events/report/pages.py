"""What the reports say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Max, Min, Sum
from django.utils import timezone

from events import losses
from events.archive.seeing import events_of
from events.kinds import Status
from events.match_facts import match_facts
from events.models import EventTally, HourTally, Match
from events.report import course
from events.words import decision_text
from tournaments.models import TournamentDay

# A match has some 500 events without its ticks.
MOST_EVENTS = 5_000
# A day has some hundred matches on each court.
MOST_MATCHES = 3_000


def match_report(match: Match) -> dict[str, Any]:
    """With its day, court and athletes at hand, and `is_last`; times in the time of the hall."""
    if match.day:
        timezone.activate(match.day.tournament.tz)
    events = events_of(match, 0, MOST_EVENTS + 1, with_ticks=False)
    status = EventTally.objects.filter(match=match).by("status")
    return {
        "title": f"Match report: {match}",
        "match": match,
        "day": match.day,
        "tournament": match.day.tournament if match.day else None,
        **match_facts(match),
        "gam_jeoms": [sum(told[side] for told in match.gam_jeoms) for side in (0, 1)],
        "course": course.draw(events[:MOST_EVENTS]),
        "course_is_cut": len(events) > MOST_EVENTS,
        "understood": _understood(status),
        "ledger": losses.of_match(match),
        "printed_at": timezone.now(),
    }


def day_report(day: TournamentDay) -> dict[str, Any]:
    """With its tournament at hand."""
    timezone.activate(day.tournament.tz)
    related = ("court", "blue", "red")
    found = Match.objects.with_is_last().filter(day=day).select_related(*related)
    matches = list(found.order_by("court__number", "loaded_at", "id")[: MOST_MATCHES + 1])
    by_court: dict[Any, list[dict[str, Any]]] = {}
    for match in matches[:MOST_MATCHES]:
        by_court.setdefault(match.court, []).append(_line(match))
    totals = HourTally.objects.filter(day=day, events__gt=0)
    span = totals.aggregate(begin=Min("hour"), end=Max("hour"))
    spans = [(span["begin"], span["end"] + timedelta(hours=1))] if span["begin"] else []
    return {
        "title": f"Day report: {day}",
        "day": day,
        "tournament": day.tournament,
        "courts": list(by_court.items()),
        "is_cut": len(matches) > MOST_MATCHES,
        "done": sum(bool(match.winner) for match in matches[:MOST_MATCHES]),
        "not_decided": sum(not match.winner for match in matches[:MOST_MATCHES]),
        "points": totals.aggregate(Sum("points"))["points__sum"] or 0,
        "understood": _understood(totals.by("status")),
        "missed": losses.within(spans, [day.pk]),
        "printed_at": timezone.now(),
    }


def _line(match: Match) -> dict[str, Any]:
    facts = match_facts(match)
    return {
        "match": match,
        "rounds": [told[:2] for told in match.rounds],
        "rounds_won": facts["rounds_won"],
        "decision": decision_text(match.decision) if match.decision else "",
        "state": _state(match),
    }


def _state(match: Match) -> str:
    if match.winner:
        return "A tie" if match.winner == "tie" else f"{match.get_winner_display()} wins"
    return "not started" if match.state == "loaded" else match.state


def _understood(by_status: dict[str, int]) -> dict[str, int]:
    """`stored` messages, and how many of them were not wholly understood."""
    stored = sum(by_status.values())
    return {"stored": stored, "problems": stored - by_status.get(Status.RECOGNIZED, 0)}
