"""Making, uploading, downloading, verifying and restoring backups from the pages.

What takes long runs in a process of its own, a command of `manage.py` with `--action`, so that neither
the pages nor the live feed wait for it; the page of the action shows how far it is.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from events.asked import key_of, signed_in
from events.backup.make import backup_directory, take_in
from events.backup.restore import why_not
from events.backup.telling import DONE, RUNNING, StateFile, new_state, read_state, state_path
from events.backup.trouble import BackupError
from events.models_backup import Backup
from tournaments.models import Tournament

LARGEST_UPLOAD = 4 * 1024**3
MODES = {
    "new": ("As a new tournament", "Stands beside what is there. Nothing here is changed."),
    "merge": ("Add what is missing", "To the tournament of the same name. What is there stays as it is."),
    "replace": ("Replace", "Deletes the tournament of the same name first, after a backup of it."),
}


@require_POST
@permission_required("events.make_backup", raise_exception=True)
def make(request: HttpRequest) -> HttpResponse:
    """Makes and verifies a backup of the tournament with the key `tournament`."""
    tournament = get_object_or_404(Tournament, pk=key_of(request.POST.get("tournament")))
    return begin_action(request, f"Backing up {tournament}", ["backup_tournament", tournament.slug])


@require_POST
@permission_required("events.upload_backup", raise_exception=True)
def upload(request: HttpRequest) -> HttpResponse:
    """Takes a file in, under a name of our own; it is verified at once."""
    file = request.FILES.get("file")
    if file is None or not file.size or file.size > LARGEST_UPLOAD:
        messages.error(request, "Choose the file of a backup first.")
        return redirect("admin:events_backup_changelist")
    try:
        path = backup_directory() / f"uploaded-{timezone.localtime():%Y%m%d-%H%M%S-%f}.zip"
        try:
            with path.open("xb") as target:
                for chunk in file.chunks():
                    target.write(chunk)
            row = take_in(path, signed_in(request))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    except BackupError as error:
        messages.error(request, f"Not taken in. {error}")
        return redirect("admin:events_backup_changelist")
    except OSError as error:
        messages.error(request, f"Not taken in: it cannot be written ({error.strerror}).")
        return redirect("admin:events_backup_changelist")
    return begin_action(request, f"Verifying {row.file}", ["verify_backup", str(row.path)], backup=row.pk)


@require_GET
@permission_required("events.download_backup", raise_exception=True)
def download(request: HttpRequest, pk: int) -> HttpResponse | FileResponse:
    row = _row(pk)
    if not row.is_there():
        messages.error(request, f"The file {row.path} is no longer there.")
        return redirect("admin:events_backup_change", pk)
    return FileResponse(row.path.open("rb"), as_attachment=True, filename=row.file)


@require_POST
@permission_required("events.verify_backup", raise_exception=True)
def verify(request: HttpRequest, pk: int) -> HttpResponse:
    row = _row(pk)
    return begin_action(request, f"Verifying {row.file}", ["verify_backup", str(row.path)], backup=row.pk)


@require_http_methods(["GET", "POST"])
@permission_required("events.restore_backup", raise_exception=True)
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: how to restore. POST: a dry run, or with `confirmed` the real thing."""
    row = _row(pk)
    same = Tournament.objects.filter(slug=row.slug).first()
    mode = request.POST.get("mode", "new")
    if request.method == "GET" or mode not in MODES or (same is None and mode != "new"):
        context = {
            **admin.site.each_context(request),
            "title": f"Restore {row.tournament_name}",
            "backup": row,
            "modes": MODES,
            "same": same,
            "why_not": why_not(same) if same else "",
        }
        return TemplateResponse(request, "events/backup/restore.html", context)
    args = ["restore_tournament", str(row.path)]
    args += {"new": ["--as-new"], "merge": ["--merge"], "replace": ["--replace", row.slug]}[mode]
    asked = {"backup": row.pk, "mode": mode}
    if "confirmed" not in request.POST:
        title = f"What restoring {row.tournament_name} would do"
        return begin_action(request, title, [*args, "--dry-run"], dry_run=True, **asked)
    if mode != "new" and request.POST.get("typed", "").strip() != row.slug:
        messages.error(request, f"Nothing was changed: the name typed is not {row.slug}.")
        return redirect("restore_backup", pk)
    if mode == "replace":
        args += ["--yes", row.slug]
    return begin_action(request, f"Restoring {row.tournament_name}", args, dry_run=False, **asked)


@require_GET
@permission_required("events.view_backup", raise_exception=True)
def action(request: HttpRequest, key: UUID) -> HttpResponse:
    """How far a backup, a verification or a restore is, and what came of it."""
    state = read_state(key.hex)
    if state is None:
        raise Http404("There is no such action, or it was long ago.")
    context = {
        **admin.site.each_context(request),
        "title": state.title,
        "state": state,
        "key": key,
        "running": state.state == RUNNING,
        "done": state.state == DONE,
        "asked_backup": Backup.objects.filter(pk=state.asked.get("backup") or state.backup).first(),
        "tournament": Tournament.objects.filter(pk=state.tournament).first() if state.tournament else None,
        "mode": MODES.get(state.asked.get("mode", "")),
        "may_restore": request.user.has_perm("events.restore_backup"),
    }
    return TemplateResponse(request, "events/backup/action.html", context)


@require_GET
@permission_required("events.view_backup", raise_exception=True)
def action_state(request: HttpRequest, key: UUID) -> JsonResponse:
    """The same for the page's script."""
    state = read_state(key.hex)
    if state is None:
        return JsonResponse({"state": "gone"}, status=404)
    return JsonResponse({name: asdict(state)[name] for name in ("state", "what", "done", "total", "began")})


def begin_action(request: HttpRequest, title: str, command: list[str], **asked: Any) -> HttpResponse:
    """Starts `manage.py COMMAND` and shows its page."""
    try:
        key, _ = new_state(title, **asked)
        start_process([*command, "--action", key, "--by", str(signed_in(request).pk)], state_path(key))
    except OSError as error:
        why = error.strerror or error
        messages.error(
            request, f"Not begun: {settings.RESTRIKE_VAR} cannot be written ({why}). Make room there."
        )
        return redirect("admin:events_backup_changelist")
    return redirect("backup_action", UUID(hex=key))


def start_process(command: list[str], state: Path) -> None:
    """`manage.py COMMAND`; goes on when the pages are restarted. What it prints is kept beside `state`."""
    manage = Path(settings.BASE_DIR) / "manage.py"
    with state.with_suffix(".log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(manage), *command],
            env={**os.environ, "RESTRIKE_VAR": str(settings.RESTRIKE_VAR)},
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    threading.Thread(target=_see_it_end, args=[process, state], name="backup action", daemon=True).start()


def _see_it_end(process: subprocess.Popen[bytes], path: Path) -> None:
    """Takes it out of the list of processes, and tells its page when it ended before it could say so."""
    process.wait()
    state = read_state(path.stem)
    if state is not None and state.state == RUNNING:
        StateFile(path, state).break_off()


def _row(pk: int) -> Backup:
    return get_object_or_404(Backup.objects.exclude(file=""), pk=pk)
