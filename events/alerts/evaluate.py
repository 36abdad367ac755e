"""One look at everything: readings go through the rules, and what changes is written in one transaction.

While nothing changes nothing is written but the lease. What is only pending is kept in memory: after a
restart a condition has to last for its time once more, which is what the time is for.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Protocol

from django.db import transaction

from events.alerts import outbox
from events.alerts.kinds import KINDS
from events.alerts.reading import Reading
from events.alerts.states import State, Track, step
from events.models import Alert, AlertRule
from events.models_alerts import Occasion

log = logging.getLogger(__name__)

#: How old the figures of an open alert may be.
FIGURES_EVERY = timedelta(seconds=10)
_FIGURES = ["value", "worst", "text", "threshold", "name", "measured_at"]

Key = tuple[str, str]  # kind, subject


class ReadsAll(Protocol):
    def read(self, now: datetime) -> list[Reading]: ...


class Evaluator:
    """Looks when it is told to; `reader` measures. Not thread safe."""

    def __init__(self, reader: ReadsAll) -> None:
        self._reader = reader
        self._pending: dict[Key, Track] = {}

    def look(self, now: datetime) -> bool:
        """One look. Whether there is something to send. DatabaseError when the database does not answer."""
        rules = {rule.kind: rule for rule in AlertRule.objects.filter(enabled=True)}
        alerts = {(alert.kind, alert.subject): alert for alert in Alert.objects.open()}
        readings = {(r.kind, r.subject): r for r in self._reader.read(now) if r.kind in rules}
        changes = _Changes(now)
        pending: dict[Key, Track] = {}
        for key in {*alerts, *readings, *self._pending}:
            alert, reading, rule = alerts.get(key), readings.get(key), rules.get(key[0])
            if rule is None:
                # Switched off: it is over at once.
                if alert:
                    changes.move(alert, Track(State.RESOLVED, now), reading)
                continue
            before = alert.track if alert else self._pending.get(key, Track())
            after = step(before, _is_bad(reading, rule), now, rule.hold)
            if alert:
                changes.move(alert, after, reading)
            elif after.state is State.PENDING:
                pending[key] = after
            elif after.state is State.FIRING and reading:
                began = before.since if before.state is State.PENDING and before.since else now
                changes.begin(reading, rule, began)
        told = changes.write()
        # Only now: had the database refused, the next look must find the same.
        self._pending = pending
        return told


def _is_bad(reading: Reading | None, rule: AlertRule) -> bool | None:
    if reading is None:
        return False
    return rule.about.is_bad(reading.value, rule.threshold) if reading.known else None


class _Changes:
    """What one look changes."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._begun: list[Alert] = []
        self._changed: list[tuple[Alert, list[str]]] = []
        self._tell: list[tuple[Alert, Occasion]] = []

    def begin(self, reading: Reading, rule: AlertRule, began: datetime) -> None:
        alert = Alert(
            kind=reading.kind,
            subject=reading.subject,
            state=State.FIRING,
            since=self.now,
            began_at=min(began, self.now - rule.about.ago(reading.value)),
            fired_at=self.now,
        )
        _take_figures(alert, reading, self.now, rule.threshold)
        self._begun.append(alert)
        self._tell.append((alert, Occasion.FIRING))

    def move(self, alert: Alert, after: Track, reading: Reading | None) -> None:
        fields: list[str] = []
        if after != alert.track:
            assert after.since is not None
            alert.state, alert.since = after.state, after.since
            fields += ["state", "since"]
            if after.state is State.RESOLVED:
                alert.resolved_at = self.now
                fields.append("resolved_at")
                self._tell.append((alert, Occasion.RESOLVED))
        if alert.is_open and reading and reading.known and reading.text:
            fields += self._figures(alert, reading)
        if alert.is_open and alert.snoozed_until is not None and alert.snoozed_until <= self.now:
            alert.snoozed_until = alert.snoozed_by = None
            fields += ["snoozed_until", "snoozed_by"]
            if alert.acknowledged_at is None:
                self._tell.append((alert, Occasion.REMINDER))
        if fields:
            self._changed.append((alert, fields))

    def _figures(self, alert: Alert, reading: Reading) -> list[str]:
        """While it fires, seldom: what rises with each look would otherwise be written with each."""
        fresh = timedelta() <= self.now - alert.measured_at < FIGURES_EVERY
        if fresh or alert.state != State.FIRING:
            return []
        before = alert.text, alert.value
        _take_figures(alert, reading, self.now, alert.threshold)
        return _FIGURES if (alert.text, alert.value) != before else []

    def write(self) -> bool:
        if not (self._begun or self._changed):
            return False
        with transaction.atomic():
            for alert in self._begun:
                alert.save(force_insert=True)
            for alert, fields in self._changed:
                # Of what people change meanwhile, nothing is touched.
                alert.save(update_fields=fields)
            told = outbox.put(self._tell, self.now)
        for alert, occasion in self._tell:
            log.warning("%s: %s. %s", occasion.label, alert, alert.text)
        return told


def _take_figures(alert: Alert, reading: Reading, now: datetime, threshold: float | None) -> None:
    kind = KINDS[reading.kind]
    alert.name = reading.name[:250]
    alert.text = reading.text[:500]
    alert.threshold = threshold
    alert.measured_at = now
    if kind.unit:
        alert.value = reading.value
        if alert.worst is None or kind.is_worse(reading.value, alert.worst):
            alert.worst = reading.value
