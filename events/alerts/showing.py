"""Alerts as the pages show them: the banner of every page, and what the live page rings for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

from events.alerts.states import State
from events.models import Alert
from events.situation import Problem, Situation


@dataclass(frozen=True)
class Banner:
    """`count` alerts that somebody has to see to; `text` says the worst that no other banner says."""

    count: int
    text: str
    is_bad: bool


def banners(request: HttpRequest, situation: Situation) -> dict[str, Any]:
    """What `events/_problems.html` shows to this user."""
    problems = situation.problems()
    alerts = open_alerts() if may_see_alerts(request.user) else []
    return {
        "problems": problems,
        "alert_banner": banner(alerts, problems, situation.now),
        "open_alerts": alerts,
        "may_set": request.user.has_perm("tournaments.set_context"),
    }


def may_see_alerts(user: User | AnonymousUser) -> bool:
    return user.has_perm("events.view_alert")


def open_alerts(*people: str) -> list[Alert]:
    """The most urgent first; one query, which also fetches these users, as `acknowledged_by`."""
    alerts = Alert.objects.open()
    return sorted(alerts.select_related(*people) if people else alerts, key=lambda alert: alert.urgency)


def untold(alerts: Iterable[Alert], problems: Collection[Problem]) -> list[Alert]:
    """The alerts that no banner of a problem says already."""
    told = {(problem.kind, problem.subject) for problem in problems}
    return [alert for alert in alerts if (alert.kind, alert.subject) not in told]


def banner(alerts: Iterable[Alert], problems: Collection[Problem], now: datetime) -> Banner | None:
    """None when nobody has to do anything now. `problems` have banners of their own, with a button."""
    waiting = [alert for alert in alerts if alert.is_unattended(now) and not alert.about.can_wait]
    if not waiting:
        return None
    count = len(waiting)
    number = "1 alert is open." if count == 1 else f"{count} alerts are open."
    worst = min(untold(waiting, problems), key=lambda alert: alert.urgency, default=None)
    text = number if worst is None else worst.text if count == 1 else f"{number} {worst.text}"
    return Banner(count, text, any(alert.about.urgent for alert in waiting))


def live_status(alerts: Iterable[Alert], now: datetime) -> dict[str, Any]:
    """For the live page: how many are open, and the keys of those it rings for."""
    waiting = [alert for alert in alerts if alert.is_unattended(now)]
    return {
        "open": len(waiting),
        "ringing": [
            alert.pk for alert in waiting if alert.about.urgent and alert.state == State.FIRING.value
        ],
    }
