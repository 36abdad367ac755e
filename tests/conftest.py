"""Shared by all tests: a var directory of their own, free ports, and databases for real processes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings

from tests.processes import PROJECT, Stack, free_port, wait_until

IN_CI = os.environ.get("CI", "").lower() == "true"

# Nothing that a test writes may land in the var directory of the person who runs it. pytest-django
# has read the settings before this file, so both the environment and the settings are changed.
_VAR = Path(tempfile.mkdtemp(prefix="restrike-tests-"))
os.environ["RESTRIKE_VAR"] = str(_VAR)
settings.RESTRIKE_VAR = _VAR


def pytest_unconfigure() -> None:
    shutil.rmtree(_VAR, ignore_errors=True)


def unavailable(reason: str) -> NoReturn:
    """A service is missing: fails in CI, skips with the reason elsewhere."""
    if IN_CI:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
) -> None:
    """Test databases of runs beside each other must not meet on one PostgreSQL server."""
    from django.db import connections

    for connection in connections.all():
        if connection.vendor == "sqlite":
            # A file in WAL mode, as in life; a database in memory locks whole tables against readers.
            connection.settings_dict["TEST"]["NAME"] = str(_VAR / "test.sqlite3")
        if connection.vendor == "postgresql":
            test = connection.settings_dict["TEST"]
            test["NAME"] = f"{test.get('NAME') or 'test_restrike'}_{os.getpid()}"


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """RESTRIKE_VAR of this test alone, in the environment and in the settings."""
    directory = tmp_path / "var"
    directory.mkdir()
    monkeypatch.setenv("RESTRIKE_VAR", str(directory))
    monkeypatch.setattr(settings, "RESTRIKE_VAR", directory)
    return directory


@pytest.fixture
def udp_port() -> int:
    return free_port()


@pytest.fixture
def tcp_port() -> int:
    return free_port(socket.SOCK_STREAM)


# --- Databases for real processes ------------------------------------------------------------------


def _migrate(url: str) -> None:
    env = {**os.environ, "DATABASE_URL": url}
    subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), "migrate", "--verbosity", "0"],
        env=env,
        cwd=PROJECT,
        check=True,
        timeout=120,
    )


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "restrike.sqlite3"
    _migrate(f"sqlite:///{path}")
    return path


class PostgresServer:
    """A server to make databases on; `template` is migrated and empty."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.template = f"restrike_template_{uuid.uuid4().hex[:12]}"

    def database_url(self, name: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def execute(self, sql: str) -> None:
        # While a test beside this one keeps a disk of the server full, no checkpoint succeeds, and with it
        # no database can be dropped.
        wait_until(lambda: self._execute(sql), 90, "a checkpoint of PostgreSQL")

    def _execute(self, sql: str) -> bool:
        with psycopg.connect(self.url, autocommit=True) as connection:
            try:
                connection.execute(sql)  # type: ignore[arg-type]
            except psycopg.errors.InternalError_ as error:
                if "checkpoint request failed" not in str(error):
                    raise
                return False
        return True

    def create(self, *, migrated: bool = True) -> str:
        """The URL of a new database."""
        name = f"restrike_{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {self.template}" if migrated else ""))
        return self.database_url(name)

    def drop(self, url: str) -> None:
        name = urlsplit(url).path.removeprefix("/")
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server in DATABASE_URL when that is PostgreSQL, else the one on 127.0.0.1:5432."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        url = "postgres://postgres@127.0.0.1:5432/postgres"
    try:
        with psycopg.connect(url, connect_timeout=3):
            pass
    except psycopg.OperationalError as error:
        unavailable(f"no PostgreSQL answers: {str(error).strip().splitlines()[0]}")
    server = PostgresServer(url)
    server.execute(f"CREATE DATABASE {server.template}")
    try:
        _migrate(server.database_url(server.template))
        yield server
    finally:
        server.drop(server.database_url(server.template))


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """The DATABASE_URL of a migrated, empty PostgreSQL database of this test alone."""
    url = postgres_server.create()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def sqlite_file(sqlite_template: Path, tmp_path: Path) -> str:
    """The DATABASE_URL of a migrated, empty SQLite file of this test alone."""
    path = tmp_path / "restrike.sqlite3"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


def on_postgresql() -> bool:
    """Whether this run is the one on PostgreSQL."""
    return os.environ.get("DATABASE_URL", "").startswith("postgres")


@pytest.fixture
def fresh_database(request: pytest.FixtureRequest) -> str:
    """The DATABASE_URL of a migrated, empty database of the kind this run is on."""
    url: str = request.getfixturevalue("postgres" if on_postgresql() else "sqlite_file")
    return url


@pytest.fixture
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The DATABASE_URL of a database without tables, of the kind this run is on."""
    if not on_postgresql():
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create(migrated=False)
    yield url
    server.drop(url)


@pytest.fixture
def make_stack(tmp_path: Path) -> Iterator[Callable[[str], Stack]]:
    """Makes stacks on a given DATABASE_URL; all their processes end with the test."""
    stacks: list[Stack] = []

    def make(url: str) -> Stack:
        directory = tmp_path / f"var{len(stacks)}"
        directory.mkdir()
        stacks.append(Stack(directory, url))
        return stacks[-1]

    yield make
    for stack in stacks:
        stack.close()


@pytest.fixture
def stack(fresh_database: str, make_stack: Callable[[str], Stack]) -> Stack:
    """A stack on a migrated, empty database of the kind this run is on."""
    return make_stack(fresh_database)


# --- Disks -----------------------------------------------------------------------------------------


@pytest.fixture
def make_small_disk() -> Iterator[Callable[[str], Path]]:
    """Mounts a disk of the given size ("64k", "16m") that can be filled; its directory.

    Not under pytest's own directory, which another run beside this one closes to other accounts.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted: list[Path] = []

    def make(size: str) -> Path:
        place = Path(tempfile.mkdtemp(prefix="restrike-disk-"))
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
        done = subprocess.run(mount, capture_output=True, text=True)
        if done.returncode:
            unavailable(f"no small disk can be mounted here: {done.stderr.strip()}")
        mounted.append(place)
        return place

    yield make
    for place in mounted:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        place.rmdir()


# --- Chromium --------------------------------------------------------------------------------------


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright leaves an event loop behind in which Django's tests cannot run."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium, as playwright's own cannot be downloaded in a hall."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        unavailable("no Chromium is installed (apt install chromium)")
    # Chromium refuses its sandbox to root, which is who runs CI.
    args = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": path, "args": args}
