"""Alerts: the rules that staff may change, the episodes, and the messages about them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from simple_history.models import HistoricalRecords

from events.alerts.kinds import KINDS, ORDER, Kind
from events.alerts.states import OPEN, Hold, State, Track
from events.words import duration_text

_KIND_CHOICES = [(kind.key, kind.title) for kind in KINDS.values()]
_LONGEST_HOLD_S = 3_600


def _seconds(help_text: str) -> models.PositiveIntegerField[int, int]:
    return models.PositiveIntegerField(
        help_text=f"Seconds, up to {_LONGEST_HOLD_S:,}. {help_text}",
        validators=[MaxValueValidator(_LONGEST_HOLD_S)],
    )


class AlertRule(models.Model):
    """When a kind becomes an alert. One row for each kind, made by the migrations."""

    kind = models.CharField(max_length=20, unique=True, choices=_KIND_CHOICES, editable=False)
    enabled = models.BooleanField("on", default=True)
    threshold = models.FloatField(
        "limit", null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(1e9)]
    )
    hold_s = _seconds("So long it must last before it is an alert.")
    recover_s = _seconds("So long it must be in order before it is over.")

    history = HistoricalRecords()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.about.title

    def clean(self) -> None:
        if self.about.unit and self.threshold is None:
            raise ValidationError({"threshold": "Give a limit; to be told nothing, switch the rule off."})
        if self.about.unit.startswith("%") and self.threshold is not None and self.threshold > 100:
            raise ValidationError({"threshold": "No more than 100 % of anything can be."})

    @property
    def about(self) -> Kind:
        return KINDS[self.kind]

    @property
    def hold(self) -> Hold:
        return Hold(self.hold_s, self.recover_s)

    @property
    def limit(self) -> str:
        """The threshold in words; '' where there is none."""
        if not self.about.unit or self.threshold is None:
            return ""
        return f"{'below' if self.about.below else 'more than'} {self.about.with_unit(self.threshold)}"


class AlertQuerySet(models.QuerySet["Alert"]):
    def open(self) -> AlertQuerySet:
        return self.filter(state__in=OPEN)

    def unattended(self, now: datetime) -> AlertQuerySet:
        """Open, and neither acknowledged nor snoozed."""
        return (
            self.open()
            .filter(acknowledged_at=None)
            .exclude(snoozed_until__isnull=False, snoozed_until__gt=now)
        )


class Alert(models.Model):
    """One episode, from firing to resolved. Written by the watcher; people acknowledge and snooze.

    `value` and `worst` are in the unit of the kind and may be a few seconds old; `began_at` is when
    the condition was first seen, or when the silence that it tells of began. `subject` names a row that
    may be gone by now, so `name` says what it was.
    """

    kind = models.CharField(max_length=20, choices=_KIND_CHOICES)
    subject = models.CharField(max_length=80, blank=True)
    name = models.CharField(max_length=250, blank=True)
    state = models.CharField(max_length=10, choices=State)
    since = models.DateTimeField(help_text="Of the state.")
    text = models.CharField(max_length=500)
    threshold = models.FloatField(null=True)
    value = models.FloatField(null=True)
    worst = models.FloatField(null=True)
    began_at = models.DateTimeField()
    fired_at = models.DateTimeField()
    measured_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    note = models.CharField(max_length=500, blank=True)
    snoozed_until = models.DateTimeField(null=True)
    snoozed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-fired_at", "-id"]
        permissions = [("acknowledge_alert", "Can acknowledge and snooze alerts")]
        constraints = [
            # Should two watchers ever meet, the second one's insert fails.
            models.UniqueConstraint(
                fields=["kind", "subject"], name="alert_open_once", condition=models.Q(state__in=OPEN)
            )
        ]
        indexes = [models.Index(fields=["-fired_at", "-id"], name="alert_fired")]

    def __str__(self) -> str:
        return f"{self.about.title}: {self.name}" if self.name else self.about.title

    @property
    def about(self) -> Kind:
        return KINDS[self.kind]

    @property
    def track(self) -> Track:
        return Track(State(self.state), self.since)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    def is_snoozed(self, now: datetime | None = None) -> bool:
        return self.snoozed_until is not None and self.snoozed_until > (now or timezone.now())

    def is_unattended(self, now: datetime | None = None) -> bool:
        """Whether somebody still has to see to it."""
        return self.is_open and self.acknowledged_at is None and not self.is_snoozed(now)

    @property
    def urgency(self) -> tuple[bool, int, datetime]:
        """Sorts the most urgent first."""
        return not self.about.urgent, ORDER[self.kind], self.fired_at

    @property
    def lasted(self) -> str:
        """In words, since it began; until now when it is open."""
        lasted = (self.resolved_at or timezone.now()) - self.began_at
        return duration_text(lasted / timedelta(milliseconds=1))

    @property
    def worst_in_words(self) -> str:
        return self.about.with_unit(self.worst)

    @property
    def limit_in_words(self) -> str:
        return self.about.with_unit(self.threshold)


class Channel(models.TextChoices):
    """Who is told beside the pages."""

    WEBHOOK = "webhook", "Webhook"
    EMAIL = "email", "E-mail"


class Occasion(models.TextChoices):
    """Why a message is sent."""

    FIRING = "firing", "Alert"
    REMINDER = "reminder", "Still, after the snooze"
    RESOLVED = "resolved", "Over"
    TEST = "test", "Test"


class AlertDelivery(models.Model):
    """A message to a receiver, kept until it has arrived or was given up.

    `key` travels with it: a receiver that gets it twice, since we died before its answer was noted,
    can tell.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True)
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, null=True, related_name="deliveries")
    channel = models.CharField(max_length=10, choices=Channel)
    occasion = models.CharField(max_length=10, choices=Occasion)
    message = models.JSONField()
    made_at = models.DateTimeField()
    next_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    gave_up_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "alert deliveries"
        indexes = [
            models.Index(
                fields=["channel", "next_at"],
                name="delivery_waiting",
                condition=models.Q(sent_at=None, gave_up_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}: {self.get_occasion_display()}"

    @property
    def state_in_words(self) -> str:
        if self.sent_at is not None:
            return "arrived"
        return "given up" if self.gave_up_at is not None else "waiting"


class AlertWatch(models.Model):
    """Who watches: one row, claimed by one process and renewed by it (`events.alerts.lease`)."""

    holder = models.UUIDField(null=True)
    host = models.CharField(max_length=100, blank=True)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "alert watches"

    def __str__(self) -> str:
        return self.host or "nobody"
