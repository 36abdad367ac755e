"""Who may read over the API without signing in."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

# So that a token found in a log or a script is known for what it is.
MARK = "rst_"
SHOWN = len(MARK) + 6
# A program that asks every second must not write to the database every second.
USE_TOLD_EVERY = timedelta(minutes=1)


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def find(self, text: str) -> ApiToken | None:
        """The token with this text, whatever its state."""
        return self.select_related("created_by").filter(digest=digest_of(text)).first()


class ApiToken(models.Model):
    """A key for programs. Its text is shown once, when it is made; only a digest of it is kept."""

    class Scope(models.TextChoices):
        READ = "read", "Everything"
        LIVE = "live", "Courts and the live state only"

    name = models.CharField(max_length=100, help_text="Who or what uses it, as “Results screen”.")
    scope = models.CharField("may read", max_length=8, choices=Scope, default=Scope.READ)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    prefix = models.CharField("begins with", max_length=16, editable=False)
    created_at = models.DateTimeField("made", auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name="made by",
    )
    expires_at = models.DateTimeField(
        "ends", null=True, blank=True, help_text="Empty: never. After the tournament is a good choice."
    )
    last_used_at = models.DateTimeField("last used", null=True, editable=False)
    revoked_at = models.DateTimeField("revoked", null=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name

    def give_text(self) -> str:
        """A new text for a token that is about to be saved; nobody can ask for it again."""
        text = MARK + secrets.token_urlsafe(32)
        self.digest, self.prefix = digest_of(text), text[:SHOWN]
        return text

    def why_not(self) -> str:
        """Why it opens nothing any more, in words; '' while it does."""
        if self.revoked_at is not None:
            return "This token was revoked."
        if self.expires_at is not None and self.expires_at <= timezone.now():
            return "This token has ended."
        # None: the account was deleted.
        if self.created_by is None or not self.created_by.is_active:
            return "Who made this token may no longer sign in."
        return ""

    def used(self) -> None:
        """Notes that it was used, at most once a minute."""
        now = timezone.now()
        if self.last_used_at is None or now - self.last_used_at >= USE_TOLD_EVERY:
            stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_TOLD_EVERY)
            ApiToken.objects.filter(stale, pk=self.pk).update(last_used_at=now)

    def revoke(self) -> Any:
        """Ends it for good, with the next request that brings it."""
        return ApiToken.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=timezone.now())


def digest_of(text: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
