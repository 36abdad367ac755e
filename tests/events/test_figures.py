"""What matches say of hits and points, and the totals by the hour: as the events have it, always."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.archive import runs, scope
from events.backup.restore import Mode, restore
from events.backup.write import write_backup
from events.figures import count, count_missing, figures_of
from events.models import EventTally, HourTally, Match, PssEvent
from events.reader import reader
from events.reparse import reparse
from tests import totals
from tests.events.archive_stage import finished_tournament
from tests.events.backup.hall import make_tournament, rehash, repack
from tests.events.boards import LOAD, board_of, heard, play
from tests.factories import MatchFactory, PssEventFactory, UdpSessionFactory, make_day, tally_events

pytestmark = pytest.mark.django_db

BLANK = {
    "hits": [0, 0],
    "hits_measured": [0, 0],
    "hit_sum": [0, 0],
    "hit_best": [0, 0],
    "points": [{}, {}],
    "points_sum": [0, 0],
}


# --- The fold -----------------------------------------------------------------------------------------


def test_figures_leave_the_99_of_judges_out_of_levels() -> None:
    board = board_of(
        *LOAD, (1, "clk;02:00;start"), (2, "hl1;40"), (3, "hl1;99"), (4, "hl1;20"), (5, "pt1;2"), (6, "hl2;7")
    )

    assert board.figures() == {
        "hits": [3, 1],
        "hits_measured": [2, 1],
        "hit_sum": [60, 7],
        "hit_best": [40, 7],
        "points": [{"body": 1}, {}],
        "points_sum": [2, 0],
    }


@pytest.mark.parametrize("late", ["mch", "at1", "pre"])
def test_figures_survive_that_the_moment_of_a_load_is_put_in_order(late: str) -> None:
    """The load is taken in again then: it must clear nothing twice, nor forget the match before."""
    before = [*LOAD, (1, "clk;02:00;start"), (2, "hl1;40"), (3, "pt1;2")]
    again = [(60 + seconds, line.replace("mch;7", "mch;8")) for seconds, line in LOAD]
    moved = next(entry for entry in again if entry[1].startswith(late))
    again.remove(moved)
    again.insert(0 if late == "pre" else len(again), (60.031, moved[1]))
    # A contact of the new match in the middle of its load.
    again.insert(-1, (60.03, "hl2;33"))

    board = play(heard([*before, *again]))

    assert board.previous is not None
    assert board.previous["figures"] == {
        **BLANK,
        "hits": [1, 0],
        "hits_measured": [1, 0],
        "hit_sum": [40, 0],
        "hit_best": [40, 0],
        "points": [{"body": 1}, {}],
        "points_sum": [2, 0],
    }
    assert board.figures() == {
        **BLANK,
        "hits": [0, 1],
        "hits_measured": [0, 1],
        "hit_sum": [0, 33],
        "hit_best": [0, 33],
    }


# --- What changes events afterwards -------------------------------------------------------------------


def test_reparse_counts_the_figures_of_its_matches_anew() -> None:
    day = make_day()
    match, other = MatchFactory(day=day, figures=BLANK), MatchFactory(day=day, figures=None)
    fields = {
        "stream": "",
        "athlete": 0,
        "value": None,
        "kind": "unknown",
        "status": "unknown",
        "details": {},
    }
    PssEventFactory(match=match, day=day, raw="pt1;3\\r\\n", **fields)
    PssEventFactory(match=match, day=day, raw="hl2;40\\r\\n", **fields)
    PssEventFactory(match=other, day=day)
    tally_events()

    reparse(PssEvent.objects.all(), reader(), slice_size=1)

    match.refresh_from_db()
    other.refresh_from_db()
    assert (match.figures["points"], match.figures["hit_best"]) == ([{"head": 1}, {}], [0, 40])
    assert other.figures is None
    assert totals.hours() == totals.counted_hours()


def test_figures_and_hours_stay_as_they_are_through_the_archive() -> None:
    tournament = finished_tournament(1_000)
    count_missing()
    figures, hours = totals.figures(), totals.hours()
    assert figures == totals.counted_figures()

    part = scope.to_archive(tournament)
    runs.work(runs.begin(runs.Direction.ARCHIVE, [part]), [part])

    assert not PssEvent.objects.exists()
    assert (totals.figures(), totals.hours()) == (figures, hours)
    assert totals.counted_hours() == hours
    Match.objects.update(figures=None)
    assert figures_of(Match.objects.all()) == figures
    assert count_missing() == len(figures)
    assert totals.figures() == figures


# --- Matches without figures --------------------------------------------------------------------------


def old_matches(number: int) -> list[Match]:
    """As they were stored before rows kept figures."""
    day = make_day()
    matches = MatchFactory.create_batch(number, day=day, figures=None)
    for match in matches:
        session = UdpSessionFactory(court=match.court)
        PssEventFactory(session=session, match=match, day=day, athlete=1)
        PssEventFactory(session=session, match=match, day=day, kind="hit", value=30, athlete=2, details={})
    return matches  # type: ignore[no-any-return]


def test_figures_of_matches_without_are_counted_when_read() -> None:
    matches = old_matches(2)

    found = figures_of(matches)

    assert found == totals.counted_figures()
    assert found[matches[0].pk]["points"] == [{"head": 1}, {}]
    assert set(totals.figures().values()) == {None}


def test_count_missing_stores_them_in_slices_and_ends() -> None:
    old_matches(25)
    kept = MatchFactory(figures=BLANK)

    assert count_missing() == 25
    assert count_missing() == 0

    kept.refresh_from_db()
    assert kept.figures == BLANK
    assert totals.figures() == totals.counted_figures()


def test_counting_costs_the_same_queries_for_one_match_and_three() -> None:
    matches = old_matches(4)
    with CaptureQueriesContext(connection) as one:
        figures_of(matches[:1])
    with CaptureQueriesContext(connection) as three:
        figures_of(matches[1:])
    assert len(one) == len(three) == 2


# --- Backups ------------------------------------------------------------------------------------------


def without_figures(path: Path, target: Path) -> Path:
    """The backup as a version without figures wrote it."""

    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        for file in manifest["files"]:
            if file["model"] == "events.match":
                place = file["columns"].index("figures")
                del file["columns"][place]
                rows = [json.loads(line) for line in members[file["name"]].splitlines()]
                for row in rows:
                    del row[place]
                members[file["name"]] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        rehash(manifest, members)

    return repack(path, target, change)


def alike(figures: dict[int, Any]) -> list[str]:
    return sorted(json.dumps(of, sort_keys=True) for of in figures.values())


@pytest.mark.parametrize("mode", list(Mode))
def test_restore_counts_hours_and_figures_as_the_events_are(tmp_path: Path, mode: Mode) -> None:
    tournament = make_tournament()
    make_tournament(name="Other")
    count_missing()
    write_backup(tournament.pk, tmp_path / "a.zip")
    # What is lost since: a merge brings it back.
    PssEvent.objects.filter(tournament=tournament, pk__lt=20).delete()
    tally_events()
    count(totals.figures())

    restore(tmp_path / "a.zip", mode, replaced="open")

    assert totals.hours() == totals.counted_hours()
    assert totals.figures() == totals.counted_figures()
    assert HourTally.objects.total() == EventTally.objects.total()


def test_restore_of_a_backup_without_figures_leaves_them_to_be_counted(tmp_path: Path) -> None:
    tournament = make_tournament()
    count_missing()
    figures = totals.figures()
    write_backup(tournament.pk, tmp_path / "new.zip")
    restore(without_figures(tmp_path / "new.zip", tmp_path / "old.zip"), Mode.REPLACE, replaced="open")

    assert set(totals.figures().values()) == {None}
    assert alike(figures_of(Match.objects.all())) == alike(figures)
    assert totals.hours() == totals.counted_hours()


def test_migration_sums_the_hours_of_the_totals_that_are_there() -> None:
    make_tournament()
    kept = totals.hours()
    HourTally.objects.all().delete()

    migration = importlib.import_module("events.migrations.0011_sum_hours")
    migration.sum_hours(apps, SimpleNamespace(connection=connection))

    assert totals.hours() == kept == totals.counted_hours()
