"""A recording that is played again. The row is all there is of it: every process works out the rest."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone

# So many at once: each process with viewers reads each of them.
MOST_REPLAYS = 4
SPEEDS = (1, 2, 5, 10, 20)
# Nobody has watched it for so long: it is over.
FORGOTTEN_AFTER = timedelta(minutes=10)
WATCHED_EVERY = timedelta(minutes=1)


class ReplayQuerySet(models.QuerySet["Replay"]):
    def forget(self) -> None:
        """Removes those that nobody has watched for a while."""
        self.filter(watched_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()


class Replay(models.Model):
    """A match, or a file of recorded datagrams, being played again.

    At `anchor_at` it stood at `position_ms` of `duration_ms`; since then it runs at `speed`, or stands still.
    What is shown at a moment follows from that and the recording alone, so web processes need not agree.
    """

    name = models.CharField(max_length=200)
    match = models.ForeignKey(
        "events.Match", on_delete=models.CASCADE, null=True, blank=True, related_name="played_again"
    )
    file = models.CharField(max_length=255, blank=True, help_text="As `events.replay.files` names it.")
    duration_ms = models.PositiveBigIntegerField(default=0)
    speed = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(20)]
    )
    paused = models.BooleanField(default=False)
    position_ms = models.PositiveBigIntegerField(default=0)
    anchor_at = models.DateTimeField(default=timezone.now)
    watched_at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = ReplayQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"Replay of {self.name}"

    def get_absolute_url(self) -> str:
        return reverse("replay", args=[self.pk])

    def begin(self, duration_ms: int) -> None:
        """Plays from the start, now that its length is known; of several processes the first one counts."""
        unknown = Replay.objects.filter(pk=self.pk, duration_ms=0)
        unknown.update(duration_ms=duration_ms, anchor_at=timezone.now())
        self.refresh_from_db(fields=["duration_ms", "anchor_at"])

    def mark_watched(self) -> None:
        """Somebody watches it now; written once a minute."""
        now = timezone.now()
        if now - self.watched_at >= WATCHED_EVERY:
            Replay.objects.filter(pk=self.pk).update(watched_at=now)

    def position(self, now: datetime | None = None) -> int:
        """Where it stands, ms from its first message."""
        gone = timedelta(0) if self.paused else (now or timezone.now()) - self.anchor_at
        return self._within(self.position_ms + round(gone.total_seconds() * 1000 * self.speed))

    def runs(self) -> bool:
        """Neither held nor at its end."""
        return not self.paused and self.position() < self.duration_ms

    def set(
        self, *, speed: int | None = None, paused: bool | None = None, position: int | None = None
    ) -> None:
        """Changes how it plays, from where it stands now; saves."""
        now = timezone.now()
        self.position_ms = self.position(now) if position is None else self._within(position)
        self.anchor_at = now
        self.speed = speed or self.speed
        self.paused = self.paused if paused is None else paused
        self.save(update_fields=["position_ms", "anchor_at", "speed", "paused"])

    def told(self) -> dict[str, Any]:
        """How it stands, for pages: times in ms."""
        return {
            "id": self.pk,
            "name": self.name,
            "position": self.position(),
            "duration": self.duration_ms,
            "speed": self.speed,
            "paused": self.paused,
        }

    def _within(self, position: int) -> int:
        return min(max(position, 0), self.duration_ms)
