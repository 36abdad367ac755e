"""The Alerts page: what is open and what to do about it, what was, the rules, and who is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.defaultfilters import pluralize
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from events.alerts import lease, outbox, receivers
from events.alerts.showing import banners, open_alerts
from events.asked import key_of, signed_in, whole_number
from events.models import Alert, AlertDelivery, AlertRule
from events.situation import Situation
from tournaments.views import back

HISTORY = 20
DELIVERIES = 10
#: Minutes for which an alert can be snoozed.
SNOOZES = {10: "10 minutes", 30: "30 minutes", 60: "1 hour", 240: "4 hours"}
LONGEST_NOTE = Alert._meta.get_field("note").max_length


@require_GET
@permission_required("events.view_alert", raise_exception=True)
@never_cache
def alerts_page(request: HttpRequest) -> HttpResponse:
    history = list(Alert.objects.exclude(resolved_at=None).select_related("acknowledged_by")[: HISTORY + 1])
    shown = banners(request, Situation())
    told = {(alert.kind, alert.subject) for alert in shown["open_alerts"]}
    context = {
        **admin.site.each_context(request),
        "title": "Alerts",
        **_open(request),
        **shown,
        # The page itself says all of it, but what is no alert yet.
        "problems": [problem for problem in shown["problems"] if (problem.kind, problem.subject) not in told],
        "alert_banner": None,
        "history": history[:HISTORY],
        "has_more": len(history) > HISTORY,
        "rules": AlertRule.objects.all(),
        "receivers": [(channel.label, receivers.described(channel)) for channel in receivers.configured()],
        "deliveries": AlertDelivery.objects.select_related("alert")[:DELIVERIES],
        "may_change": request.user.has_perm("events.change_alertrule"),
    }
    return TemplateResponse(request, "events/alerts/page.html", context)


@require_GET
@permission_required("events.view_alert", raise_exception=True)
@never_cache
def alerts_open(request: HttpRequest) -> HttpResponse:
    """The open ones alone, drawn anew, for the page's script."""
    return render(request, "events/alerts/_open.html", _open(request))


@require_POST
@permission_required("events.acknowledge_alert", raise_exception=True)
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody has seen it and sees to it: it is quiet until it is over. Fields: `note`, `next`."""
    alert = get_object_or_404(Alert, pk=pk)
    note = _note(request)
    # One update, so that of two people one is told that the other was first.
    done = (
        Alert.objects.open()
        .filter(pk=pk, acknowledged_at=None)
        .update(
            acknowledged_at=timezone.now(),
            acknowledged_by=signed_in(request),
            note=note,
            snoozed_until=None,
            snoozed_by=None,
        )
    )
    if done:
        _log(request, alert, f"Acknowledged. {note}".strip())
        messages.success(request, f"Acknowledged: {alert}. It is quiet until it is over.")
    else:
        alert.refresh_from_db()
        if alert.acknowledged_at is None:
            messages.info(request, f"It is over already: {alert}.")
        else:
            messages.info(
                request, f"It was acknowledged already, by {alert.acknowledged_by or 'somebody'}: {alert}."
            )
    return back(request, "alerts")


@require_POST
@permission_required("events.acknowledge_alert", raise_exception=True)
def acknowledge_all(request: HttpRequest) -> HttpResponse:
    """The same for all that the person saw, as when a hall is switched off. Fields: `alert` …, `note`."""
    seen = [key_of(pk) for pk in request.POST.getlist("alert")]
    note = _note(request)
    with transaction.atomic():
        alerts = list(Alert.objects.unattended(timezone.now()).filter(pk__in=seen).select_for_update())
        Alert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(
            acknowledged_at=timezone.now(), acknowledged_by=signed_in(request), note=note
        )
        if alerts:
            said = f"Acknowledged. {note}".strip()
            LogEntry.objects.log_actions(signed_in(request).pk, alerts, CHANGE, said)
    if alerts:
        number = len(alerts)
        messages.success(
            request, f"Acknowledged: {number} alert{pluralize(number)}. Quiet until they are over."
        )
    else:
        messages.info(request, "They are over or acknowledged already.")
    return back(request, "alerts")


@require_POST
@permission_required("events.acknowledge_alert", raise_exception=True)
def snooze(request: HttpRequest, pk: int) -> HttpResponse:
    """Quiet for some time, then it is told again. Fields: `minutes` (one of `SNOOZES`; 0 ends it), `next`."""
    alert = get_object_or_404(Alert, pk=pk)
    minutes = whole_number(request.POST.get("minutes"))
    if minutes != 0 and minutes not in SNOOZES:
        messages.error(request, "Nothing was changed. Choose how long it is to be quiet.")
        return back(request, "alerts")
    until = timezone.now() + timedelta(minutes=minutes) if minutes else None
    user = signed_in(request) if minutes else None
    done = (
        Alert.objects.open().filter(pk=pk, acknowledged_at=None).update(snoozed_until=until, snoozed_by=user)
    )
    if not done:
        messages.info(request, f"It is over or acknowledged already: {alert}.")
    elif until is None:
        _log(request, alert, "Snooze ended.")
        messages.success(request, f"Told again: {alert}.")
    else:
        at = date_format(timezone.localtime(until), "H:i")
        _log(request, alert, f"Snoozed until {at}.")
        messages.success(request, f"Quiet until {at}: {alert}.")
    return back(request, "alerts")


@require_POST
@permission_required("events.change_alertrule", raise_exception=True)
def send_test(request: HttpRequest) -> HttpResponse:
    """A test message to each receiver; the watcher sends it, so this tells whether all of it works."""
    now = timezone.now()
    if lease.watcher(now) is None:
        messages.error(request, "Nobody looks for alerts at the moment, so nothing would be sent.")
    elif outbox.put_test(now):
        messages.success(request, "The test is on its way. Reload in a moment to see whether it arrived.")
    else:
        messages.error(request, "There is no receiver. Set ALERT_WEBHOOK_URL or ALERT_EMAIL_TO.")
    return back(request, "alerts")


def _open(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    alerts = open_alerts("acknowledged_by", "snoozed_by")
    waiting = [alert for alert in alerts if alert.is_unattended(now)]
    return {
        "waiting": waiting,
        "attended": [alert for alert in alerts if alert not in waiting],
        "watcher": lease.watcher(now),
        "snoozes": SNOOZES,
        "may_acknowledge": request.user.has_perm("events.acknowledge_alert"),
    }


def _note(request: HttpRequest) -> str:
    return " ".join(request.POST.get("note", "").replace("\0", "").split())[:LONGEST_NOTE]


def _log(request: HttpRequest, alert: Alert, message: str) -> None:
    LogEntry.objects.log_actions(signed_in(request).pk, [alert], CHANGE, message, single_object=True)
