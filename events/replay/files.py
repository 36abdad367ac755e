"""Which recorded files can be played: the journals, and what lies in `captures` of RESTRIKE_VAR."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

MOST_FILES = 200


def known_files() -> dict[str, Path]:
    """Name -> path, the newest of each directory first. No name of any other file is ever taken."""
    var = Path(settings.RESTRIKE_VAR)
    journals = sorted((var / "journal").glob("*/*.journal"), key=_age)
    captures = sorted((path for path in (var / "captures").glob("*") if path.is_file()), key=_age)
    found = [*captures, *journals][:MOST_FILES]
    return {str(path.relative_to(var)): path for path in found}


def _age(path: Path) -> float:
    return -path.stat().st_mtime
