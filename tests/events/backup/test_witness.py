"""What is written is held against a second reading of the database, so that a value read wrongly is found."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from events.archive import runs, scope
from events.backup.collect import as_line
from events.backup.make import make_backup
from events.backup.trouble import BadBackupError
from events.backup.verify import verify
from events.backup.witness import Witness
from events.backup.write import write_backup
from events.models import UdpSession
from tests.events.archive_stage import finished_tournament
from tests.events.backup.hall import make_tournament, rehash, repack

pytestmark = pytest.mark.django_db

EVENTS = "data/events.pssevent.ndjson"
Row = Any


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, Witness]:
    """A backup of a tournament with everything, and what the second reading saw."""
    tournament = make_tournament()
    make_tournament(name="Another")
    UdpSession.objects.update(ended_at=None)
    witness = Witness()
    write_backup(tournament.pk, tmp_path / "a.zip", witness=witness)
    return tmp_path / "a.zip", witness


def test_second_reading_is_what_was_written(written: tuple[Path, Witness]) -> None:
    path, witness = written

    manifest = verify(path, witness=witness).manifest

    assert {label: len(rows) for label, rows in witness.hashes.items()} == {
        file.model: file.rows for file in manifest.files
    }
    assert len(witness.hashes["events.pssevent"]) == 40


def test_second_reading_sees_archived_events_as_they_are_written() -> None:
    tournament = finished_tournament(300)
    part = scope.to_archive(tournament)
    runs.work(runs.begin(runs.Direction.ARCHIVE, [part]), [part])

    assert make_backup(tournament).counts["events.archivedpssevent"] == 300


def empty_details(rows: list[Row]) -> list[Row]:
    rows[4][-6] = "{}"
    return rows


def lose_the_number(rows: list[Row]) -> list[Row]:
    row = next(row for row in rows if row[10] is not None)
    row[10] = None
    return rows


def shift_time(rows: list[Row]) -> list[Row]:
    rows[-1][-2] = rows[-1][-2][:-1] + "7"
    return rows


WRONG: dict[str, tuple[Callable[[list[Row]], list[Row]], str]] = {
    "details lost": (empty_details, "row 5 is not what the database had"),
    "number lost": (lose_the_number, "is not what the database had"),
    "time changed": (shift_time, "row 40 is not what the database had"),
    "row lost": (lambda rows: rows[:7] + rows[8:], "row 8 is not what the database had"),
    "last row lost": (lambda rows: rows[:-1], "has 39 rows, and the database had 40"),
}


@pytest.mark.parametrize("what", WRONG)
def test_backup_that_was_written_wrongly_is_refused(
    written: tuple[Path, Witness], tmp_path: Path, what: str
) -> None:
    path, witness = written
    edit, words = WRONG[what]

    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        rows = edit([json.loads(line) for line in members[EVENTS].splitlines()])
        members[EVENTS] = b"".join(map(as_line, rows))
        rehash(manifest, members)

    bad = repack(path, tmp_path / "bad.zip", change)

    # By itself it is sound: it says the same when it is restored.
    verify(bad)
    with pytest.raises(BadBackupError, match=words):
        verify(bad, witness=witness)
