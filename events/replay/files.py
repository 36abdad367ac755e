"""Which recorded files can be played: the journals, and what lies in `captures` of RESTRIKE_VAR."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

# Of the journals, and of the captures.
MOST_FILES = 100


@dataclass(frozen=True)
class RecordedFile:
    """`name` is its path below RESTRIKE_VAR. A journal has its full size from the start."""

    name: str
    path: Path
    written_at: datetime


def captures() -> Path:
    """The directory in which captures are looked for."""
    return Path(settings.RESTRIKE_VAR) / "captures"


def known_files() -> dict[str, RecordedFile]:
    """By name, the last written first. No name of any other file is ever taken."""
    journals = _newest((Path(settings.RESTRIKE_VAR) / "journal").glob("*/*.journal"))
    found = _newest(captures().glob("*")) + journals
    return {file.name: file for file in sorted(found, key=_age, reverse=True)}


def _newest(paths: Iterable[Path]) -> list[RecordedFile]:
    files = []
    for path in paths:
        # A journal may be removed meanwhile.
        with suppress(FileNotFoundError):
            if path.is_file():
                written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                name = str(path.relative_to(settings.RESTRIKE_VAR))
                files.append(RecordedFile(name, path, written_at))
    return sorted(files, key=_age, reverse=True)[:MOST_FILES]


def _age(file: RecordedFile) -> datetime:
    return file.written_at
