"""A backup holds everything of a tournament, and restoring it gives the same again."""

from pathlib import Path

import pytest

from events.backup.restore import Mode, restore
from events.backup.verify import verify
from events.backup.write import write_backup
from tests.events.backup.hall import contents, make_tournament
from tournaments.models import Tournament

pytestmark = pytest.mark.django_db


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
    assert {label: len(rows) for label, rows in before.items() if not rows} == {}
    restored = Tournament.objects.get(pk=outcome.tournament_id)
    assert (restored.slug, restored.name) == ("open-2", "Open (restored)")


def test_backup_is_verified_by_restoring_it(tmp_path: Path) -> None:
    tournament = make_tournament()
    manifest = write_backup(tournament.pk, tmp_path / "a.zip")

    found = verify(tmp_path / "a.zip")

    assert found.manifest == manifest
    assert found.size == (tmp_path / "a.zip").stat().st_size
    restore(tmp_path / "a.zip", Mode.NEW)
