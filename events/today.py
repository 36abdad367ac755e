"""The front page: a checklist until the first event of an active day, then the day in numbers.

Totals come from the tallies and from what the listeners say about themselves; events are never
counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from events.addresses import Target, targets
from events.alerts.showing import banners, untold
from events.models import HourTally, ListenerNode, Match, UdpSession
from events.situation import InForce, Situation
from tournaments.models import Progress, Tournament, TournamentDay


@dataclass(frozen=True)
class DayNow:
    """An active day in numbers."""

    in_force: InForce
    events: int
    matches_done: int
    matches_running: int
    next_day: TournamentDay | None

    @property
    def day(self) -> TournamentDay:
        return self.in_force.day


@dataclass(frozen=True)
class Capture:
    """What all listeners together received, stored and missed."""

    received: int
    stored: int
    backlog: int
    drops: int
    blind_seconds: float
    damaged: int

    @classmethod
    def of(cls, nodes: list[ListenerNode]) -> Capture:
        return cls(
            # What a recorder says it received is up to a second older than what is stored.
            received=sum(max(node.received, node.stored) for node in nodes),
            stored=sum(node.stored for node in nodes),
            backlog=sum(node.backlog for node in nodes),
            drops=sum(node.kernel_drops for node in nodes),
            blind_seconds=sum(node.blind_ms for node in nodes) / 1000,
            damaged=sum(node.damaged for node in nodes),
        )


@dataclass
class Today:
    situation: Situation
    days: list[DayNow]
    capture: Capture
    checklist: dict[str, Any] = field(default_factory=dict)

    @property
    def started(self) -> bool:
        return any(day.events for day in self.days)


def load_today() -> Today:
    situation = Situation()
    today = Today(situation, _days(situation.in_force), Capture.of(situation.nodes))
    if not today.started:
        today.checklist = _checklist(situation)
    return today


def _days(in_force: list[InForce]) -> list[DayNow]:
    pks = [item.day.pk for item in in_force]
    events = HourTally.objects.filter(day__in=pks).by("day")
    matches = Match.objects.filter(day__in=pks)
    done = dict(matches.done().order_by().values_list("day").annotate(Count("pk")))
    running = dict(matches.running().order_by().values_list("day").annotate(Count("pk")))
    tournaments = {item.day.tournament_id for item in in_force}
    all_days = list(
        TournamentDay.objects.filter(tournament__in=tournaments)
        .select_related("tournament")
        .order_by("number")
    )
    return [
        DayNow(
            item,
            events.get(item.day.pk, 0),
            done.get(item.day.pk, 0),
            running.get(item.day.pk, 0),
            next_day=next(
                (
                    day
                    for day in all_days
                    if day.tournament_id == item.day.tournament_id and day.number > item.day.number
                ),
                None,
            ),
        )
        for item in in_force
    ]


def _checklist(situation: Situation) -> dict[str, Any]:
    """What `events/_checklist.html` shows: whether each step is done, and what helps doing it."""
    tournaments = list(Tournament.objects.exclude(status=Progress.FINISHED).order_by("start_date")[:5])
    sessions = list(UdpSession.objects.select_related("court").order_by("-id")[:3])
    recording = [node for node in situation.nodes if node.is_recording(situation.now)]
    listening = [address for node in recording for address in node.listen]
    where: list[Target] = targets(listening or settings.INGEST_LISTEN)
    return {
        "tournaments": tournaments,
        "has_tournament": bool(tournaments) or Tournament.objects.exists(),
        "days": _days_to_offer(tournaments),
        "targets": where,
        "ports": sorted({target.port for target in where}),
        "local_only": bool(where) and all(target.local_only for target in where),
        "recording": bool(recording),
        "sessions": sessions,
    }


def _days_to_offer(tournaments: list[Tournament]) -> list[dict[str, Any]]:
    """Days from today on, the nearest first; of a tournament that is over, all."""
    days = TournamentDay.objects.filter(tournament__in=tournaments).select_related("tournament")
    today = {tournament.pk: tournament.today() for tournament in tournaments}
    ahead = [day for day in days if day.date >= today[day.tournament_id]] or list(days)
    ahead.sort(key=lambda day: (day.date, day.tournament_id))
    return [{"day": day, "is_today": day.date == today[day.tournament_id]} for day in ahead[:6]]


def may_see(user: User | AnonymousUser) -> bool:
    return user.has_perm("events.view_pssevent")


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The admin's front page asks here for what it shows."""
    context |= {"title": "Today", "may_see": may_see(request.user)}
    if context["may_see"]:
        context |= page_context(request, load_today())
    return context


def page_context(request: HttpRequest, today: Today) -> dict[str, Any]:
    if today.days:
        timezone.activate(today.days[0].day.tournament.tz)
    shown = banners(request, today.situation)
    return {
        "today": today,
        "next": reverse("admin:index"),
        **shown,
        # This page lists them, so that no banner has to, and not what a banner says.
        "alert_banner": None,
        "open_alerts": untold(shown["open_alerts"], shown["problems"]),
        "may_add_tournament": request.user.has_perm("tournaments.add_tournament"),
    }
