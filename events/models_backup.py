"""Which backups were made, by whom, and whether they were read back and found whole."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import models

from tournaments.models import Tournament
from tournaments.wording import counted


class BackupKind(models.TextChoices):
    """Why a backup was made."""

    AUTOMATIC = "automatic", "Automatic"
    MANUAL = "manual", "By hand"
    BEFORE_DANGEROUS = "before", "Before a dangerous action"
    UPLOADED = "uploaded", "Uploaded"


class Backup(models.Model):
    """One file with a tournament in it, or (`error`) an attempt that failed.

    `counts` are rows by the name of their model. The file outlives the tournament: `slug` and
    `tournament_name` say whose it is when that is gone.
    """

    tournament = models.ForeignKey(
        Tournament, on_delete=models.SET_NULL, null=True, blank=True, related_name="backups"
    )
    slug = models.SlugField(max_length=80)
    tournament_name = models.CharField("tournament", max_length=200)
    kind = models.CharField(max_length=10, choices=BackupKind, default=BackupKind.MANUAL)
    reason = models.CharField(max_length=200, blank=True)
    directory = models.CharField(max_length=1000)
    file = models.CharField(max_length=200, blank=True)
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes.")
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    counts = models.JSONField(default=dict)
    made_at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    copied_to = models.CharField(max_length=1000, blank=True)
    copy_error = models.CharField(max_length=500, blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-made_at", "-id"]
        permissions = [
            ("make_backup", "Can make backups"),
            ("download_backup", "Can download backups"),
            ("upload_backup", "Can upload backups"),
            ("verify_backup", "Can verify backups"),
            ("restore_backup", "Can restore backups"),
        ]
        indexes = [models.Index(fields=["slug", "-made_at"], name="backup_slug_made")]

    def __str__(self) -> str:
        return self.file or f"{self.tournament_name} (failed)"

    @property
    def path(self) -> Path:
        return Path(self.directory) / self.file

    @property
    def rows(self) -> int:
        return sum(self.counts.values())

    @property
    def events(self) -> int:
        """Live and archived ones."""
        return sum(self.counts.get(label, 0) for label in ("events.pssevent", "events.archivedpssevent"))

    @property
    def matches(self) -> int:
        return int(self.counts.get("events.match", 0))

    @property
    def content(self) -> str:
        """ "1,200 events and 1 match"."""
        return f"{counted(self.events, 'event')} and {counted(self.matches, 'match', 'matches')}"

    def remove_files(self) -> list[Path]:
        """Deletes the file and its copy; returns those that went. What cannot be deleted stays."""
        removed = []
        for path in (self.path, Path(self.copied_to)):
            if path.suffix == ".zip":
                with suppress(OSError):
                    path.unlink()
                    removed.append(path)
        return removed

    def is_there(self) -> bool:
        """Whether the file still is where it was written."""
        return bool(self.file) and self.path.is_file()
