"""Mistakes in the configuration, each with what to do about it.

Those with the database tag run with `manage.py check --database default` and before every start.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import DatabaseError

from events.alerts.addresses import split_webhook
from ingest.listen import ListenError, parse_listen
from ingest.listener import CONFIGURATION_TAG, NODE_NAME, NODE_NAME_HINT
from restrike import sqlite
from restrike.troubles import in_plain_words

_Apps = Sequence[AppConfig] | None

#: setting: least, most, what it counts.
RANGES = {
    "INGEST_BATCH_SIZE": (1, 2_000, "events"),
    "INGEST_FLUSH_MS": (1, 5_000, "ms"),
    "SESSION_IDLE_S": (10, 86_400, "s"),
    "JOURNAL_KEEP_DAYS": (1, 3_650, "days"),
    "JOURNAL_SEGMENT_MB": (1, 1_024, "MB"),
    "ARCHIVE_AFTER_DAYS": (1, 36_500, "days"),
}


LEAST_TOKEN = 20


@register(CONFIGURATION_TAG)
def check_var(app_configs: _Apps, **kwargs: Any) -> list[CheckMessage]:
    """E001: everything that is recorded is written below RESTRIKE_VAR."""
    var = Path(settings.RESTRIKE_VAR)
    try:
        var.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=var) as file:
            file.write(b"1")
    except OSError as error:
        return [
            Error(
                f"RESTRIKE_VAR, {var}, cannot be written: {error.strerror}.",
                hint="Make it writable for this user, make room, or set RESTRIKE_VAR to another directory.",
                id="restrike.E001",
            )
        ]
    return []


@register(CONFIGURATION_TAG)
def check_sqlite_version(app_configs: _Apps, **kwargs: Any) -> list[CheckMessage]:
    """E002: an SQLite that can lose committed writes when two processes use one file."""
    if not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        return []
    from sqlite3 import sqlite_version, sqlite_version_info

    if sqlite_version_info >= sqlite.WAL_RESET_FIXED:
        return []
    needed = ".".join(map(str, sqlite.WAL_RESET_FIXED))
    return [
        Error(
            f"SQLite {sqlite_version} has a bug that can lose what was committed (fixed in {needed}).",
            hint="Install the requirements again (pysqlite3 brings a newer SQLite), or use PostgreSQL.",
            id="restrike.E002",
        )
    ]


@register(CONFIGURATION_TAG, Tags.database)
def check_database(
    app_configs: _Apps, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """E009: the database answers. E003: SQLite really works the way it was told to."""
    messages: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        try:
            connection.ensure_connection()
            if connection.vendor == "sqlite":
                messages += _check_pragmas(connection)
        except DatabaseError as error:
            messages.append(Error(in_plain_words(error) or str(error), id="restrike.E009"))
    return messages


def sqlite_settings(connection: BaseDatabaseWrapper) -> dict[str, tuple[Any, Any]]:
    """Name -> (wanted, in force) of all that SQLite was told, read back from an open connection."""

    in_memory = "memory" in str(connection.settings_dict["NAME"])
    wanted: dict[str, Any] = {**sqlite.pragmas(), "busy_timeout": 20_000}
    if in_memory:
        # A database that lives in memory has no log and nothing to map; only tests have one.
        for name in ("journal_mode", "mmap_size"):
            del wanted[name]
    read: dict[str, tuple[Any, Any]] = {}
    with connection.cursor() as cursor:
        for name, value in wanted.items():
            cursor.execute(f"PRAGMA {name}")
            read[name] = value, cursor.fetchone()[0]
    read["transaction_mode"] = "IMMEDIATE", getattr(connection, "transaction_mode", None)
    return read


def _check_pragmas(connection: BaseDatabaseWrapper) -> list[CheckMessage]:
    return [
        Error(
            f"SQLite works with {name}={found}, but has to work with {name}={wanted}.",
            hint="Is the file on a network drive, or made by another program? "
            "Move it to a local disk and let `manage.py bootstrap` make it.",
            id="restrike.E003",
        )
        for name, (wanted, found) in sqlite_settings(connection).items()
        if found != wanted
    ]


@register(CONFIGURATION_TAG)
def check_listen(app_configs: _Apps, **kwargs: Any) -> list[CheckMessage]:
    """E004: each address to listen on is HOST:PORT."""
    messages: list[CheckMessage] = []
    entries = settings.INGEST_LISTEN
    if not entries:
        messages.append(_listen_error("INGEST_LISTEN is empty, so nothing would be recorded."))
    for entry in entries:
        try:
            parse_listen(entry)
        except ListenError:
            messages.append(_listen_error(f"INGEST_LISTEN has “{entry}”, which is no HOST:PORT."))
    for entry in sorted({entry for entry in entries if entries.count(entry) > 1}):
        messages.append(_listen_error(f"INGEST_LISTEN has “{entry}” twice."))
    return messages


def _listen_error(text: str) -> Error:
    return Error(
        text, hint="Example: INGEST_LISTEN=0.0.0.0:6000 or 0.0.0.0:6000,0.0.0.0:6001", id="restrike.E004"
    )


@register(CONFIGURATION_TAG)
def check_ranges(app_configs: _Apps, **kwargs: Any) -> list[CheckMessage]:
    """E005: numbers that would make the listener useless or dangerous."""
    return [
        Error(
            f"{name} is {getattr(settings, name)}, but has to be between {least:,} and {most:,} {unit}.",
            hint=f"Leave {name} out for the usual value.",
            id="restrike.E005",
        )
        for name, (least, most, unit) in RANGES.items()
        if not least <= getattr(settings, name) <= most
    ]


@register(CONFIGURATION_TAG)
def check_node(app_configs: _Apps, **kwargs: Any) -> list[CheckMessage]:
    """E006: the node's name is also the name of its journal's directory."""
    if NODE_NAME.fullmatch(settings.INGEST_NODE):
        return []
    return [Error(f"INGEST_NODE is “{settings.INGEST_NODE}”.", hint=NODE_NAME_HINT, id="restrike.E006")]


@register(CONFIGURATION_TAG, Tags.security)
def check_metrics_token(app_configs: _Apps, **kwargs: Any) -> list[CheckMessage]:
    """E010: a token that can be guessed."""
    if not settings.METRICS_TOKEN or len(settings.METRICS_TOKEN) >= LEAST_TOKEN:
        return []
    return [
        Error(
            f"METRICS_TOKEN is too short; it needs {LEAST_TOKEN} characters.",
            hint='Make one with: python -c "import secrets; print(secrets.token_urlsafe(32))"',
            id="restrike.E010",
        )
    ]


@register(CONFIGURATION_TAG)
def check_receivers(app_configs: _Apps, **kwargs: Any) -> list[CheckMessage]:
    """E020, E021: receivers of alerts that can never be reached."""
    messages: list[CheckMessage] = []
    if settings.ALERT_WEBHOOK_URL:
        try:
            split_webhook(settings.ALERT_WEBHOOK_URL)
        except ValueError:
            messages.append(
                Error(
                    "ALERT_WEBHOOK_URL is no http or https address.",
                    hint="Example: ALERT_WEBHOOK_URL=https://hooks.example.org/restrike",
                    id="restrike.E020",
                )
            )
    for address in settings.ALERT_EMAIL_TO:
        try:
            validate_email(address)
        except ValidationError:
            messages.append(
                Error(
                    f"ALERT_EMAIL_TO has “{address}”, which is no e-mail address.",
                    hint="Example: ALERT_EMAIL_TO=desk@example.org,technician@example.org",
                    id="restrike.E021",
                )
            )
    return messages


@register(CONFIGURATION_TAG, Tags.security)
def check_secret_key_file(app_configs: _Apps, **kwargs: Any) -> list[CheckMessage]:
    """W001: whoever reads the secret key can log in as anyone."""
    path = Path(settings.RESTRIKE_VAR) / "secret_key"
    if os.name != "posix" or not path.exists() or not path.stat().st_mode & 0o077:
        return []
    return [
        Warning(
            f"{path} can be read by others (mode {path.stat().st_mode & 0o777:o}).",
            hint=f"Run: chmod 600 {path}",
            id="restrike.W001",
        )
    ]
