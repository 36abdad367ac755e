"""A backup holds everything of a tournament, and restoring it gives the same again."""

from pathlib import Path

import pytest
from django.db.models import TextField
from django.db.models.functions import Cast
from django.test import Client
from django.urls import reverse

from events.archive import runs, scope
from events.backup.restore import Mode, restore
from events.backup.verify import verify
from events.backup.write import write_backup
from events.models import ArchivedPssEvent, EventTally, Match, PssEvent
from tests.events.archive_stage import finished_tournament, live_hash
from tests.events.backup.hall import contents, make_tournament
from tests.factories import UserFactory
from tournaments.models import Tournament

pytestmark = pytest.mark.django_db

ARCHIVED = "events.archivedpssevent"


def test_backup_restored_as_new_has_the_same_rows(tmp_path: Path) -> None:
    tournament = make_tournament()
    make_tournament(name="Another")
    manifest = write_backup(tournament.pk, tmp_path / "a.zip")

    outcome = restore(tmp_path / "a.zip")

    write_backup(outcome.tournament_id, tmp_path / "b.zip")
    before, after = contents(tmp_path / "a.zip"), contents(tmp_path / "b.zip")
    for row in (before, after):
        del row["tournaments.tournament"]
    assert after == before
    assert manifest.count("events.pssevent") == 40
    assert [label for label, rows in before.items() if not rows] == ["events.archivedreading", ARCHIVED]
    restored = Tournament.objects.get(pk=outcome.tournament_id)
    assert (restored.slug, restored.name) == ("open-2", "Open (restored)")


def test_backup_is_verified_by_restoring_it(tmp_path: Path) -> None:
    tournament = make_tournament()
    manifest = write_backup(tournament.pk, tmp_path / "a.zip")

    found = verify(tmp_path / "a.zip")

    assert found.manifest == manifest
    assert found.size == (tmp_path / "a.zip").stat().st_size
    restore(tmp_path / "a.zip", Mode.NEW)


def test_pages_of_what_came_from_a_backup_never_say_that_no_loss_is_known(tmp_path: Path) -> None:
    tournament = make_tournament()
    write_backup(tournament.pk, tmp_path / "a.zip")
    restored = Tournament.objects.get(pk=restore(tmp_path / "a.zip").tournament_id)
    client = Client()
    client.force_login(UserFactory(group="Viewer"))

    def said(one: Tournament) -> set[tuple[bool, bool]]:
        match = Match.objects.filter(day__tournament=one).first()
        assert match is not None
        assert match.day is not None
        urls = [
            reverse("tournament_statistics", args=[one.pk]),
            reverse("day_statistics", args=[match.day.pk]),
            reverse("day_report", args=[match.day.pk]),
            reverse("match_report", args=[match.pk]),
            match.get_absolute_url(),
        ]
        pages = [client.get(url).content.decode() for url in urls]
        return {("No loss is known" in page, "It came from a backup" in page) for page in pages}

    assert said(tournament) == {(True, False)}
    assert said(restored) == {(False, True)}


def texts(tournament_id: int) -> list[tuple[object, ...]]:
    """What no key decides, letter by letter."""
    columns = ("sequence", "stream", "kind", "raw", "error", "received_at", "processing_ms", "value")
    events = PssEvent.objects.filter(tournament=tournament_id).order_by("pk")
    details = events.annotate(text=Cast("details", TextField()))
    return list(details.values_list("text", *columns))


def test_restored_events_are_the_same_letter_by_letter(tmp_path: Path) -> None:
    tournament = finished_tournament(500)
    write_backup(tournament.pk, tmp_path / "a.zip")

    outcome = restore(tmp_path / "a.zip")

    assert texts(outcome.tournament_id) == texts(tournament.pk)


def test_backup_holds_archived_events_too(tmp_path: Path) -> None:
    tournament = finished_tournament(500)
    make_tournament(name="Live")
    before = live_hash(tournament)
    part = scope.to_archive(tournament)
    runs.work(runs.begin(runs.Direction.ARCHIVE, [part]), [part])

    manifest = write_backup(tournament.pk, tmp_path / "a.zip")
    verify(tmp_path / "a.zip")
    outcome = restore(tmp_path / "a.zip")

    assert (manifest.count("events.pssevent"), manifest.count(ARCHIVED)) == (0, 500)
    write_backup(outcome.tournament_id, tmp_path / "b.zip")
    assert contents(tmp_path / "b.zip")[ARCHIVED] == contents(tmp_path / "a.zip")[ARCHIVED]
    # No key of an archived event is one that a live event has or will have.
    live = PssEvent.objects.bulk_create([_another_event()])
    keys = set(ArchivedPssEvent.objects.values_list("pk", flat=True))
    assert len(keys) == 1_000
    assert not keys & {live[0].pk, *PssEvent.objects.values_list("pk", flat=True)}
    restored = Tournament.objects.get(pk=outcome.tournament_id)
    part = scope.to_bring_back(restored)
    runs.work(runs.begin(runs.Direction.BRING_BACK, [part]), [part])
    part = scope.to_bring_back(tournament)
    runs.work(runs.begin(runs.Direction.BRING_BACK, [part]), [part])
    assert live_hash(tournament) == before
    assert texts(restored.pk) == texts(tournament.pk)


def test_merge_knows_an_event_that_was_archived_since(tmp_path: Path) -> None:
    tournament = finished_tournament(500)
    write_backup(tournament.pk, tmp_path / "live.zip")
    part = scope.to_archive(tournament)
    runs.work(runs.begin(runs.Direction.ARCHIVE, [part]), [part])
    write_backup(tournament.pk, tmp_path / "archived.zip")
    totals = EventTally.objects.total()

    assert restore(tmp_path / "live.zip", Mode.MERGE).total == 0
    ArchivedPssEvent.objects.order_by("pk")[0].delete()
    again = restore(tmp_path / "archived.zip", Mode.MERGE)

    assert {name: n for name, n in again.added.items() if n} == {"archived events": 1}
    assert ArchivedPssEvent.objects.filter(tournament=tournament).count() == 500
    # The total of the deleted one had not been taken away.
    assert EventTally.objects.total() == totals + 1


def _another_event() -> PssEvent:
    event = PssEvent.objects.order_by("pk")[0]
    event.pk = None
    event.sequence += 1_000_000
    return event
