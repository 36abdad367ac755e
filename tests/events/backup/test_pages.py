"""The pages of backups: who may do what, what is taken in, what is never given out."""

import io
import json
from dataclasses import asdict
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from events import views_backup
from events.backup.make import backup_directory, make_backup
from events.backup.telling import new_state, read_state
from events.models_backup import Backup
from tests.events.backup.hall import make_tournament
from tests.factories import UserFactory
from tests.processes import wait_until
from tournaments.context import set_context
from tournaments.models import Tournament

pytestmark = pytest.mark.django_db

GROUPS = ["", "Viewer", "Operator", "Manager"]
MAY = {
    "list": ["Viewer", "Operator", "Manager"],
    "make_backup": ["Operator", "Manager"],
    "download_backup": ["Operator", "Manager"],
    "verify_backup": ["Operator", "Manager"],
    "upload_backup": ["Manager"],
    "restore_backup": ["Manager"],
}


@pytest.fixture
def row() -> Backup:
    return make_backup(make_tournament())


def client_of(group: str) -> Client:
    client = Client()
    client.force_login(UserFactory(group=group))
    return client


@pytest.mark.parametrize("group", GROUPS)
def test_pages_are_for_those_who_may(row: Backup, group: str) -> None:
    client = client_of(group)
    asked = {
        "list": client.get(reverse("admin:events_backup_changelist")),
        "download_backup": client.get(reverse("download_backup", args=[row.pk])),
        "restore_backup": client.get(reverse("restore_backup", args=[row.pk])),
        # Without a file and with a key nobody has, nothing is begun.
        "upload_backup": client.post(reverse("upload_backup")),
        "make_backup": client.post(reverse("make_backup"), {"tournament": "0"}),
        "verify_backup": client.post(reverse("verify_backup", args=[row.pk + 1])),
    }

    allowed = {name for name, answer in asked.items() if answer.status_code != 403}
    assert allowed == {name for name, groups in MAY.items() if group in groups}
    page = client.get(reverse("admin:events_backup_change", args=[row.pk]))
    if group:
        text = page.content.decode()
        for name in ("download", "verify", "restore"):
            assert (reverse(f"{name}_backup", args=[row.pk]) in text) == (group in MAY[f"{name}_backup"])


def test_nothing_is_changed_by_a_link(row: Backup) -> None:
    client = client_of("Manager")

    for name in ("make_backup", "upload_backup"):
        assert client.get(reverse(name)).status_code == 405
    assert client.get(reverse("verify_backup", args=[row.pk])).status_code == 405
    assert Client().get(reverse("download_backup", args=[row.pk])).status_code == 302


def test_download_gives_the_file(row: Backup) -> None:
    answer = client_of("Operator").get(reverse("download_backup", args=[row.pk]))

    assert b"".join(answer.streaming_content) == row.path.read_bytes()  # type: ignore[attr-defined]
    assert answer["Content-Disposition"] == f'attachment; filename="{row.file}"'


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK" + bytes(200)])
def test_upload_of_something_else_is_not_taken_in(content: bytes) -> None:
    before = sorted(backup_directory().iterdir())
    client = client_of("Manager")

    file = io.BytesIO(content)
    file.name = "../../evil.zip"
    answer = client.post(reverse("upload_backup"), {"file": file}, follow=True)

    assert "Not taken in" in answer.content.decode() or "Choose the file" in answer.content.decode()
    assert sorted(backup_directory().iterdir()) == before
    assert Backup.objects.count() == 0


@pytest.mark.parametrize("mode", ["merge", "replace"])
def test_restore_over_something_wants_its_name_typed(row: Backup, mode: str) -> None:
    client = client_of("Manager")

    answer = client.post(
        reverse("restore_backup", args=[row.pk]),
        {"mode": mode, "confirmed": "1", "typed": "something"},
        follow=True,
    )

    assert f"the name typed is not {row.slug}" in answer.content.decode()


def test_restore_says_at_once_that_it_has_to_wait(row: Backup) -> None:
    client, url = client_of("Manager"), reverse("restore_backup", args=[row.pk])
    assert "Show what would happen" in client.get(url).content.decode()

    set_context(Tournament.objects.get(slug=row.slug).days.first())

    shown = client.get(url).content.decode()
    assert "Not now. “Open” is active now" in shown
    assert "Show what would happen" not in shown


def test_action_shows_how_far_it_is_and_what_came_of_it() -> None:
    key, state = new_state("Backing up Open", backup=0)
    place = [UUID(hex=key)]
    url, state_url = reverse("backup_action", args=place), reverse("backup_action_state", args=place)
    client = client_of("Viewer")

    state.progress("Writing events", 10, 40)
    told = client.get(state_url).json()
    assert {name: told[name] for name in ("state", "what", "done", "total")} == {
        "state": "running",
        "what": "Writing events",
        "done": 10,
        "total": 40,
    }
    state.finish(lines=["40 <events>"])
    assert "40 &lt;events&gt;" in client.get(url).content.decode()
    assert client.get(reverse("backup_action", args=[UUID(int=0)])).status_code == 404
    assert client_of("").get(state_url).status_code == 403


def test_action_whose_process_is_gone_says_so() -> None:
    key, state = new_state("Restoring Open")
    assert state.state.state == "running"

    state.path.write_text(json.dumps(asdict(state.state) | {"seen": 0.0, "pid": 2**22 + 1}))
    found = read_state(key)
    assert found
    assert (found.state, found.error) == (
        "failed",
        "It was interrupted. Nothing was changed; do it again.",
    )


def test_action_whose_process_ends_before_it_begins_says_so() -> None:
    key, state = new_state("Backing up Open")

    views_backup.start_process(["backup_tournament", "open", "--no-such-option", "--action", key], state.path)

    wait_until(lambda: read_state(key) != state.state, 30, "the end of the process")
    found, log = read_state(key), state.path.with_suffix(".log")
    assert found
    assert (found.state, found.error) == (
        "failed",
        f"It failed, and nothing was changed. What went wrong is in {log}.",
    )
    assert "--no-such-option" in log.read_text()


def test_deleting_a_backup_deletes_its_file(row: Backup) -> None:
    url = reverse("admin:events_backup_delete", args=[row.pk])

    assert client_of("Operator").post(url, {"post": "yes"}).status_code == 403
    client_of("Manager").post(url, {"post": "yes"})

    assert not row.path.exists()
    assert not Backup.objects.exists()


def test_who_made_a_backup_is_in_the_log() -> None:
    user = UserFactory(group="Operator")

    row = make_backup(make_tournament(), user=user)

    entry = LogEntry.objects.get(user=user)
    assert (entry.object_id, entry.object_repr) == (str(row.pk), row.file)
    assert row.verified_by == user


def test_list_takes_the_same_queries_for_one_and_for_three(row: Backup) -> None:
    client = client_of("Manager")
    url = reverse("admin:events_backup_changelist")
    client.get(url)
    with CaptureQueriesContext(connection) as one:
        client.get(url)
    for _ in range(2):
        row.pk = None
        row.save()
    with CaptureQueriesContext(connection) as three:
        client.get(url)

    assert len(three) == len(one)
