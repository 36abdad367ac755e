"""Who, where, when: tournaments and their days, courts, and which day is in force on which court."""

from __future__ import annotations

import zoneinfo
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import slugify
from simple_history.models import HistoricalRecords


def validate_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(f"“{name}” is not a time zone. Examples: Europe/Berlin, Asia/Seoul, UTC.")


def validate_port(port: int) -> None:
    if not 1 <= port <= 65_535:
        raise ValidationError("A UDP port is a number from 1 to 65535.")


def default_time_zone() -> str:
    return str(settings.TIME_ZONE)


class Progress(models.TextChoices):
    """Where a tournament or a day stands."""

    PLANNED = "planned", "Planned"
    RUNNING = "running", "Running"
    FINISHED = "finished", "Finished"


class Tournament(models.Model):
    name = models.CharField(max_length=200)
    slug = models.SlugField(
        max_length=80, unique=True, blank=True, help_text="Made from the name when left empty."
    )
    city = models.CharField(max_length=100, blank=True)
    country = models.CharField(
        max_length=3,
        blank=True,
        validators=[RegexValidator(r"^[A-Z]{3}$", "Three capital letters, as KOR or GER.")],
        help_text="IOC code, as KOR or GER.",
    )
    venue = models.CharField(max_length=200, blank=True)
    start_date = models.DateField("first day")
    end_date = models.DateField("last day")
    time_zone = models.CharField(max_length=64, default=default_time_zone, validators=[validate_time_zone])
    status = models.CharField(max_length=10, choices=Progress, default=Progress.PLANNED)
    notes = models.TextField(blank=True)

    history = HistoricalRecords()

    class Meta:
        ordering = ["-start_date", "name"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Saves, and makes the days of its dates. Days no longer in the dates go, unless they have events."""
        if not self.slug:
            self.slug = free_slug(slugify(self.name)[:70] or "tournament")
        with transaction.atomic():
            super().save(*args, **kwargs)
            self._sync_days()

    def get_absolute_url(self) -> str:
        return reverse("admin:tournaments_tournament_change", args=[self.pk])

    def clean(self) -> None:
        super().clean()
        if not (self.start_date and self.end_date):
            return
        if self.end_date < self.start_date:
            raise ValidationError({"end_date": "The last day is before the first."})
        if (self.end_date - self.start_date).days > 60:
            raise ValidationError({"end_date": "A tournament of more than 60 days? Check the dates."})
        if kept := [day for day in self.days_outside() if day.has_events()]:
            names = ", ".join(str(day.date) for day in kept)
            raise ValidationError(
                f"These days have events and would fall outside the dates: {names}. "
                "Keep them inside, or move their events to another day first."
            )

    @property
    def tz(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    def today(self) -> date:
        """The date it is now where the tournament is."""
        return timezone.localdate(timezone=self.tz)

    def days_outside(self) -> models.QuerySet[TournamentDay]:
        """Days that exist but no longer lie within the dates."""
        if self.pk is None:
            return TournamentDay.objects.none()
        return self.days.exclude(date__range=(self.start_date, self.end_date))

    def _sync_days(self) -> None:
        for day in self.days_outside():
            if day.has_events():
                raise ValidationError(f"Day {day.number} ({day.date}) has events and cannot be removed.")
            day.forget_empty_totals()
            day.delete()
        existing = {day.date: day for day in self.days.all()}
        dates = [self.start_date + timedelta(n) for n in range((self.end_date - self.start_date).days + 1)]
        # Two passes, since (tournament, number) is unique and numbers may swap.
        for day in existing.values():
            TournamentDay.objects.filter(pk=day.pk).update(number=1000 + day.number)
        for number, on in enumerate(dates, start=1):
            if on in existing:
                TournamentDay.objects.filter(pk=existing[on].pk).update(number=number)
            else:
                TournamentDay.objects.create(tournament=self, number=number, date=on)


def free_slug(wanted: str, using: str = "default") -> str:
    """`wanted`, or with a number behind it when another tournament has it."""
    slug, number = wanted, 2
    while Tournament.objects.using(using).filter(slug=slug).exists():
        slug, number = f"{wanted[:70]}-{number}", number + 1
    return slug


class TournamentDay(models.Model):
    tournament = models.ForeignKey(Tournament, on_delete=models.CASCADE, related_name="days")
    number = models.PositiveSmallIntegerField()
    date = models.DateField()
    status = models.CharField(max_length=10, choices=Progress, default=Progress.PLANNED)

    history = HistoricalRecords()

    class Meta:
        ordering = ["tournament", "number"]
        constraints = [
            models.UniqueConstraint(fields=["tournament", "number"], name="day_number_unique"),
            models.UniqueConstraint(fields=["tournament", "date"], name="day_date_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.tournament} · day {self.number} ({date_format(self.date, 'D j M')})"

    def get_absolute_url(self) -> str:
        return reverse("admin:tournaments_tournamentday_change", args=[self.pk])

    def has_events(self) -> bool:
        # Reverse accessors, so that this app need not know the one above it; with the tournament, which
        # is what the indexes of both tables start with.
        mine = {"tournament": self.tournament_id}
        return (
            self.matches.exists()
            or self.events.filter(**mine).exists()
            or self.archived_events.filter(**mine).exists()
        )

    def forget_empty_totals(self) -> None:
        """Deletes the totals of events that have since been moved away, so that the day can be deleted."""
        self.tallies.filter(events=0).delete()
        self.hour_tallies.filter(events=0).delete()

    def is_today(self) -> bool:
        return self.date == self.tournament.today()


class Court(models.Model):
    """A mat and the scoring system beside it, told apart by the port it sends to and its address."""

    number = models.PositiveSmallIntegerField(unique=True)
    name = models.CharField(max_length=100, blank=True)
    port = models.PositiveIntegerField(
        "UDP port",
        null=True,
        blank=True,
        validators=[validate_port],
        help_text="The port it sends to; empty means any.",
    )
    source = models.GenericIPAddressField("source address", unpack_ipv4=True, null=True, blank=True)
    active = models.BooleanField(default=True, help_text="Shown on Today and Live.")

    history = HistoricalRecords()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["port", "source"], name="court_sender_unique"),
        ]

    def __str__(self) -> str:
        return self.name or f"Court {self.number}"

    def get_absolute_url(self) -> str:
        return reverse("admin:tournaments_court_change", args=[self.pk])


class InForceManager(models.Manager["ContextChange"]):
    """Leaves out what came back from a backup."""

    def get_queryset(self) -> models.QuerySet[ContextChange]:
        return super().get_queryset().filter(restored=False)


class ContextChange(models.Model):
    """From `effective_at` on, what `court` (or every court) sends belongs to `day` (or to none).

    Append-only. The change in force on a court at a moment is the last one at or before it that
    names the court or all courts. Written by `tournaments.context`.
    """

    court = models.ForeignKey(
        Court,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="context_changes",
        help_text="Empty means all courts.",
    )
    day = models.ForeignKey(
        TournamentDay,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="context_changes",
        help_text="Empty means none.",
    )
    effective_at = models.DateTimeField(db_index=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    restored = models.BooleanField(
        default=False, editable=False, help_text="Came back from a backup: history, and never in force."
    )

    # The first is the default: what is restored must not decide where events go.
    objects = InForceManager()
    everything = models.Manager["ContextChange"]()

    class Meta:
        ordering = ["-effective_at", "-id"]
        permissions = [("set_context", "Can choose the active day")]

    def __str__(self) -> str:
        return f"{self.court or 'All courts'}: {self.day or 'no day'}"
