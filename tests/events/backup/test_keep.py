"""Which backups are made by themselves, where copies go, and which may go."""

import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from events.backup.keep import KEEP_LAST, due_backups, prune, remove_leftovers
from events.backup.make import backup_directory, make_backup, verify_again
from events.backup.trouble import BackupError
from events.models import EventTally
from events.models_backup import Backup, BackupKind
from tests.events.backup.hall import make_tournament
from tests.factories import NOON, UserFactory
from tournaments.models import Tournament

pytestmark = pytest.mark.django_db


@pytest.fixture
def running() -> Tournament:
    """Its last event was at 12:00:10 on its first day."""
    return make_tournament(status="running")


def a_backup(tournament: Tournament, made_at: datetime, **fields: Any) -> Backup:
    given = {"verified_at": made_at, "kind": BackupKind.AUTOMATIC, "directory": "/nowhere"} | fields
    return Backup.objects.create(
        tournament=tournament, slug=tournament.slug, tournament_name="Open", made_at=made_at, **given
    )


def test_running_tournament_is_due_after_some_minutes(running: Tournament) -> None:
    now = NOON + timedelta(minutes=20)
    assert [due.reason for due in due_backups(now)] == ["Every 30 minutes"]

    a_backup(running, now)
    EventTally.objects.update(minute=now + timedelta(minutes=5))

    assert due_backups(now + timedelta(minutes=29)) == []
    assert [due.tournament for due in due_backups(now + timedelta(minutes=30))] == [running]


def test_page_says_whether_backups_are_made_by_themselves(var: Path) -> None:
    client = Client()
    client.force_login(UserFactory(group="Viewer"))
    url = reverse("admin:events_backup_changelist")
    assert "No backups are made by themselves at the moment. That needs" in client.get(url).content.decode()

    call_command("runjobs", "minutely")
    assert "Backups are made by themselves: every 30 minutes" in client.get(url).content.decode()

    (mark,) = (var / "tmp").glob("looked*")
    os.utime(mark, (time.time() - 600, time.time() - 600))
    assert "the last look on this machine was" in client.get(url).content.decode()


def test_nothing_is_due_when_nothing_was_recorded_since(running: Tournament) -> None:
    a_backup(running, NOON + timedelta(minutes=2))

    assert due_backups(NOON + timedelta(days=3)) == []


def test_end_of_the_day_is_due_at_once(running: Tournament) -> None:
    a_backup(running, NOON - timedelta(minutes=1))
    tomorrow = NOON + timedelta(hours=12, minutes=1)

    assert due_backups(NOON + timedelta(minutes=1)) == []
    assert [due.reason for due in due_backups(tomorrow)] == ["End of the day"]
    running.days.filter(number=1).update(status="finished")
    assert [due.reason for due in due_backups(NOON + timedelta(minutes=1))] == ["End of the day"]


def test_planned_tournament_and_one_without_events_are_never_due(running: Tournament) -> None:
    Tournament.objects.update(status="planned")
    assert due_backups() == []
    Tournament.objects.update(status="running")
    EventTally.objects.all().delete()
    assert due_backups() == []


def test_failed_backup_is_tried_again_after_five_minutes(running: Tournament) -> None:
    now = NOON + timedelta(hours=1)
    a_backup(running, now, verified_at=None, error="The disk is full")

    assert due_backups(now + timedelta(minutes=4)) == []
    assert [due.tournament for due in due_backups(now + timedelta(minutes=5))] == [running]


def test_job_makes_what_is_due(running: Tournament) -> None:
    call_command("runjob", "backups", verbosity=0)

    row = Backup.objects.get()
    assert (row.kind, row.verified_at is not None, row.tournament) == ("automatic", True, running)
    call_command("runjob", "backups", verbosity=0)
    assert Backup.objects.count() == 1


