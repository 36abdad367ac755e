"""Is the machine in order: settings, disk, clock, database."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, run_checks
from django.db import connection
from django.db.models import Max
from django.utils import timezone
from django.utils.formats import date_format

from events.models import EventTally
from events.typed import manage
from ingest.listener import CONFIGURATION_TAG
from restrike import checks, sqlite
from restrike.preflight.line import Line, bad, good, unknown
from restrike.troubles import database_name

#: A busy day of a large tournament takes some hundred megabytes, its backups as much again.
LEAST_FREE = 2_000_000_000
#: No clock of a machine that runs this version can rightly show an earlier time.
_WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)
#: adjtimex(2): the clock is not synchronised.
_TIME_ERROR = 5


def configuration() -> Line:
    key, title = "settings", "Settings"
    wrong = [message for message in run_checks(tags=[CONFIGURATION_TAG]) if message.is_serious()]
    if wrong:
        return _from_checks(key, title, wrong)
    return good(key, title, "Every setting makes sense.")


def disks() -> Line:
    """The room left where database, journal and backups are."""
    key, title = "disk", "Room on the disk"
    places = [Path(settings.RESTRIKE_VAR), Path(settings.BACKUP_DIR or settings.RESTRIKE_VAR).expanduser()]
    if connection.vendor == "sqlite" and Path(str(connection.settings_dict["NAME"])).exists():
        places.append(Path(str(connection.settings_dict["NAME"])).parent)
    by_device: dict[int, Path] = {}
    for place in places:
        if place.exists():
            by_device.setdefault(os.stat(place).st_dev, place)
    if not by_device:
        return bad(key, title, f"{places[0]} is not there.", f"Run: {manage('bootstrap')}")
    free, place = min((shutil.disk_usage(place).free, place) for place in by_device.values())
    if free < LEAST_FREE:
        return bad(
            key,
            title,
            f"Only {_size(free)} left where {place} is.",
            f"Make room until {_size(LEAST_FREE)} are free: empty the bin, or move old files elsewhere. "
            "Do not delete anything in RESTRIKE_VAR by hand.",
        )
    return good(key, title, f"{_size(free)} left.")


def clock() -> Line:
    """Times are told by this machine's clock, so it has to be right before the first match."""
    key, title = "clock", "Clock"
    now = timezone.now()
    here = date_format(timezone.localtime(now), "l j F Y, H:i:s")
    shown = f"It is {here} ({timezone.get_current_timezone_name()})"
    if now < _WRITTEN:
        return bad(key, title, f"{shown}: that cannot be.", "Set the date and the time of this machine.")
    newest = EventTally.objects.aggregate(newest=Max("minute"))["newest"]
    if newest and newest - now > timedelta(minutes=5):
        return bad(
            key,
            title,
            f"{shown}, but events from {date_format(timezone.localtime(newest), 'l j F Y, H:i')} are stored.",
            "Set the date and the time of this machine; it was later before.",
        )
    synchronised = clock_is_synchronised()
    if synchronised:
        return good(key, title, f"{shown}, kept right by a time server.")
    why = (
        "No time server keeps it right"
        if synchronised is False
        else "This system does not say whether a time server keeps it right"
    )
    return unknown(key, title, f"{shown}. {why}.", "Compare it with a watch.")


def clock_is_synchronised() -> bool | None:
    """What the kernel was told by whoever sets the clock (adjtimex(2)); None where it does not say."""
    if sys.platform != "linux" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    # struct timex, 208 bytes; modes 0 only reads.
    timex = ctypes.create_string_buffer(256)
    try:
        state: int = ctypes.CDLL(None).adjtimex(timex)
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


def database() -> list[Line]:
    """What the open connection really works with."""
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        return [_sqlite_settings(), _sqlite_version()]
    return [_postgresql()]


def _sqlite_settings() -> Line:
    key, title = "database", "Database settings"
    if wrong := checks.check_database(None, databases=[connection.alias]):
        return _from_checks(key, title, wrong)
    read = ", ".join(f"{name}={found}" for name, (_, found) in checks.sqlite_settings(connection).items())
    return good(key, title, f"In force: {read}.")


def _sqlite_version() -> Line:
    key, title = "sqlite", "SQLite"
    if wrong := checks.check_sqlite_version(None):
        return _from_checks(key, title, wrong)
    from sqlite3 import sqlite_version

    fixed = ".".join(map(str, sqlite.WAL_RESET_FIXED))
    return good(key, title, f"Version {sqlite_version}, without the fault that versions before {fixed} have.")


def _postgresql() -> Line:
    key, title = "database", "Database settings"
    found = {}
    with connection.cursor() as cursor:
        for name in ("fsync", "full_page_writes", "synchronous_commit", "server_version"):
            cursor.execute(f"SHOW {name}")
            found[name] = cursor.fetchone()[0]
    version = found.pop("server_version")
    off = [name for name, value in found.items() if value == "off"]
    if off:
        return bad(
            key,
            title,
            f"{database_name()} works with {', '.join(f'{name}=off' for name in off)}: "
            "a power failure could lose what was stored.",
            f"In postgresql.conf set {', '.join(f'{name}=on' for name in off)}, then start PostgreSQL again.",
        )
    read = ", ".join(f"{name}={value}" for name, value in found.items())
    return good(key, title, f"PostgreSQL {version}. In force: {read}.")


def _from_checks(key: str, title: str, wrong: list[CheckMessage]) -> Line:
    mend = " ".join(dict.fromkeys(str(message.hint) for message in wrong if message.hint))
    return bad(
        key,
        title,
        " ".join(str(message.msg) for message in wrong),
        mend or "Correct it, then start again.",
    )


def _size(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"
