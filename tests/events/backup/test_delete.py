"""Deleting a tournament: only after a verified backup, all of it or nothing, and nothing of the others."""

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import DELETION, LogEntry
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from events.backup.collect import OnProgress
from events.backup.delete import delete_tournament
from events.backup.restore import restore
from events.backup.trouble import BackupError
from events.backup.write import write_backup
from events.models import EventTally, Match, PssEvent, Replay
from events.models_backup import Backup, BackupKind
from tests.events.archive_stage import finished_tournament
from tests.events.backup.hall import contents, make_tournament
from tests.factories import (
    ContextChangeFactory,
    DisplayFactory,
    MatchFactory,
    PssEventFactory,
    UserFactory,
    make_day,
    tally_events,
)
from tournaments.models import ContextChange, Tournament, TournamentDay

pytestmark = pytest.mark.django_db


def test_deleted_tournament_comes_back_from_the_backup_before(tmp_path: Path) -> None:
    user = UserFactory(group="Manager")
    tournament, other = make_tournament(), make_tournament(name="Other")
    write_backup(tournament.pk, tmp_path / "before.zip")
    write_backup(other.pk, tmp_path / "other.zip")

    deleted = delete_tournament(tournament, user)

    assert list(Tournament.objects.all()) == [other]
    assert deleted.rows["events"] == 40
    row = Backup.objects.get()
    assert (row.kind, row.tournament, bool(row.verified_at)) == (BackupKind.BEFORE_DANGEROUS, None, True)
    entry = LogEntry.objects.get(action_flag=DELETION)
    assert (entry.user, entry.object_repr) == (user, "Open")
    write_backup(other.pk, tmp_path / "other again.zip")
    assert contents(tmp_path / "other again.zip") == contents(tmp_path / "other.zip")

    restored = restore(row.path)
    write_backup(restored.tournament_id, tmp_path / "after.zip")
    assert contents(tmp_path / "after.zip") == contents(tmp_path / "before.zip")
    assert ContextChange.objects.filter(day__tournament=restored.tournament_id).count() == 0


def test_event_of_another_tournament_loses_only_the_match_that_goes() -> None:
    going, staying = make_tournament(), make_day(name="Staying")
    match = Match.objects.filter(day__tournament=going).order_by("pk")[0]
    late = PssEventFactory(day=staying, match=match)
    tally_events()

    delete_tournament(going)

    late.refresh_from_db()
    assert (late.match_id, late.day) == (None, staying)
    tally = EventTally.objects.get()
    assert (tally.day, tally.match, tally.events) == (staying, None, 1)


def test_replay_of_a_match_that_goes_ends_and_frees_its_display() -> None:
    going, staying = make_tournament(), MatchFactory()
    match = Match.objects.filter(day__tournament=going).order_by("pk")[0]
    display = DisplayFactory(replay=Replay.objects.create(name="Going", match=match))
    kept = Replay.objects.create(name="Staying", match=staying)

    delete_tournament(going)

    assert list(Replay.objects.all()) == [kept]
    display.refresh_from_db()
    assert display.replay is None


def test_active_tournament_is_not_deleted() -> None:
    tournament = make_tournament()
    ContextChangeFactory(day=tournament.days.get(number=1), effective_at=timezone.now() - timedelta(hours=1))

    with pytest.raises(BackupError, match="is active now"):
        delete_tournament(tournament)

    assert PssEvent.objects.count() == 40
    assert not Backup.objects.exists()


def test_without_a_backup_nothing_is_deleted(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "file").touch()
    settings.BACKUP_DIR = str(tmp_path / "file")

    with pytest.raises(BackupError, match="Cannot write to"):
        delete_tournament(make_tournament())

    assert PssEvent.objects.count() == 40


def arriving(day: TournamentDay, moment: str) -> tuple[list[PssEvent], OnProgress]:
    """What is told how far it is, and stores an event and its total at the `moment` given."""
    arrived: list[PssEvent] = []

    def progress(what: str, done: int, total: int) -> None:
        if what == moment and not arrived:
            arrived.append(PssEventFactory(day=day))
            tally_events()

    return arrived, progress


def test_what_arrives_after_the_backup_is_not_deleted_with_it() -> None:
    tournament = make_tournament()
    _, progress = arriving(tournament.days.get(number=1), "Comparing events")

    with pytest.raises(BackupError, match="has changed since it was backed up"):
        delete_tournament(tournament, progress=progress)

    assert PssEvent.objects.filter(tournament=tournament).count() == 41


def test_what_arrives_while_it_goes_stays_without_a_day() -> None:
    tournament = make_tournament()
    arrived, progress = arriving(tournament.days.get(number=1), "Removing matches")

    delete_tournament(tournament, progress=progress)

    (event,) = PssEvent.objects.all()
    assert (event, event.tournament_id, event.day_id) == (arrived[0], None, None)
    assert EventTally.objects.filter(day=None).total() == 1


def test_command_says_what_would_go_and_wants_the_name() -> None:
    finished_tournament(200)
    slug = Tournament.objects.get().slug
    out = StringIO()

    call_command("delete_tournament", slug, "--dry-run", stdout=out)
    with pytest.raises(CommandError, match=f"what was typed is not {slug}"):
        call_command("delete_tournament", slug, "--yes", "another", stdout=out)

    assert "200 events of 4 matches on 1 day." in out.getvalue()
    assert PssEvent.objects.count() == 200
    call_command("delete_tournament", slug, "--yes", slug, stdout=out)
    assert not PssEvent.objects.exists()
    assert str(Backup.objects.get().path) in out.getvalue()
    assert {"1  tournament", "4  matches"} <= {line.strip() for line in out.getvalue().splitlines()}


def test_page_shows_numbers_and_wants_the_name() -> None:
    tournament = make_tournament()
    client = Client()
    client.force_login(UserFactory(group="Manager"))
    url = reverse("delete_tournament", args=[tournament.pk])

    asked = client.get(reverse("admin:tournaments_tournament_delete", args=[tournament.pk]), follow=True)
    assert asked.redirect_chain == [(url, 302)]
    assert "40 events of 3 matches on 2 days" in asked.content.decode()
    answer = client.post(url, {"typed": "something"}, follow=True)
    assert f"the name typed is not {tournament.slug}" in answer.content.decode()

    ContextChangeFactory(day=tournament.days.get(number=1), effective_at=timezone.now() - timedelta(hours=1))
    answer = client.post(url, {"typed": tournament.slug})
    assert "is active now" in answer.content.decode()
    assert PssEvent.objects.count() == 40


@pytest.mark.parametrize(
    ("group", "status"), [("", 403), ("Viewer", 403), ("Operator", 403), ("Manager", 200)]
)
def test_page_is_for_those_who_may_delete(group: str, status: int) -> None:
    tournament = make_tournament(4)
    client = Client()
    client.force_login(UserFactory(group=group))
    url = reverse("delete_tournament", args=[tournament.pk])

    assert client.get(url).status_code == status
    assert Client().get(url).status_code == 302
    if status == 403:
        assert client.post(url, {"typed": tournament.slug}).status_code == 403
