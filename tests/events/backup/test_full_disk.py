"""A full disk: what is told, and that whatever was under way leaves nothing half done."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from events.backup.make import backup_directory, make_backup, verify_again
from events.backup.telling import new_state, read_state
from events.backup.trouble import BackupError, BadBackupError
from events.models_backup import Backup, BackupKind
from tests.events.backup.hall import make_tournament
from tests.factories import UserFactory
from tests.full_disk import no_room_for
from tournaments.models import Tournament

pytestmark = pytest.mark.django_db(transaction=True)

FULL = "The disk of the database is full. Make room, then start it again; nothing was changed."


@pytest.fixture
def user() -> User:
    return UserFactory(is_superuser=True)


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def files() -> list[str]:
    return sorted(path.name for path in backup_directory().iterdir())


@pytest.mark.parametrize("kind", [BackupKind.AUTOMATIC, BackupKind.BEFORE_DANGEROUS])
@pytest.mark.parametrize("table", ["events_backup", "django_admin_log"])
def test_backup_that_cannot_be_recorded_leaves_no_file(kind: BackupKind, table: str, user: User) -> None:
    """One that is due is tried again each minute."""
    tournament = make_tournament()

    with no_room_for("INSERT", table), pytest.raises(BackupError) as told:
        make_backup(tournament, kind, user=user)

    assert str(told.value) == FULL
    assert files() == []
    assert not Backup.objects.exists()
    assert make_backup(tournament, kind, user=user).is_there()


def test_backup_by_hand_that_cannot_be_recorded_is_kept_and_told_of() -> None:
    tournament = make_tournament()

    with no_room_for("INSERT", "events_backup"), pytest.raises(BackupError) as told:
        make_backup(tournament)

    (name,) = files()
    assert str(told.value) == (
        f"{backup_directory() / name} was made and is sound, but could not be put in the list of backups. "
        "Is the disk of the database full?"
    )


def test_backup_that_turns_out_bad_is_told_though_it_cannot_be_recorded() -> None:
    row = make_backup(make_tournament())
    row.path.write_bytes(b"nothing")

    with no_room_for("UPDATE", "events_backup"), pytest.raises(BadBackupError):
        verify_again(row)


@pytest.mark.parametrize("table", ["events_pssevent", "django_admin_log"])
def test_restore_is_recorded_or_has_not_happened(user: User, table: str) -> None:
    row = make_backup(make_tournament())
    Tournament.objects.filter(slug=row.slug).update(slug="other")
    key, _ = new_state("Restoring Open")
    command = ["restore_tournament", str(row.path), "--action", key, "--by", str(user.pk)]

    with no_room_for("INSERT", table), pytest.raises(CommandError, match=FULL):
        call_command(*command)

    state = read_state(key)
    assert state
    assert (state.state, state.error) == ("failed", FULL)
    assert Tournament.objects.count() == 1
    call_command(*command)
    assert Tournament.objects.count() == 2
    assert LogEntry.objects.filter(change_message__startswith="Restored from a backup").count() == 1


@pytest.mark.parametrize("table", ["tournaments_tournament", "events_pssevent"])
def test_delete_on_a_full_disk_deletes_nothing(user: User, table: str) -> None:
    tournament = make_tournament()
    key, _ = new_state("Deleting Open")
    command = ["delete_tournament", tournament.slug, "--yes", tournament.slug, "--action", key]

    with no_room_for("DELETE", table), pytest.raises(CommandError, match=FULL):
        call_command(*command)

    state = read_state(key)
    assert state
    assert (state.state, state.error) == ("failed", FULL)
    assert Tournament.objects.get() == tournament


def test_upload_on_a_full_disk_is_not_taken_in(client: Client) -> None:
    row = make_backup(make_tournament())
    before = files()

    with no_room_for("INSERT", "events_backup"), row.path.open("rb") as file:
        told = client.post(reverse("upload_backup"), {"file": file}, follow=True)

    assert f"Not taken in. {FULL}" in told.content.decode()
    assert files() == before


# --- The disk of RESTRIKE_VAR --------------------------------------------------------------------------


@pytest.fixture
def fill(make_small_disk: Callable[[str], Path], settings: Any) -> Callable[[], None]:
    """Fills the disk of RESTRIKE_VAR up."""
    disk = make_small_disk("256k")
    settings.RESTRIKE_VAR = disk

    def fill() -> None:
        (disk / "filler").write_bytes(bytes(shutil.disk_usage(disk).free))

    return fill


def test_action_that_cannot_be_begun_says_so(client: Client, fill: Callable[[], None], settings: Any) -> None:
    tournament = make_tournament()
    fill()

    told = client.post(reverse("make_backup"), {"tournament": tournament.pk}, follow=True)

    said = f"Not begun: {settings.RESTRIKE_VAR} cannot be written (No space left on device). Make room there."
    assert said in told.content.decode()


def test_action_goes_on_and_its_page_is_told_the_end(client: Client, fill: Callable[[], None]) -> None:
    key, state = new_state("Deleting Open")
    fill()

    state.progress("Deleting events", 10, 40)
    state.progress("Deleting matches", 1, 2)
    found = read_state(key)
    assert found
    assert (found.state, found.what) == ("running", "Deleting matches")
    state.finish(lines=["“Open” was deleted:"])

    assert json.loads(state.path.read_text())["state"] == "done"
    page = client.get(reverse("backup_action", args=[UUID(hex=key)])).content.decode()
    assert "“Open” was deleted:" in page
