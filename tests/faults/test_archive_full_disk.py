"""The disk fills up while events move: one sentence, every event in one place, and the rest another time."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import on_postgresql
from tests.processes import Stack

EVENTS = 30_000
FULL = (
    "CommandError: The disk of the database is full. Make room, then start it again; what was moved is kept."
)


@pytest.fixture
def small_disk(make_small_disk: Callable[[str], Path]) -> Path:
    """A disk of 64 MB, which PostgreSQL's account can reach."""
    return make_small_disk("64m")


@pytest.fixture
def database(request: pytest.FixtureRequest, small_disk: Path) -> Iterator[str]:
    """The DATABASE_URL of a migrated, empty database on the small disk."""
    if not on_postgresql():
        path = small_disk / "restrike.sqlite3"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgres_server")
    name = f"restrike_{uuid.uuid4().hex[:12]}"
    shutil.chown(small_disk, "postgres")
    server.execute(f"CREATE TABLESPACE {name} LOCATION '{small_disk}'")
    url = server.database_url(name)
    server.execute(f"CREATE DATABASE {name} TEMPLATE {server.template} TABLESPACE {name}")
    yield url
    server.drop(url)
    server.execute(f"DROP TABLESPACE {name}")


@pytest.fixture
def stack(database: str, make_stack: Callable[[str], Stack]) -> Iterator[Stack]:
    stack = make_stack(database)
    yield stack
    # Before its disk goes.
    stack.close()


def staged(stack: Stack, expression: str) -> str:
    """What an expression gives in a process on the database of the stack."""
    code = f"from tests.events.archive_stage import *; print({expression})"
    return stack.manage("shell", "--no-imports", "-c", code).stdout.strip()


def places(stack: Stack) -> tuple[int, int, int]:
    """Events that are live, that are archived, and that are both."""
    both = "SELECT id FROM events_pssevent INTERSECT SELECT id FROM events_archivedpssevent"
    return (
        stack.count(),
        stack.count("events_archivedpssevent"),
        stack.count(f"({both}) AS both_places"),
    )


def fill(filler: Path, leaving: int) -> None:
    """Leaves so many bytes of the disk free, in small steps: PostgreSQL may still write to it meanwhile."""
    with filler.open("wb", buffering=0) as file:
        while (room := shutil.disk_usage(filler.parent).free - leaving) > 0:
            file.write(bytes(min(room, 65_536)))


@pytest.mark.parametrize(
    "leaving", [pytest.param(100_000, id="at once"), pytest.param(3_500_000, id="after some slices")]
)
def test_full_disk_stops_the_archive_in_one_sentence_and_loses_nothing(
    stack: Stack, small_disk: Path, leaving: int
) -> None:
    slug = staged(stack, f"finished_tournament({EVENTS}).slug")
    before = staged(stack, "live_hash(Tournament.objects.get())")
    filler = small_disk / "filler"

    for command, end in (("archive_events", (0, EVENTS, 0)), ("unarchive_events", (EVENTS, 0, 0))):
        begun = places(stack)
        fill(filler, leaving)
        done = stack.manage(command, "--tournament", slug, check=False)
        assert (done.returncode, done.stderr.strip()) == (1, FULL)
        live, archived, both = places(stack)
        assert (live + archived, both) == (EVENTS, 0)
        assert (live, archived, both) != end
        assert ((live, archived, both) == begun) is (leaving < 1_000_000)

        filler.unlink()
        stack.manage(command, "--tournament", slug)
        assert places(stack) == end
    assert staged(stack, "live_hash(Tournament.objects.get())") == before
