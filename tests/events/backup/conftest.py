"""The databases that backing up makes for itself are let through Django's guard of the test database."""

from pathlib import Path
from typing import Any

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from events.backup.write import write_backup
from tests.events.backup.hall import make_tournament


@pytest.fixture(autouse=True)
def own_databases(db: None, var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guarded = BaseDatabaseWrapper.ensure_connection

    def ensure_connection(self: Any) -> None:
        if not self.alias.startswith(("scratch-", "snapshot-")):
            guarded(self)
        elif self.connection is None:
            with self.wrap_database_errors:
                self.connect()

    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", ensure_connection)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """The backup of a small tournament that is also in the database."""
    path = tmp_path / "open.zip"
    write_backup(make_tournament().pk, path)
    return path
