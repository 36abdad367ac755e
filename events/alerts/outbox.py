"""Messages to the receivers: put down in the transaction that changes an alert, sent later.

A receiver that does not answer is tried again, after longer and longer pauses, for a day. However long it
is away, no more than `MOST_WAITING` messages wait for it: the oldest are given up first, since the newest
say best how things stand.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from events.alerts import receivers
from events.models import Alert, AlertDelivery
from events.models_alerts import Channel, Occasion

log = logging.getLogger(__name__)

MOST_WAITING = 100
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 5, 900
GIVEN_UP_AFTER = timedelta(days=1)
#: While one process sends it, no other does; longer than a receiver may take.
CLAIMED_FOR = timedelta(seconds=60)
KEPT = timedelta(days=30)


def put(told: Sequence[tuple[Alert, Occasion]], now: datetime) -> bool:
    """A message for each occasion and each receiver that is configured. Whether there are any."""
    channels = receivers.configured()
    made = [
        AlertDelivery(
            alert=alert,
            channel=channel,
            occasion=occasion,
            message=_message(alert, occasion, now),
            made_at=now,
            next_at=now,
        )
        for alert, occasion in told
        for channel in channels
    ]
    AlertDelivery.objects.bulk_create(made)
    for channel in channels if made else ():
        _give_up_the_oldest(channel, now)
    return bool(made)


def put_test(now: datetime) -> int:
    """A test message for each receiver; how many there are."""
    channels = receivers.configured()
    for channel in channels:
        AlertDelivery.objects.create(
            channel=channel,
            occasion=Occasion.TEST,
            message=test_message(now),
            made_at=now,
            next_at=now,
        )
    return len(channels)


def send_due(channel: Channel, now: datetime | None = None) -> int:
    """Sends what is due to one receiver; how many were tried. Never raises for what a receiver does."""
    now = now or timezone.now()
    waiting = AlertDelivery.objects.filter(channel=channel, sent_at=None, gave_up_at=None, next_at__lte=now)
    tried = 0
    for delivery in list(waiting.order_by("id")[:20]):
        # Whoever changes the row sends it; a process that dies now leaves it for a minute later.
        claimed = AlertDelivery.objects.filter(
            pk=delivery.pk, attempts=delivery.attempts, sent_at=None, gave_up_at=None
        ).update(attempts=F("attempts") + 1, next_at=timezone.now() + CLAIMED_FOR)
        if claimed:
            delivery.attempts += 1
            _attempt(delivery)
            tried += 1
    return tried


def prune(now: datetime) -> None:
    """Forgets messages of long ago; the alerts themselves stay."""
    AlertDelivery.objects.filter(made_at__lt=now - KEPT).delete()


def _attempt(delivery: AlertDelivery) -> None:
    try:
        receivers.send(Channel(delivery.channel), delivery.key, delivery.message)
    except receivers.NotDeliveredError as error:
        delivery.error = str(error)[:300]
        after = timezone.now()
        if after - delivery.made_at > GIVEN_UP_AFTER or delivery.occasion == Occasion.TEST:
            delivery.gave_up_at = after
        pause = min(SHORTEST_PAUSE_S * 2 ** min(delivery.attempts - 1, 12), LONGEST_PAUSE_S)
        delivery.next_at = after + timedelta(seconds=pause)
        log.warning("%s not delivered, attempt %s: %s", delivery, delivery.attempts, error)
    else:
        delivery.sent_at, delivery.error = timezone.now(), ""
    delivery.save(update_fields=["sent_at", "gave_up_at", "next_at", "error"])


def _give_up_the_oldest(channel: Channel, now: datetime) -> None:
    waiting = AlertDelivery.objects.filter(channel=channel, sent_at=None, gave_up_at=None)
    newest = waiting.order_by("-id").values_list("pk", flat=True)
    if (last := next(iter(newest[MOST_WAITING - 1 : MOST_WAITING]), None)) is not None:
        waiting.filter(pk__lt=last).update(gave_up_at=now, error="Too many were waiting.")


def _message(alert: Alert, occasion: Occasion, now: datetime) -> dict[str, Any]:
    """What a receiver is told; times as ISO 8601 in UTC, figures in `unit`."""
    kind = alert.about
    return {
        "occasion": occasion.value,
        "alert": alert.pk,
        "kind": alert.kind,
        "title": kind.title,
        "subject": alert.name,
        "urgent": kind.urgent,
        "text": alert.text,
        "advice": kind.advice,
        "value": alert.value,
        "worst": alert.worst,
        "limit": alert.threshold if kind.unit else None,
        "unit": kind.unit,
        "began_at": alert.began_at.isoformat(),
        "fired_at": alert.fired_at.isoformat(),
        "resolved_at": alert.resolved_at.isoformat() if alert.resolved_at else None,
        "sent_at": now.isoformat(),
    }


def test_message(now: datetime) -> dict[str, Any]:
    return {
        "occasion": Occasion.TEST.value,
        "title": "Test",
        "text": "This is a test. Alerts of reStrike VTA arrive here.",
        "urgent": False,
        "sent_at": now.isoformat(),
    }
