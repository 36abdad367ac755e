"""Events that were put aside: as rows half the size, from which the events come back identical."""

from __future__ import annotations

import platform
from typing import Any

import psutil
from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from events.kinds import Kind, Side, Status
from tournaments.models import Court, Tournament, TournamentDay


class ArchivedReading(models.Model):
    """What the parser of the day made of a message, beside its numbers; once for all that read alike.

    Hundreds of thousands of events share a few thousand readings. Written and looked up by
    `events.archive.slices`; `digest` is what it is found by.
    """

    # Four bytes: every archived event carries one.
    id = models.AutoField(primary_key=True)
    stream = models.CharField("code", max_length=16)
    kind = models.CharField(max_length=16, choices=Kind)
    details = models.JSONField(default=dict)
    error = models.CharField(max_length=200, blank=True)
    digest = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["digest"], name="reading_digest")]

    def __str__(self) -> str:
        return f"{self.stream or self.kind}"


class ArchivedPssEventQuerySet(models.QuerySet["ArchivedPssEvent"]):
    def for_day(self, day: TournamentDay) -> ArchivedPssEventQuerySet:
        # Both columns, since the index starts with the tournament.
        return self.filter(tournament_id=day.tournament_id, day=day)

    def without_ticks(self) -> ArchivedPssEventQuerySet:
        ticks = models.Q(reading__kind__in=[Kind.CLOCK, Kind.BREAK], reading__details__action__isnull=True)
        return self.exclude(ticks | models.Q(reading__kind=Kind.ECHO))

    def as_events(self) -> ArchivedPssEventQuerySet:
        """With what every reader of an event asks for, so that it costs no query a row."""
        return self.select_related("reading")


class ArchivedPssEvent(models.Model):
    """An event in the archive; in everything that is read of it like the `PssEvent` it was.

    `id` and every other column are those of the event. `own_details` are its details where it shares
    them with no other (the links between a hit and a point); otherwise they are its reading's.
    """

    # Always given; the type makes it the row's own number on SQLite, which costs no index.
    id = models.BigAutoField(primary_key=True)
    # As in the live table no key is looked up again: all come from rows that are there.
    session = models.ForeignKey(
        "events.UdpSession", on_delete=models.PROTECT, db_index=False, db_constraint=False, related_name="+"
    )
    sequence = models.PositiveBigIntegerField()
    court = models.ForeignKey(
        Court, on_delete=models.PROTECT, null=True, db_index=False, db_constraint=False, related_name="+"
    )
    tournament = models.ForeignKey(
        Tournament,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        db_constraint=False,
        related_name="archived_events",
    )
    day = models.ForeignKey(
        TournamentDay,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        db_constraint=False,
        related_name="archived_events",
    )
    match = models.ForeignKey(
        "events.Match",
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        db_constraint=False,
        related_name="archived_events",
    )
    reading = models.ForeignKey(
        ArchivedReading, on_delete=models.PROTECT, db_index=False, db_constraint=False, related_name="+"
    )
    athlete = models.PositiveSmallIntegerField(choices=Side, default=Side.NONE)
    value = models.IntegerField(null=True)
    round = models.PositiveSmallIntegerField(null=True)
    clock_ms = models.IntegerField(null=True)
    own_details = models.JSONField(null=True)
    raw = models.TextField()
    status = models.CharField(max_length=10, choices=Status)
    received_at = models.DateTimeField()
    processing_ms = models.FloatField(default=0)

    objects = ArchivedPssEventQuerySet.as_manager()

    class Meta:
        verbose_name = "archived event"
        # The id alone keeps an event from being there twice: that of (session, sequence), which the live
        # rows have too, would be a seventh of the room.
        indexes = [
            models.Index(fields=["tournament", "day", "received_at"], name="archived_day_received"),
            models.Index(fields=["match"], name="archived_match"),
        ]

    def __str__(self) -> str:
        return f"{self.stream or self.kind} · {self.received_at:%H:%M:%S.%f}"[:-5]

    def get_absolute_url(self) -> str:
        """The page it had as a live event."""
        return reverse("admin:events_pssevent_change", args=[self.pk])

    @property
    def stream(self) -> str:
        return self.reading.stream

    @property
    def kind(self) -> str:
        return self.reading.kind

    @property
    def details(self) -> dict[str, Any]:
        own: dict[str, Any] | None = self.own_details
        shared: dict[str, Any] = self.reading.details
        return shared if own is None else own

    @property
    def error(self) -> str:
        return self.reading.error

    def get_kind_display(self) -> str:
        return self.reading.get_kind_display()


class ArchiveRun(models.Model):
    """One time that events were archived or brought back: how far it is, what came of it, who asked.

    The name of the tournament stays when the tournament goes. `events` counts up as slices are
    committed; `seen_at` says that somebody still works on it.
    """

    class Direction(models.TextChoices):
        ARCHIVE = "archive", "Archive"
        BRING_BACK = "bring_back", "Bring back"

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        STOPPED = "stopped", "Stopped"

    direction = models.CharField(max_length=10, choices=Direction)
    tournament_key = models.PositiveBigIntegerField(
        null=True, db_index=True, help_text="Empty: whatever was old, or belongs to no tournament."
    )
    tournament_name = models.CharField("tournament", max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    total = models.PositiveBigIntegerField(default=0)
    events = models.PositiveBigIntegerField(default=0)
    bytes_before = models.PositiveBigIntegerField(default=0)
    bytes_after = models.PositiveBigIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    host = models.CharField(max_length=100, blank=True)
    pid = models.PositiveIntegerField(default=0)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        permissions = [("archive_events", "Can archive events and bring them back")]

    def __str__(self) -> str:
        return f"{self.get_direction_display()}: {self.tournament_name or 'old events'}"

    @property
    def is_running(self) -> bool:
        """Whether somebody works on it. A process that was killed is gone here, and silent elsewhere."""
        if self.state != self.State.RUNNING:
            return False
        if self.host == platform.node() and not psutil.pid_exists(self.pid):
            return False
        return (timezone.now() - self.seen_at).total_seconds() < 60

    @property
    def percent(self) -> int:
        return min(100 * self.events // self.total, 100) if self.total else 0

    @property
    def saved_percent(self) -> int:
        """How much less room the events take in the archive than among the live ones."""
        large, small = max(self.bytes_before, self.bytes_after), min(self.bytes_before, self.bytes_after)
        return round(100 * (large - small) / large) if large else 0

    @property
    def seconds_left(self) -> int | None:
        worked = (self.seen_at - self.started_at).total_seconds()
        if not self.events or worked <= 0:
            return None
        return round(max(self.total - self.events, 0) * worked / self.events)
