"""The health page: whether all is well in plain words, the figures of now, and how they came to be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from events import losses, measure, series
from events.alerts.showing import may_see_alerts, open_alerts
from events.losses import CourtLedger, ListenerLedger
from events.measure import CourtMeasures, Measures
from events.models import Loss

#: Longer ago than this, and how long since is told as a time.
_LATELY = timedelta(hours=1)
#: The last times of drops and of nobody listening.
LOSSES = 20
PARTS = ("state", "numbers", "courts")


@dataclass(frozen=True)
class Trouble:
    """Something that is not in order, and what to do about it; `page`: the name of the page that helps."""

    text: str
    is_bad: bool
    page: str
    label: str
    advice: str = ""
    acknowledged: bool = False


@dataclass(frozen=True)
class CourtLine:
    """One line of the ledger, with what the court does now where it is in use."""

    ledger: CourtLedger
    now: CourtMeasures | None

    @property
    def sparkline(self) -> list[str]:
        return series.sparkline(self.now.rates) if self.now else []

    @property
    def rate(self) -> float | None:
        """Events a second over the last span that was measured."""
        return (
            next((rate for rate in reversed(self.now.rates) if rate is not None), None) if self.now else None
        )


@require_safe
@permission_required("events.view_pssevent", raise_exception=True)
@never_cache
def health_page(request: HttpRequest) -> HttpResponse:
    """The whole page; the charts ask for their history themselves."""
    context = _context(request)
    measures: Measures = context["measures"]
    context |= {
        **admin.site.each_context(request),
        "title": "Health",
        "ranges": [(key, about.title) for key, about in series.RANGES.items()],
        "listeners": [node.name for node in measures.in_use],
    }
    return TemplateResponse(request, "events/health.html", context)


@require_safe
@permission_required("events.view_pssevent", raise_exception=True)
@never_cache
def health_parts(request: HttpRequest) -> HttpResponse:
    """JSON `{"started": bool, "parts": {element id: HTML}}`, for a page that is open."""
    context = _context(request)
    parts = {
        f"rs-health-{name}": render_to_string(f"events/_health_{name}.html", context, request)
        for name in PARTS
    }
    return JsonResponse({"started": bool(context["measures"].nodes), "parts": parts})


@require_safe
@permission_required("events.view_pssevent", raise_exception=True)
@never_cache
def health_history(request: HttpRequest) -> HttpResponse:
    """JSON: `events.series.read` for `?range=10m|1h|24h|1y`, of the listener `?node=` or of all."""
    about = series.RANGES.get(request.GET.get("range", "1h"))
    if about is None:
        return HttpResponseBadRequest(f"range is one of {', '.join(series.RANGES)}")
    return JsonResponse(series.read(about, timezone.now(), request.GET.get("node", "")[:100]))


def _context(request: HttpRequest) -> dict[str, Any]:
    measures = measure.read()
    if measures.days:
        timezone.activate(measures.days[0].tournament.tz)
    ledgers = losses.read(measures.at)
    return {
        "measures": measures,
        "lately": measures.at - _LATELY,
        "troubles": _troubles(request, measures),
        "listener_ledgers": [
            {"ledger": ledger, "measures": measures.node(ledger.node.name), "lines": _lines(ledger, measures)}
            for ledger in ledgers
        ],
        "losses": list(Loss.objects.order_by("-end", "-id")[:LOSSES]),
        "never_heard": [court.court for court in measures.courts if court.last_heard is None],
        "zone": timezone.get_current_timezone_name(),
    }


def _troubles(request: HttpRequest, measures: Measures) -> list[Trouble]:
    """The open alerts, and what every page says in a banner and is no alert yet; the worst first."""
    problems = measures.situation.problems()
    alerts = open_alerts() if may_see_alerts(request.user) else []
    alerted = {(alert.kind, alert.subject) for alert in alerts}
    troubles = [
        Trouble(problem.text, problem.is_bad, problem.url, problem.label)
        for problem in problems
        if (problem.kind, problem.subject) not in alerted
    ]
    troubles += [
        Trouble(
            alert.text,
            alert.about.urgent,
            alert.about.page,
            alert.about.page_label,
            alert.about.advice,
            acknowledged=not alert.is_unattended(measures.at),
        )
        for alert in alerts
        if not alert.about.can_wait
    ]
    return sorted(troubles, key=lambda trouble: (trouble.acknowledged, not trouble.is_bad))


def _lines(ledger: ListenerLedger, measures: Measures) -> list[CourtLine]:
    now = {court.court.pk: court for court in measures.courts}
    return [CourtLine(line, now.get(line.court.pk) if line.court else None) for line in ledger.courts]
