"""A second connection that sees one moment of the database while others go on writing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections


@contextmanager
def snapshot(using: str = "default") -> Iterator[str]:
    """The alias of a connection whose queries all see the same moment, and that locks nobody out.

    Inside a transaction that is the transaction itself, so that a caller's own changes are seen.
    """
    if connections[using].in_atomic_block:
        yield using
        return
    alias = f"snapshot-{uuid.uuid4().hex}"
    settings: dict[str, Any] = {**connections[using].settings_dict}
    settings["OPTIONS"] = dict(settings["OPTIONS"])
    # A pool is for many short uses; this is one, and its isolation must not stay behind.
    settings["OPTIONS"].pop("pool", None)
    connections.databases[alias] = settings
    try:
        connection = connections[alias]
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                # Each row is read once: what a busy connection keeps in memory would do nothing here.
                cursor.execute("PRAGMA cache_size = -8192")
                # What has to be put in order must not take a hundred megabytes.
                cursor.execute("PRAGMA temp_store = FILE")
                # DEFERRED, unlike Django's transactions here: it never asks for the writers' lock.
                cursor.execute("BEGIN DEFERRED")
                cursor.execute("SELECT count(*) FROM django_migrations")
            else:
                cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield alias
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK")
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.databases[alias]
