"""Totals of events, kept beside them, so that no page ever counts the events themselves."""

from __future__ import annotations

from django.db import models

from events.kinds import Kind, Status
from events.querysets import EventTallyQuerySet, HourTallyQuerySet
from tournaments.models import Court, TournamentDay


class EventTally(models.Model):
    """Totals of events, kept by the importer in the transaction that stores them.

    A total is always a sum over rows: two listeners may each have a row for the same key.
    """

    day = models.ForeignKey(
        TournamentDay, on_delete=models.PROTECT, null=True, related_name="tallies", db_index=False
    )
    court = models.ForeignKey(Court, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    match = models.ForeignKey("events.Match", on_delete=models.PROTECT, null=True, related_name="tallies")
    kind = models.CharField(max_length=16, choices=Kind)
    status = models.CharField(max_length=10, choices=Status)
    minute = models.DateTimeField()
    events = models.PositiveBigIntegerField(default=0)
    processing_ms_sum = models.FloatField(default=0)
    processing_ms_max = models.FloatField(default=0)

    objects = EventTallyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "event tallies"
        indexes = [
            models.Index(fields=["day", "court", "minute"], name="tally_day_court_minute"),
            models.Index(fields=["minute"], name="tally_minute"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status}: {self.events}"


class HourTally(models.Model):
    """`EventTally` summed over matches and kinds by the hour (UTC), for totals of whole days.

    A day of sixteen courts has some hundred rows, where `EventTally` has 60,000. Kept in the same
    transactions, so that both always say the same; again a total is a sum over rows.
    """

    day = models.ForeignKey(
        TournamentDay, on_delete=models.PROTECT, null=True, related_name="hour_tallies", db_index=False
    )
    court = models.ForeignKey(Court, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    status = models.CharField(max_length=10, choices=Status)
    hour = models.DateTimeField()
    events = models.PositiveBigIntegerField(default=0)
    points = models.PositiveBigIntegerField(default=0, help_text="Events of the kind point.")
    processing_ms_sum = models.FloatField(default=0)
    processing_ms_max = models.FloatField(default=0)

    objects = HourTallyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "hourly tallies"
        indexes = [
            models.Index(fields=["day", "hour"], name="hour_tally_day_hour"),
            models.Index(fields=["hour"], name="hour_tally_hour"),
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H} {self.status}: {self.events}"
