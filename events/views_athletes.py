"""What an athlete's page shows, and two athletes side by side."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from events.asked import key_of
from events.models import Athlete, Match
from events.statistics.athletes import Record, matches_of, record
from events.statistics.shown import decision_bars, number, percent, record_rows, technique_bars
from tournaments.models import Tournament

MATCHES = 50
FOUND = 20
SIDES = ("a", "b")


def may_see(request: HttpRequest) -> bool:
    return request.user.has_perms(["events.view_athlete", "events.view_match"])


def athlete_context(request: HttpRequest, athlete: Athlete) -> dict[str, Any]:
    """The figures of an athlete's page, for the tournament in the address or across all."""
    tournaments, chosen = _tournaments(request, Q(blue=athlete) | Q(red=athlete))
    found = record(athlete, chosen.pk if chosen else None)
    matches = matches_of(athlete.pk, chosen.pk if chosen else None)
    related = matches.select_related("day__tournament", "court", "blue", "red")
    return {
        "athlete": athlete,
        "record": found,
        "tournaments": tournaments,
        "chosen": chosen,
        "highlights": highlights(found),
        "rows": record_rows([found]),
        "techniques": technique_bars(found),
        "won_by": decision_bars(found.won_by),
        "lost_by": decision_bars(found.lost_by),
        "matches": [(match, _result(match, athlete)) for match in related[:MATCHES]],
        "most": MATCHES,
    }


def highlights(found: Record) -> list[tuple[str, str, str]]:
    """(what, figure, note) of the figures that are shown large."""
    return [
        ("Matches", str(found.matches), f"{found.wins} won, {found.losses} lost" + _ties(found)),
        ("Win rate", percent(found.win_rate), f"of {found.decided} decided"),
        (
            "Points a match",
            number(found.points_for_a_match),
            f"{number(found.points_against_a_match)} against",
        ),
        (
            "Average hit level",
            number(found.hit_average),
            f"best {found.hit_best} of {found.hits:,} hits" if found.hits_measured else "no level was told",
        ),
    ]


def _ties(found: Record) -> str:
    parts = [f"{found.ties} tied"] if found.ties else []
    parts += [f"{found.without_result} without a result"] if found.without_result else []
    return "".join(f", {part}" for part in parts)


def _result(match: Match, athlete: Athlete) -> tuple[str, str]:
    """(won, lost, tie or '', how in words) for this athlete."""
    side = "blue" if match.blue_id == athlete.pk else "red"
    if not match.winner:
        return "", "no result" if match.started_at else "not begun"
    outcome = "tie" if match.winner == "tie" else "won" if match.winner == side else "lost"
    return outcome, match.decision


@require_safe
def compare_page(request: HttpRequest) -> HttpResponse:
    """`?a=ID&b=ID`, either may be missing or wrong: then there is a search for it. `?tournament=ID`."""
    if not may_see(request):
        raise PermissionDenied
    athletes = [_athlete(request.GET.get(side)) for side in SIDES]
    known = [athlete for athlete in athletes if athlete is not None]
    who = Q(pk__in=[])
    for athlete in known:
        who |= Q(blue=athlete) | Q(red=athlete)
    tournaments, chosen = _tournaments(request, who)
    scope = chosen.pk if chosen else None
    records = [record(athlete, scope) for athlete in known]
    context = {
        **admin.site.each_context(request),
        "title": "Compare two athletes",
        "sides": [
            _side(request, side, athlete, number)
            for number, (side, athlete) in enumerate(zip(SIDES, athletes, strict=True))
        ],
        "known": known,
        "kept": urlencode({side: who.pk for side, who in zip(SIDES, athletes, strict=True) if who}),
        "rows": record_rows(records) if records else [],
        "techniques": list(zip(known, map(technique_bars, records), strict=True)),
        "tournaments": tournaments,
        "chosen": chosen,
        "same": len(known) == 2 and known[0] == known[1],
        "meetings": _meetings(known, scope) if len(known) == 2 and known[0] != known[1] else None,
    }
    return TemplateResponse(request, "events/compare.html", context)


def _side(request: HttpRequest, side: str, athlete: Athlete | None, number: int) -> dict[str, Any]:
    """One of the two: the athlete, or a search and what it found."""
    other = SIDES[1 - number]
    kept: dict[str, str] = {
        name: request.GET[name] for name in (other, "tournament") if request.GET.get(name)
    }
    # PostgreSQL refuses a NUL even in a question.
    words = request.GET.get(f"{side}_name", "").replace("\0", " ").strip()[:100]
    found = [] if athlete else _search(words)
    return {
        "name": side,
        "label": ("First", "Second")[number],
        "athlete": athlete,
        "kept": kept,
        "words": words,
        "found": [(who, urlencode({**kept, side: str(who.pk)})) for who in found[:FOUND]],
        "more": len(found) > FOUND,
        "searched": bool(words),
        "without": urlencode(kept),
        "wrong": bool(request.GET.get(side)) and athlete is None,
    }


def _search(words: str) -> list[Athlete]:
    if not words:
        return []
    athletes = Athlete.objects.all()
    for word in words.split()[:5]:
        athletes = athletes.filter(
            Q(name__icontains=word) | Q(short_name__icontains=word) | Q(country__iexact=word)
        )
    return list(athletes.order_by("name")[: FOUND + 1])


def _meetings(known: list[Athlete], scope: int | None) -> QuerySet[Match]:
    """Their matches against each other."""
    pks = [athlete.pk for athlete in known]
    matches = matches_of(pks[0], scope).filter(blue__in=pks, red__in=pks)
    return matches.select_related("day__tournament", "court", "blue", "red")[:MATCHES]


def _athlete(text: str | None) -> Athlete | None:
    return Athlete.objects.filter(pk=key).first() if (key := key_of(text)) else None


def _tournaments(request: HttpRequest, who: Q) -> tuple[list[Tournament], Tournament | None]:
    """Those with matches of `who`, the newest first, and the one asked for; a strange one is none."""
    in_some = Match.objects.filter(who).values("day__tournament")
    found = list(Tournament.objects.filter(pk__in=in_some))
    asked = key_of(request.GET.get("tournament"))
    return found, next((tournament for tournament in found if tournament.pk == asked), None)
