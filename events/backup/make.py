"""Making backups and keeping account of them: the one way in for commands, pages and jobs."""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import OperationalError, transaction
from django.utils import timezone

from events.backup import keep
from events.backup.collect import OnProgress, no_progress
from events.backup.read import open_backup
from events.backup.trouble import BackupError, full_disk_in_words
from events.backup.verify import Verified, verify
from events.backup.witness import Witness
from events.backup.write import sync_directory, write_backup
from events.models_backup import Backup, BackupKind
from tournaments.models import Tournament

SUFFIX = ".zip"


def backup_directory() -> Path:
    """BACKUP_DIR, else `backups` in RESTRIKE_VAR; made when it is not there."""
    directory = Path(settings.BACKUP_DIR or Path(settings.RESTRIKE_VAR) / "backups").expanduser()
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BackupError(
            f"Cannot write to {directory}: {error.strerror or error}. Set BACKUP_DIR to another directory."
        ) from error
    return directory


@full_disk_in_words()
def make_backup(
    tournament: Tournament,
    kind: BackupKind = BackupKind.MANUAL,
    *,
    reason: str = "",
    user: User | None = None,
    directory: Path | None = None,
    progress: OnProgress = no_progress,
) -> Backup:
    """A backup that has been read back and compared, and its copy on the stick where one is set.

    A failure is kept too, as a row with `error`, and raised as BackupError. A missing stick is only
    noted (`copy_error`).
    """
    row = Backup(
        tournament=tournament,
        slug=tournament.slug,
        tournament_name=tournament.name,
        kind=kind,
        reason=reason[:200],
        made_at=timezone.now(),
        by=user,
    )
    try:
        place = directory or backup_directory()
        row.directory = str(place.resolve())
        path = _free_name(place, tournament.slug, row.made_at, kind)
        keep.remove_leftovers(place)
        by = user.get_username() if user else ""
        witness, why = Witness(), reason or kind.label
        write_backup(tournament.pk, path, reason=why, made_by=by, progress=progress, witness=witness)
        row.file = path.name
        _note(row, verify(path, progress=progress, witness=witness), user)
    except BackupError as error:
        row.error = str(error)[:500]
        _keep_account(row, None)
        raise
    row.copied_to, row.copy_error = _copy(path, row.sha256)
    _keep_account(row, user)
    keep.prune(tournament.slug)
    return row


def backup_before(
    tournament: Tournament, reason: str, user: User | None = None, progress: OnProgress = no_progress
) -> Backup:
    """The backup that goes before whatever deletes or replaces; without it the action must not go on."""
    return make_backup(tournament, BackupKind.BEFORE_DANGEROUS, reason=reason, user=user, progress=progress)


def verify_again(row: Backup, user: User | None = None, progress: OnProgress = no_progress) -> Backup:
    """Reads a known backup back; what is found is kept, and raised when it is bad."""
    try:
        if not row.is_there():
            raise BackupError(f"The file {row.path} is no longer there.")
        found = verify(row.path, progress=progress)
        if row.sha256 and found.sha256 != row.sha256:
            raise BackupError("The file is a sound backup, but not the one that was made here.")
    except BackupError as error:
        row.error, row.verified_at, row.verified_by = str(error)[:500], None, None
        with suppress(OperationalError):
            # As on a full disk. That the backup is bad is what has to be said.
            row.save()
        raise
    row.error = ""
    _note(row, found, user)
    row.save()
    if user is not None:
        LogEntry.objects.log_actions(user.pk, [row], CHANGE, "Verified.", single_object=True)
    return row


@full_disk_in_words()
def take_in(path: Path, user: User | None = None) -> Backup:
    """The row of a file that came from elsewhere and lies in the directory of backups already.

    BadBackupError when its outside is not sound; what is in it is proved by `verify_again`.
    """
    with open_backup(path) as source:
        manifest = source.manifest
        slug = manifest.tournament.get("slug", "")[:80]
        row = Backup(
            tournament=Tournament.objects.filter(slug=slug).first(),
            slug=slug,
            tournament_name=manifest.tournament.get("name", "")[:200],
            kind=BackupKind.UPLOADED,
            directory=str(path.parent.resolve()),
            file=path.name,
            size=source.size,
            sha256=source.sha256,
            counts={file.model: file.rows for file in manifest.files},
            made_at=timezone.now(),
            by=user,
        )
        with suppress(ValueError):
            row.made_at = datetime.fromisoformat(manifest.made_at)
            row.made_at = row.made_at if row.made_at.tzinfo else row.made_at.replace(tzinfo=UTC)
    row.save()
    if user is not None:
        LogEntry.objects.log_actions(user.pk, [row], ADDITION, "Uploaded.", single_object=True)
    return row


def _keep_account(row: Backup, user: User | None) -> None:
    """Stores the row; its file goes when that cannot be, but for one somebody wants that is sound."""
    try:
        with transaction.atomic():
            row.save()
            if user is not None:
                LogEntry.objects.log_actions(
                    user.pk, [row], ADDITION, "Made and verified.", single_object=True
                )
    except OperationalError as error:
        if row.kind == BackupKind.MANUAL and row.verified_at:
            raise BackupError(
                f"{row.path} was made and is sound, but could not be put in the list of backups. "
                "Is the disk of the database full?"
            ) from error
        # Unknown it would never be pruned, and one that is due is made anew each minute.
        row.remove_files()
        raise


def _note(row: Backup, found: Verified, user: User | None) -> None:
    row.size, row.sha256 = found.size, found.sha256
    row.counts = {file.model: file.rows for file in found.manifest.files}
    row.verified_at, row.verified_by = timezone.now(), user


def _free_name(place: Path, slug: str, moment: datetime, kind: BackupKind) -> Path:
    """One that no backup has, nor one that another process is writing at this moment."""
    stem = f"{slug}-{timezone.localtime(moment):%Y%m%d-%H%M%S}-{kind.value}"
    path, number = place / (stem + SUFFIX), 2
    while path.exists() or any(place.glob(f"{path.name}.*.partial")):
        path, number = place / f"{stem}-{number}{SUFFIX}", number + 1
    return path


def _copy(path: Path, sha256: str) -> tuple[str, str]:
    """(where the copy is, '') or ('', why there is none); both '' when none is wanted."""
    if not settings.BACKUP_COPY_DIR:
        return "", ""
    place = Path(settings.BACKUP_COPY_DIR).expanduser()
    if not place.is_dir():
        return "", f"{place} is not there. Is the stick plugged in?"
    partial = place / f"{path.name}.partial"
    try:
        with path.open("rb") as source, partial.open("wb") as target:
            shutil.copyfileobj(source, target, 1024 * 1024)
            target.flush()
            keep.force_to_disk(target)
        with open_backup(partial) as copy:
            if copy.sha256 != sha256:
                raise BackupError("the copy differs")
        partial.replace(place / path.name)
        sync_directory(place)
    except (OSError, BackupError) as error:
        with suppress(OSError):
            partial.unlink()
        said = error.strerror if isinstance(error, OSError) and error.strerror else error
        return "", f"No copy could be written to {place}: {said}."[:500]
    return str(place / path.name), ""
