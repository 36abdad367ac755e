"""Screens that are opened without signing in: overlays of the stream, and the wall in the hall."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone
from simple_history.models import HistoricalRecords

from tournaments.models import Court

# Being connected is written at most this often, for all screens of a web process in one statement.
SEEN_EVERY = timedelta(minutes=1)


class View(models.TextChoices):
    SCOREBOARD = "scoreboard", "Scoreboard"
    LOWER_THIRD = "lower-third", "Lower third"
    WALL = "wall", "Wall: all courts"


class WhenStale(models.TextChoices):
    HIDE = "hide", "Transparent"
    DIM = "dim", "Dimmed"
    HOLD = "hold", "As it was"


def new_seed() -> str:
    """128 random bits."""
    return secrets.token_urlsafe(16)


def _signer() -> signing.Signer:
    return signing.Signer(salt="events.display", sep=".")


class DisplayQuerySet(models.QuerySet["Display"]):
    def open(self) -> DisplayQuerySet:
        return self.filter(revoked_at=None)

    def by_key(self, key: str) -> Display | None:
        """The screen that `key`, of an address, opens; None for one that is wrong or revoked."""
        try:
            seed = _signer().unsign(key)
        except signing.BadSignature:
            return None
        return self.open().select_related("court").filter(seed=seed).first()

    def mark_seen(self) -> None:
        self.update(seen_at=timezone.now(), left_at=None)

    def mark_left(self) -> None:
        self.update(left_at=timezone.now())


class Display(models.Model):
    """A screen and what it shows. Its address opens this and nothing else, without signing in.

    The key in the address is `seed` signed with SECRET_KEY, so it is nowhere in the database, its
    backups or their copies, and can still be read again on the day by those who may change displays.
    A key that was shown once only would have to be replaced, in OBS on another machine, whenever
    somebody has lost it. Another seed, and the address of before is worth nothing.
    """

    name = models.CharField(max_length=100, help_text="Where it stands or who uses it: “Stream, court 1”.")
    view = models.CharField("shows", max_length=12, choices=View, default=View.SCOREBOARD)
    court = models.ForeignKey(
        Court,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="displays",
        help_text="For scoreboard and lower third. The wall shows every active court.",
    )
    replay = models.ForeignKey(
        "events.Replay",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="displays",
        help_text="Played here instead of what is live, until it is stopped.",
    )
    swap_sides = models.BooleanField(default=False, help_text="Red first, on the left or above.")
    size = models.PositiveSmallIntegerField(
        default=100,
        validators=[MinValueValidator(25), MaxValueValidator(300)],
        help_text="Percent of the usual size, 25 to 300.",
    )
    when_stale = models.CharField(
        "when nothing is heard", max_length=4, choices=WhenStale, default=WhenStale.HIDE
    )
    stale_after_s = models.PositiveSmallIntegerField(
        "after seconds",
        default=120,
        validators=[MinValueValidator(2), MaxValueValidator(3600)],
        help_text="How old the court's newest message may be.",
    )
    seed = models.CharField(max_length=22, unique=True, default=new_seed, editable=False)
    reloads = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    seen_at = models.DateTimeField("last seen", null=True, blank=True, editable=False)
    left_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = DisplayQuerySet.as_manager()
    history = HistoricalRecords(excluded_fields=["seed", "reloads", "seen_at", "left_at"])

    class Meta:
        ordering = ["name", "id"]
        permissions = [("revoke_display", "Can revoke and renew the address of a display")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("admin:events_display_change", args=[self.pk])

    def clean(self) -> None:
        if self.view != View.WALL and self.court is None:
            raise ValidationError({"court": "Choose the court whose scoreboard or lower third is shown."})

    def reload(self) -> None:
        """Wherever it is open it loads its page again."""
        Display.objects.filter(pk=self.pk).update(reloads=models.F("reloads") + 1)

    def revoke(self) -> None:
        """Its address shows nothing any more, for good."""
        self.seed = new_seed()
        self.revoked_at = timezone.now()
        self._change_reason = "Address revoked"
        self.save()

    def renew(self) -> None:
        """Another address, instead of the one it had."""
        self.seed = new_seed()
        self.revoked_at = None
        self.seen_at = self.left_at = None
        self._change_reason = "New address"
        self.save()

    @property
    def key(self) -> str:
        return _signer().sign(self.seed)

    @property
    def path(self) -> str:
        """Of its page, with the key."""
        if self.view == View.WALL:
            page = reverse("wall")
        else:
            page = reverse("overlay", args=[self.court.number if self.court else 0])
        return f"{page}?{urlencode({'key': self.key})}"

    def is_due(self, now: datetime) -> bool:
        """Whether being connected `now` has to be written."""
        return self.seen_at is None or self.left_at is not None or now - self.seen_at >= SEEN_EVERY

    def is_connected(self, now: datetime | None = None) -> bool:
        """Whether a screen had it open within the last two and a half minutes and has not said goodbye."""
        if self.seen_at is None or self.left_at is not None or self.revoked_at is not None:
            return False
        return (now or timezone.now()) - self.seen_at < 2.5 * SEEN_EVERY

    def shows(self) -> str:
        """What it shows, in words."""
        replayed = "REPLAY on " if self.replay_id else ""
        if self.view == View.WALL:
            return f"{replayed}{self.get_view_display()}"
        return f"{replayed}{self.get_view_display()}, {self.court or 'no court'}"

    def options(self) -> dict[str, Any]:
        """How its page looks; what the address says goes before it."""
        return {
            "view": self.view,
            "swap": self.swap_sides,
            "size": self.size,
            "stale": self.when_stale,
            "after": self.stale_after_s,
        }
