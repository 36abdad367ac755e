"""What a backup says about itself: the first thing read of it, and the last thing written."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.models import Max, Min

from events.backup.rules import OUTSIDE, Part
from events.backup.trouble import BadBackupError
from events.models import ListenerNode, PssEvent
from tournaments.models import Tournament

FORMAT = "restrike-backup"
VERSION = 1
NAME = "manifest.json"
LARGEST = 16 * 1024 * 1024
_FILE = re.compile(r"data/([a-z0-9_]+\.[a-z0-9_]+)\.ndjson")


@dataclass
class File:
    """One model's file: `bytes` and `sha256` are of what it unpacks to."""

    name: str
    model: str
    role: str
    columns: list[str]
    rows: int
    bytes: int
    sha256: str


@dataclass
class Manifest:
    """`time_range` is that of the live events, ISO 8601; `ledger` what each listener counted until then."""

    format: str
    version: int
    application: str
    made_at: str
    made_by: str
    reason: str
    migrations: dict[str, list[str]]
    tournament: dict[str, str]
    time_range: list[str] | None
    ledger: list[dict[str, Any]]
    files: list[File] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def size(self) -> int:
        return sum(file.bytes for file in self.files)

    def count(self, label: str) -> int:
        """Rows of one model, by its label in lower case."""
        return sum(file.rows for file in self.files if file.model == label)

    def as_json(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode()


def file_name(part: Part) -> str:
    return f"data/{part.label}.ndjson"


def describe(tournament: Tournament, parts: list[Part], reason: str, made_by: str, using: str) -> Manifest:
    """A manifest without its files, of what the connection sees."""
    times = PssEvent.objects.using(using).filter(tournament=tournament.pk)
    span = times.aggregate(first=Min("received_at"), last=Max("received_at"))
    nodes = ListenerNode.objects.using(using).order_by("name")
    counters = ("name", "received", "stored", "kernel_drops", "blind_ms", "damaged")
    names = ("slug", "name", "city", "country", "venue", "start_date", "end_date", "time_zone")
    return Manifest(
        format=FORMAT,
        version=VERSION,
        application=application_version(),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        made_by=made_by,
        reason=reason,
        migrations=migrations({part.model._meta.app_label for part in parts}, using),
        tournament={name: str(getattr(tournament, name)) for name in names},
        time_range=[span["first"].isoformat(), span["last"].isoformat()] if span["first"] else None,
        ledger=[dict(zip(counters, row, strict=True)) for row in nodes.values_list(*counters)],
    )


def application_version() -> str:
    """As `pyproject.toml` has it."""
    with (Path(settings.BASE_DIR) / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def migrations(apps: set[str], using: str) -> dict[str, list[str]]:
    """app -> the migrations in force"""
    loader = MigrationLoader(connections[using], ignore_no_migrations=True)
    found: dict[str, list[str]] = {app: [] for app in sorted(apps)}
    for app, name in sorted(loader.applied_migrations):
        if app in found:
            found[app].append(name)
    return found


def read(text: bytes) -> Manifest:
    """BadBackupError when it is not a manifest this version can restore."""
    try:
        found = json.loads(text, object_pairs_hook=_no_key_twice)
    except ValueError:
        raise BadBackupError("Its manifest is not JSON.") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise BadBackupError("This is not a backup of reStrike VTA.")
    version = found.get("version")
    if not isinstance(version, int) or version < 1:
        raise BadBackupError("Its manifest does not say which format it has.")
    if version > VERSION:
        raise BadBackupError(
            f"It has format {version}, and this version reads up to {VERSION}. Update reStrike VTA first."
        )
    try:
        manifest = msgspec.convert(found, Manifest)
    except msgspec.ValidationError as error:
        raise BadBackupError(f"Its manifest is not complete: {error}.") from None
    _refuse_unknown_migrations(manifest)
    _check_files(manifest)
    return manifest


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadBackupError("Its manifest has a key twice.")
    return found


def _refuse_unknown_migrations(manifest: Manifest) -> None:
    known = MigrationLoader(None, ignore_no_migrations=True).disk_migrations or {}
    for app, names in manifest.migrations.items():
        for name in names:
            if (app, name) not in known:
                raise BadBackupError(
                    f"It was made by a newer version ({manifest.application}, with {app}.{name}). "
                    "Update reStrike VTA first."
                )


def _check_files(manifest: Manifest) -> None:
    seen: set[str] = set()
    for file in manifest.files:
        match = _FILE.fullmatch(file.name)
        if match is None or match[1] != file.model:
            raise BadBackupError(f"Its manifest names the file “{file.name[:80]}”, which no backup has.")
        if file.model.split(".")[0] in OUTSIDE:
            raise BadBackupError(
                f"It holds users or permissions ({file.model}), which a backup never carries."
            )
        if file.name in seen or len(set(file.columns)) != len(file.columns):
            raise BadBackupError(f"Its manifest names {file.name} or one of its columns twice.")
        if file.rows < 0 or file.bytes < 2 * file.rows:
            raise BadBackupError(f"The numbers of {file.name} in its manifest cannot be.")
        seen.add(file.name)
