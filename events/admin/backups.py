"""Backups: what there is of each tournament, whether it was proved, and what can be done with it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import date_format

from events.backup import keep
from events.models_backup import Backup, BackupKind
from tournaments.adminbase import ReadOnlyAdmin, column
from tournaments.models import Tournament

STATES = {"verified": "success", "failed": "danger", "not verified": "warning", "file is gone": "danger"}


@admin.register(Backup)
class BackupAdmin(ReadOnlyAdmin):
    """Made, verified and restored by processes of their own: see `events.views_backup`."""

    list_display = ["whose", "made", "state", "content", "file_size", "why", "copy"]
    list_select_related = ["by", "verified_by"]
    list_filter = ["kind"]
    search_fields = ["tournament_name", "slug", "file"]
    list_per_page = 50
    list_before_template = "events/backup/_new.html"
    change_form_outer_before_template = "events/backup/_actions.html"
    fields = [
        "whose",
        "why",
        "made_in_words",
        "state_in_words",
        "content",
        "file",
        "directory",
        "file_size",
        "fingerprint",
        "copy",
        "trouble",
    ]
    readonly_fields = [
        "whose",
        "why",
        "made_in_words",
        "state_in_words",
        "content",
        "file_size",
        "fingerprint",
        "copy",
        "trouble",
    ]

    @column("tournament", ordering="tournament_name")
    def whose(self, backup: Backup) -> str:
        return backup.tournament_name

    @column("made", ordering="made_at", header=True)
    def made(self, backup: Backup) -> list[Any]:
        return [backup.made_at, _by(backup)]

    @column("state", label=STATES)
    def state(self, backup: Backup) -> tuple[str, str]:
        return _state(backup)

    @column("made")
    def made_in_words(self, backup: Backup) -> str:
        return f"{date_format(timezone.localtime(backup.made_at), 'D j M Y, H:i:s')}, {_by(backup)}"

    @column("state")
    def state_in_words(self, backup: Backup) -> str:
        if backup.verified_at is None:
            return _state(backup)[1]
        moment = date_format(timezone.localtime(backup.verified_at), "D j M Y, H:i:s")
        return f"{_state(backup)[1]}, {moment}"

    @column("holds")
    def content(self, backup: Backup) -> str:
        return backup.content if backup.counts else "—"

    @column("size", ordering="size")
    def file_size(self, backup: Backup) -> str:
        return filesizeformat(backup.size) if backup.size else "—"

    @column("SHA-256")
    def fingerprint(self, backup: Backup) -> str:
        """In groups, which fit on a small screen and can be read aloud."""
        text = backup.sha256
        return " ".join(text[start : start + 8] for start in range(0, len(text), 8)) or "—"

    @column("why", ordering="kind")
    def why(self, backup: Backup) -> str:
        return backup.reason or backup.get_kind_display()

    @column("copy")
    def copy(self, backup: Backup) -> str:
        return backup.copied_to or backup.copy_error or "—"

    @column("what went wrong")
    def trouble(self, backup: Backup) -> str:
        return backup.error or "nothing"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        extra = {
            "may_make": request.user.has_perm("events.make_backup"),
            "may_upload": request.user.has_perm("events.upload_backup"),
            "tournaments": Tournament.objects.order_by("-start_date")[:200],
            "every": settings.BACKUP_EVERY_MINUTES,
            "looked_at": keep.last_look(),
            "is_looked_for": keep.is_looked_for(),
            **(extra_context or {}),
        }
        response: HttpResponse = super().changelist_view(request, extra)
        return response

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        backup = kwargs.get("obj")
        if backup is not None:
            context["backup"] = backup
            context["is_there"] = backup.is_there()
            for name in ("download", "verify", "restore"):
                context[f"may_{name}"] = request.user.has_perm(f"events.{name}_backup")
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    def has_delete_permission(self, request: HttpRequest, obj: Backup | None = None) -> bool:
        return request.user.has_perm("events.delete_backup")

    def delete_model(self, request: HttpRequest, obj: Backup) -> None:
        obj.remove_files()
        obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Backup]) -> None:
        for backup in queryset:
            self.delete_model(request, backup)


def _by(backup: Backup) -> str:
    if backup.by:
        return f"by {backup.by}"
    return "at the command line" if backup.kind == BackupKind.MANUAL else "by itself"


def _state(backup: Backup) -> tuple[str, str]:
    """One of `STATES`, and the same for people."""
    if backup.error:
        return "failed", "Failed"
    if not backup.is_there():
        return "file is gone", "File is gone"
    if backup.verified_at is None:
        return "not verified", "Not verified yet"
    return "verified", f"Verified by {backup.verified_by}" if backup.verified_by else "Verified"
