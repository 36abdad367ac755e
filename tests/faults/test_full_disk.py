"""A really full disk under the database: what a person is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import on_postgresql
from tests.faults.test_archive_full_disk import NONE_TO_BEGIN, staged
from tests.processes import Stack

NOTHING_CHANGED = "The disk of the database is full. Make room, then start it again; nothing was changed."
# Any command that stores something.
STORE = ("shell", "--no-imports", "-c", "from tests.factories import TournamentFactory; TournamentFactory()")


def test_command_says_where_room_is_wanted(
    stack_on_small_disk: Stack, fill: Callable[[int], Path], small_disk: Path
) -> None:
    stack = stack_on_small_disk
    if on_postgresql():
        where = f"PostgreSQL {stack.url.rpartition('/')[2]} at "
    else:
        where = f"SQLite {small_disk / 'restrike.sqlite3'}"
    filler = fill(NONE_TO_BEGIN)

    done = stack.manage(*STORE, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith(f"The disk of the database is full. Make room where {where}")
    assert " keeps its data, then start again; nothing recorded is lost. (It said: " in done.stderr
    # Another directory for everything else would not give the database room.
    assert "RESTRIKE_VAR" not in done.stderr
    filler.unlink()
    stack.manage(*STORE)


def test_command_says_that_another_directory_helps_where_it_does(
    stack_on_small_disk: Stack, fill: Callable[[int], Path], small_disk: Path
) -> None:
    stack = stack_on_small_disk
    stack.env["RESTRIKE_VAR"] = str(small_disk)
    stack.manage("check")
    fill(NONE_TO_BEGIN)

    done = stack.manage(*STORE, check=False)

    assert done.returncode == 1
    assert ("Make room or set RESTRIKE_VAR to another directory" in done.stderr) is not on_postgresql()


@pytest.mark.skipif(not on_postgresql(), reason="about a server; the run on PostgreSQL has it")
def test_server_that_has_no_room_to_let_anybody_in_is_not_said_to_be_away(
    stack_on_small_disk: Stack, fill: Callable[[int], Path], small_disk: Path
) -> None:
    stack = stack_on_small_disk
    # Written by whoever connects next, as after VACUUM of the catalogues.
    for file in small_disk.rglob("pg_internal.init"):
        file.unlink()
    filler = fill(0)

    done = stack.manage("status", check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("The disk of the database is full. Make room where PostgreSQL ")
    filler.unlink()
    stack.manage("status")


def test_backups_on_a_full_disk_change_nothing_and_leave_no_files(
    stack_on_small_disk: Stack, fill: Callable[[int], Path]
) -> None:
    stack = stack_on_small_disk
    backups = stack.var / "backups"
    slug = staged(stack, "finished_tournament(3_000).slug")
    filler = fill(NONE_TO_BEGIN)

    for _ in range(2):
        job = stack.manage("runjob", "events", "backups")
        said = job.stdout + job.stderr
        assert f"No backup of Open 0: {NOTHING_CHANGED}" in said
        assert "Traceback" not in said
    assert list(backups.iterdir()) == []
    refused = stack.manage("delete_tournament", slug, "--yes", slug, check=False)
    assert refused.stderr.strip() == f"CommandError: {NOTHING_CHANGED}"
    assert list(backups.iterdir()) == []

    filler.unlink()
    stack.manage("backup_tournament", slug)
    (backup,) = backups.iterdir()
    filler = fill(NONE_TO_BEGIN)
    for how in ([], ["--replace", slug, "--yes", slug]):
        refused = stack.manage("restore_tournament", str(backup), *how, check=False)
        assert refused.stderr.strip() == f"CommandError: {NOTHING_CHANGED}"
    assert (stack.count(), stack.count("tournaments_tournament")) == (3_000, 1)

    filler.unlink()
    stack.manage("restore_tournament", str(backup))
    assert (stack.count(), stack.count("tournaments_tournament")) == (6_000, 2)
