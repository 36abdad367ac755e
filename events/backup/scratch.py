"""An empty database of its own, gone afterwards: where a backup is tried out."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connections, models

# Nobody minds losing this file; it only has to be quick and small in memory.
_PRAGMAS = "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-8192; PRAGMA foreign_keys=ON;"


@contextmanager
def scratch(tables: Iterable[type[models.Model]]) -> Iterator[str]:
    """The alias of a new SQLite database with the tables of these models and of accounts.

    Unique constraints are there, so that a backup that breaks one is found out; other indexes would
    only take time.
    """
    alias = f"scratch-{uuid.uuid4().hex}"
    place = Path(settings.RESTRIKE_VAR) / "tmp"
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="verify-", dir=place, ignore_cleanup_errors=True) as directory:
        connections.databases[alias] = {
            **connections["default"].settings_dict,
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(Path(directory) / "scratch.sqlite3"),
            "OPTIONS": {"init_command": _PRAGMAS},
            "ATOMIC_REQUESTS": False,
            "CONN_MAX_AGE": 0,
        }
        try:
            with connections[alias].schema_editor() as editor:
                for model in [get_user_model(), *tables]:
                    editor.create_model(model)
                editor.deferred_sql.clear()
            yield alias
        finally:
            connections[alias].close()
            del connections[alias]
            del connections.databases[alias]
