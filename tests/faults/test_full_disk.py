"""A really full disk under the database: what a person is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conftest import on_postgresql
from tests.faults.test_archive_full_disk import NONE_TO_BEGIN
from tests.processes import Stack

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
