import os
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.checks.messages import CheckMessage
from django.db import connection

from restrike import checks, sqlite


def mistakes(**kwargs: Any) -> dict[str, CheckMessage]:
    return {str(m.id): m for m in run_checks(**kwargs) if str(m.id).startswith("restrike.")}


def test_checks_sound_configuration_is_silent(var: Path) -> None:
    assert mistakes() == {}


def test_checks_database_as_configured_is_silent(db: None, var: Path) -> None:
    assert mistakes(databases=["default"]) == {}


def test_checks_var_that_is_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(settings, "RESTRIKE_VAR", tmp_path / "file")

    assert "cannot be written" in mistakes()["restrike.E001"].msg


@pytest.mark.parametrize("name", checks.RANGES)
@pytest.mark.parametrize("side", [0, 1])
def test_checks_number_out_of_range_is_refused(
    name: str, side: int, var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = checks.RANGES[name][side]
    monkeypatch.setattr(settings, name, bound)
    assert mistakes() == {}
    monkeypatch.setattr(settings, name, bound + (1 if side else -1))
    assert name in mistakes()["restrike.E005"].msg


@pytest.mark.parametrize(
    "listen", [[], ["6000:"], ["0.0.0.0"], ["0.0.0.0:99999"], ["0.0.0.0:6000", "0.0.0.0:6000"]]
)
def test_checks_listen_that_cannot_work_is_refused(
    listen: list[str], var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "INGEST_LISTEN", listen)

    assert mistakes().keys() == {"restrike.E004"}


@pytest.mark.parametrize("listen", [["0.0.0.0:6000"], ["[::]:6000", "127.0.0.1:6001"]])
def test_checks_listen_that_works_is_silent(
    listen: list[str], var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "INGEST_LISTEN", listen)

    assert mistakes() == {}


@pytest.mark.parametrize("node", ["", "../up", "a b", "x" * 65])
def test_checks_node_that_is_no_directory_name_is_refused(
    node: str, var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "INGEST_NODE", node)

    assert mistakes().keys() == {"restrike.E006"}


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_checks_secret_key_that_others_can_read_is_warned_of(var: Path) -> None:
    key = var / "secret_key"
    key.write_text("secret")
    key.chmod(0o600)
    assert mistakes() == {}
    key.chmod(0o644)
    assert "644" in mistakes()["restrike.W001"].msg


@pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite")
def test_checks_sqlite_with_the_bug_is_refused(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "WAL_RESET_FIXED", (99, 0, 0))

    assert "can lose what was committed" in mistakes()["restrike.E002"].msg


@pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite")
@pytest.mark.parametrize(
    ("pragma", "value"), [("foreign_keys", 0), ("synchronous", 0), ("cache_size", -2000), ("busy_timeout", 5)]
)
def test_checks_pragma_that_reads_back_differently_is_refused(
    pragma: str, value: int, transactional_db: None, var: Path
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {pragma}")
        before = cursor.fetchone()[0]
        cursor.execute(f"PRAGMA {pragma}={value}")
        try:
            assert f"{pragma}={value}" in mistakes(databases=["default"])["restrike.E003"].msg
        finally:
            cursor.execute(f"PRAGMA {pragma}={before}")
