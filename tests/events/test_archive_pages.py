"""The archive in the admin: who may, what the page says before, and that it does exactly that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from events.archive import runs, scope
from events.models import ArchiveRun, Match
from tests.events.archive_stage import counts, finished_tournament, live_hash
from tests.factories import TournamentFactory, UserFactory
from tests.full_disk import no_room_for
from tournaments.models import Tournament

FULL = "The disk of the database is full. Make room, then start it again; what was moved is kept."
STAFF = [None, "nobody", "Viewer", "Operator", "Manager"]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work of a page, done before it answers: a test's transaction is its own connection's."""
    monkeypatch.setattr(runs, "in_background", runs.work)


def client_of(group: str | None) -> Client:
    client = Client()
    if group:
        client.force_login(UserFactory(group="" if group == "nobody" else group))
    return client


def page_of(tournament: Tournament) -> str:
    return reverse("archive_tournament", args=[tournament.pk])


@pytest.mark.django_db
@pytest.mark.parametrize("group", STAFF)
def test_archiving_is_for_managers(group: str | None, at_once: None) -> None:
    tournament = finished_tournament(30)
    client = client_of(group)
    expected = 200 if group == "Manager" else 302 if group is None else 403

    assert client.get(page_of(tournament)).status_code == expected
    progress = client.get(reverse("archive_progress", args=[tournament.pk])).status_code
    assert progress == expected
    assert counts(tournament) == (30, 0)
    client.post(page_of(tournament), {"direction": "archive"})
    assert (counts(tournament) == (0, 30)) is (group == "Manager")
    assert ArchiveRun.objects.exists() is (group == "Manager")


@pytest.mark.django_db
@pytest.mark.parametrize("group", STAFF[2:])
def test_actions_on_tournaments_are_for_managers(group: str) -> None:
    tournament = finished_tournament(10)
    listed = client_of(group).get(reverse("admin:tournaments_tournament_changelist"))
    assert ("Bring back from the archive…" in listed.content.decode()) is (group == "Manager")
    page = client_of(group).get(tournament.get_absolute_url())
    assert (page_of(tournament) in page.content.decode()) is (group == "Manager")


@pytest.mark.django_db
@pytest.mark.parametrize("action", ["archive", "bring_back"])
def test_action_leads_to_the_page_that_asks(action: str) -> None:
    tournament, other = TournamentFactory(), TournamentFactory()
    url = reverse("admin:tournaments_tournament_changelist")
    client = client_of("Manager")

    one = client.post(url, {"action": action, "_selected_action": [tournament.pk]})
    assert one.url == page_of(tournament)  # type: ignore[attr-defined]
    two = client.post(url, {"action": action, "_selected_action": [tournament.pk, other.pk]}, follow=True)
    assert "Choose one tournament at a time." in two.content.decode()


@pytest.mark.django_db
def test_page_says_the_numbers_that_then_happen(at_once: None) -> None:
    tournament = finished_tournament(1_234)
    finished_tournament(77)
    before = live_hash(tournament)
    matches = Match.objects.filter(day__tournament=tournament).count()
    client = client_of("Manager")

    asked = client.get(page_of(tournament))
    assert asked.context["live"]["events"] == 1_234
    assert asked.context["live"]["matches"] == matches
    assert 200_000 < asked.context["live"]["live_bytes"] < 600_000
    assert asked.context["live"]["archived_bytes"] < asked.context["live"]["live_bytes"] * 0.7
    assert "1,234 events of" in asked.content.decode()

    done = client.post(page_of(tournament), {"direction": "archive"}, follow=True)
    run = ArchiveRun.objects.get()
    assert (run.events, run.total, run.state) == (1_234, 1_234, "done")
    assert "Archived 1,234 events" in done.content.decode()
    assert "Everything is in the archive." in done.content.decode()
    assert done.context["archived"]["events"] == 1_234

    client.post(page_of(tournament), {"direction": "bring_back"})
    assert live_hash(tournament) == before
    said = list(LogEntry.objects.order_by("pk").values_list("object_id", "change_message"))
    assert said == [
        (str(tournament.pk), "Archiving: 1234 events."),
        (str(tournament.pk), "Bringing back from the archive: 1234 events."),
    ]