def test_last_ten_and_one_a_day_are_kept(running: Tournament) -> None:
    directory = backup_directory()
    first = NOON.replace(hour=8)
    for n in range(40):
        moment = first + timedelta(days=n // 20, minutes=10 * n)
        row = a_backup(running, moment, directory=str(directory), file=f"open-{n}.zip")
        row.path.touch()
    by_hand = a_backup(running, first, kind=BackupKind.MANUAL)
    other = a_backup(make_tournament(name="Other"), first)

    prune(running.slug)

    kept = {f"open-{n}.zip" for n in (*range(40 - KEEP_LAST, 40), 19)}
    assert {path.name for path in directory.iterdir()} == kept
    rows = Backup.objects.filter(kind=BackupKind.AUTOMATIC, slug=running.slug)
    assert set(rows.values_list("file", flat=True)) == kept
    assert Backup.objects.filter(pk__in=[by_hand.pk, other.pk]).count() == 2


def test_copy_goes_to_the_stick(running: Tournament, tmp_path: Path, settings: Any) -> None:
    settings.BACKUP_COPY_DIR = str(tmp_path)

    row = make_backup(running)

    assert Path(row.copied_to).read_bytes() == row.path.read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [row.file]


def test_missing_stick_is_told_and_no_reason_to_fail(
    running: Tournament, tmp_path: Path, settings: Any
) -> None:
    settings.BACKUP_COPY_DIR = str(tmp_path / "stick")

    row = make_backup(running)

    assert row.verified_at
    assert (row.copied_to, row.copy_error) == ("", f"{tmp_path}/stick is not there. Is the stick plugged in?")


def test_directory_that_cannot_be_written_is_told_and_kept_in_mind(
    running: Tournament, tmp_path: Path, settings: Any
) -> None:
    (tmp_path / "file").touch()
    settings.BACKUP_DIR = str(tmp_path / "file" / "backups")

    with pytest.raises(BackupError, match="Set BACKUP_DIR to another directory"):
        make_backup(running)

    assert Backup.objects.get().error.startswith("Cannot write to")


def test_backup_that_went_bad_or_missing_is_no_longer_verified(running: Tournament) -> None:
    row = make_backup(running)
    assert verify_again(row).verified_at
    content = row.path.read_bytes()
    row.path.write_bytes(content[:-7] + b"x" + content[-6:])

    with pytest.raises(BackupError, match="seal is broken"):
        verify_again(row)
    row.refresh_from_db()
    assert (row.verified_at, "seal is broken" in row.error) == (None, True)

    row.path.unlink()
    with pytest.raises(BackupError, match="no longer there"):
        verify_again(row)


def test_halves_of_a_backup_go_when_nobody_writes_them_any_more(tmp_path: Path) -> None:
    old, new = tmp_path / "a.zip.0123abcd.partial", tmp_path / "b.zip.0123abcd.partial"
    # A stick carries files of other programs too.
    foreign = tmp_path / "film.mkv.partial"
    for path in (old, new, foreign):
        path.touch()
        os.utime(path, (time.time() - 7 * 3600,) * 2)
    os.utime(new)

    remove_leftovers(tmp_path)

    assert set(tmp_path.glob("*.partial")) == {new, foreign}


def test_backups_of_one_second_made_at_once_have_files_of_their_own(
    running: Tournament, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOON)
    others: list[Backup] = []

    def meanwhile(what: str, done: int, total: int) -> None:
        if not others and what.startswith("Writing"):
            others.append(make_backup(running))

    mine = make_backup(running, progress=meanwhile)

    assert mine.file != others[0].file
    others[0].remove_files()
    assert mine.is_there()
    assert verify_again(mine).sha256 == mine.sha256


def test_names_of_backups_made_in_the_same_second_differ(running: Tournament) -> None:
    assert len({make_backup(running).file for _ in range(3)}) == 3
    assert timezone.now() - Backup.objects.first().made_at < timedelta(minutes=1)  # type: ignore[union-attr]
