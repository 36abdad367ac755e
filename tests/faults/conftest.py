"""A database on a disk that can be filled, whose room only what a test does takes."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import on_postgresql
from tests.processes import Stack

# Whenever it comes, it takes room (maps of what is free) and gives some (of deleted rows).
AUTOVACUUM_OFF = """
DO $$ DECLARE one regclass; BEGIN
    FOR one IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
        EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off, toast.autovacuum_enabled = off)', one);
    END LOOP;
END $$
"""


@pytest.fixture
def small_disk(make_small_disk: Callable[[str], Path]) -> Path:
    """A disk of 64 MB, which PostgreSQL's account can reach."""
    return make_small_disk("64m")


@pytest.fixture
def database_on_small_disk(request: pytest.FixtureRequest, small_disk: Path) -> Iterator[str]:
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
    with psycopg.connect(url) as connection:
        connection.execute(AUTOVACUUM_OFF)
    # A new database is files full of holes (6 MB of them) until the next checkpoint, which any other test on
    # the server may bring about: it would fill the disk up at its own time.
    server.execute("CHECKPOINT")
    yield url
    server.drop(url)
    server.execute(f"DROP TABLESPACE {name}")


@pytest.fixture
def stack_on_small_disk(database_on_small_disk: str, make_stack: Callable[[str], Stack]) -> Iterator[Stack]:
    """Its database is on the small disk, its var directory is not."""
    stack = make_stack(database_on_small_disk)
    yield stack
    # Before its disk goes.
    stack.close()


@pytest.fixture
def fill(small_disk: Path) -> Callable[[int], Path]:
    """Leaves so many bytes of the small disk free; the file to remove to make room."""

    def fill(leaving: int) -> Path:
        filler = small_disk / "filler"
        # In small steps: PostgreSQL may still write to it meanwhile.
        with filler.open("wb", buffering=0) as file:
            while (room := shutil.disk_usage(small_disk).free - leaving) > 0:
                file.write(bytes(min(room, 65_536)))
        return filler

    return fill
