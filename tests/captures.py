"""Captures of real matches, kept beside the project and not in it.

A test that uses one skips with a reason where they are not there, and fails in CI.
"""

import json
import os
from pathlib import Path

import pytest

DIRECTORY = Path(__file__).resolve().parents[2] / "shared" / "captures"


def capture(name: str) -> list[tuple[float, bytes]]:
    """The datagrams of capture `name` (without ``.jsonl``), each with its time in seconds."""
    path = DIRECTORY / f"{name}.jsonl"
    if not path.exists():
        reason = f"the capture {path.name} is not beside the project, in {'/'.join(path.parts[-3:-1])}"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    rows = (json.loads(line) for line in path.read_text().splitlines())
    return [(row["t"], bytes.fromhex(row["hex"])) for row in rows]