@pytest.mark.django_db
def test_page_of_a_running_tournament_says_why_not(at_once: None) -> None:
    tournament = finished_tournament(40, status="running")
    client = client_of("Manager")

    assert "Set its status to “Finished” first." in client.get(page_of(tournament)).content.decode()
    refused = client.post(page_of(tournament), {"direction": "archive"}, follow=True)

    assert "is running" in refused.content.decode()
    assert counts(tournament) == (40, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("direction", ["", "sideways"])
def test_page_takes_no_other_direction(direction: str) -> None:
    tournament = finished_tournament(10)
    asked = client_of("Manager").post(page_of(tournament), {"direction": direction})

    assert asked.status_code == 404
    assert counts(tournament) == (10, 0)


@pytest.mark.django_db
def test_page_shows_how_far_it_is_and_begins_nothing_else(at_once: None) -> None:
    tournament, other = finished_tournament(10), finished_tournament(10)
    part = scope.to_archive(tournament)
    run = runs.begin(runs.Direction.ARCHIVE, [part])
    began = timezone.now() - timedelta(seconds=4)
    ArchiveRun.objects.filter(pk=run.pk).update(total=1000, events=400, started_at=began)
    client = client_of("Manager")

    shown = client.get(reverse("archive_progress", args=[tournament.pk])).content.decode()
    assert "Archiving: 40 %" in shown
    assert "400 of 1,000 events, about 6 s left" in shown
    assert 'data-running="1"' in shown
    there = client.get(page_of(other)).content.decode()
    assert f"Archiving {tournament}: 40 %" in there
    refused = client.post(page_of(other), {"direction": "archive"}, follow=True)
    assert "Wait until it is done." in refused.content.decode()
    assert counts(other) == (10, 0)


@pytest.mark.django_db(transaction=True)
def test_work_goes_on_when_the_page_is_left() -> None:
    tournament = finished_tournament(200)
    part = scope.to_archive(tournament)
    run = runs.begin(runs.Direction.ARCHIVE, [part])

    thread = runs.in_background(run, [part])
    thread.join(30)

    assert not thread.is_alive()
    run.refresh_from_db()
    assert (run.state, run.events) == ("done", 200)
    assert counts(tournament) == (0, 200)


def client_of_superuser() -> Client:
    client = Client()
    # A test with transactions of its own begins without groups.
    client.force_login(UserFactory(is_superuser=True))
    return client


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", ["events_archiverun", "django_admin_log"])
def test_full_disk_is_told_when_nothing_could_be_begun(at_once: None, table: str) -> None:
    tournament = finished_tournament(20)
    client = client_of_superuser()

    with no_room_for("INSERT", table):
        told = client.post(page_of(tournament), {"direction": "archive"}, follow=True)

    assert FULL in told.content.decode()
    assert not ArchiveRun.objects.exists()
    client.post(page_of(tournament), {"direction": "archive"})
    assert counts(tournament) == (0, 20)


@pytest.mark.django_db(transaction=True)
def test_full_disk_is_told_when_the_end_of_the_work_could_not_be_recorded() -> None:
    """As long as the process lives, in which the record would look as if it were worked on."""
    tournament, other = finished_tournament(20), finished_tournament(20)
    client = client_of_superuser()

    with no_room_for("UPDATE", "events_archiverun", "NEW.ended_at IS NOT NULL"):
        part = scope.to_archive(tournament)
        runs.in_background(runs.begin(runs.Direction.ARCHIVE, [part]), [part]).join(30)
        assert ArchiveRun.objects.get().state == "running"
        told = client.get(page_of(tournament)).content.decode()
        assert FULL in told
        assert 'data-running="0"' in told
        elsewhere = client.post(page_of(other), {"direction": "archive"}, follow=True)
        assert FULL in elsewhere.content.decode()

    assert FULL in client.get(page_of(tournament)).content.decode()
    part = scope.to_archive(other)
    runs.in_background(runs.begin(runs.Direction.ARCHIVE, [part]), [part]).join(30)
    assert list(ArchiveRun.objects.order_by("pk").values_list("state", "error")) == [
        ("failed", FULL),
        ("done", ""),
    ]
    assert FULL in client.get(page_of(tournament)).content.decode()
