"""Bad settings and troubles, met the way a person meets them: on the command line."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.conftest import PostgresServer
from tests.processes import Stack, free_port

Make = Callable[[str], Stack]


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("INGEST_BATCH_SIZE", "abc", "INGEST_BATCH_SIZE is “abc”, but has to be a whole number."),
        ("DEBUG", "perhaps", "DEBUG is “perhaps”, but has to be True or False."),
        ("TIME_ZONE", "Mars", "TIME_ZONE is “Mars”"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL is “loud”"),
        ("DATABASE_URL", "nonsense", "DATABASE_URL names no SQLite or PostgreSQL database."),
        ("DATABASE_URL", "mysql://host/name", "DATABASE_URL names no SQLite or PostgreSQL database."),
        ("DATABASE_URL", "postgres://user@host:port/name", "DATABASE_URL names no SQLite or PostgreSQL"),
    ],
)
def test_settings_bad_value_is_one_sentence(variable: str, value: str, says: str, make_stack: Make) -> None:
    stack = make_stack("sqlite://:memory:")
    stack.env[variable] = value

    done = stack.manage("status", check=False)

    assert done.returncode == 1
    assert done.stdout == ""
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_settings_traceback_can_be_asked_for(make_stack: Make) -> None:
    stack = make_stack("sqlite://:memory:")
    stack.env["INGEST_BATCH_SIZE"] = "abc"

    assert "Traceback" in stack.manage("status", "--traceback", check=False).stderr


def test_settings_unreachable_database_is_one_sentence(make_stack: Make) -> None:
    stack = make_stack(f"postgres://user:secret@127.0.0.1:{free_port()}/name")

    done = stack.manage("status", check=False)

    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_database_that_is_not_there_is_one_sentence(
    postgres_server: PostgresServer, make_stack: Make
) -> None:
    done = make_stack(postgres_server.database_url("restrike_nowhere")).manage("status", check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("The database is not set up. Make it, then run: ")
    assert 'database "restrike_nowhere" does not exist' in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_database_without_tables_says_how_to_make_them(
    empty_database: str, make_stack: Make
) -> None:
    done = make_stack(empty_database).manage("status", check=False)

    assert done.returncode == 1
    assert "manage.py bootstrap" in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_file_that_is_no_database_is_one_sentence(make_stack: Make) -> None:
    stack = make_stack("")
    (stack.var / "restrike.sqlite3").write_bytes(b"this is not a database" * 100)

    done = stack.manage("status", check=False)

    assert done.returncode == 1
    assert "is damaged or is no SQLite database" in done.stderr


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="/proc refuses even root")
def test_settings_var_that_cannot_be_made_is_one_sentence(make_stack: Make) -> None:
    stack = make_stack("")
    stack.env["RESTRIKE_VAR"] = "/proc/restrike"

    done = stack.manage("status", check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("Cannot write to /proc/restrike")


def run_with_django(code: str) -> str:
    """What a fresh process prints after it has set Django up."""
    return subprocess.run(
        [sys.executable, "-c", f"import sys, django; django.setup(); {code}"],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "restrike.settings"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_a_process_that_captures_loads_neither_server_nor_admin() -> None:
    """Each takes 20 MB of every process that it is loaded in."""
    loaded = run_with_django("import ingest.importer, ingest.supervisor; print(*sys.modules)").split()

    assert "ingest.importer" in loaded
    assert not {"twisted", "events.admin", "tournaments.admin"} & set(loaded)


def test_check_looks_at_the_pages_of_the_admin() -> None:
    """They are found late, so the check has to ask for them."""
    asked = (
        "from django.core import checks; from django.contrib import admin;"
        "checks.run_checks(tags=['admin']); print(*(model.__name__ for model in admin.site._registry))"
    )

    assert {"PssEvent", "Tournament", "User"} <= set(run_with_django(asked).split())
