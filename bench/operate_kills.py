"""SIGKILL of archive, backup and restore at 100 random points each: the old or the new, never a mixture."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from bench.report import Options, Row
from bench.stand import stand
from tests.processes import PROJECT

KILLS = 100


def run(options: Options) -> Iterator[Row]:
    kills = options.choose(KILLS, 10)
    for database in options.databases:
        label = f"operate kills, {database}"
        moved = _killed(options, database, "tests.events.archive_kills", str(kills), "3")
        assert (moved["archive"], moved["back"]) == ("done", "done")
        wrong = len(moved["torn"]) + (not moved["same"])
        yield Row(label, f"archive x{moved['killed']}: torn", [wrong], "times", 0)
        made = _killed(options, database, "tests.events.backup.killing", "backup", str(kills))
        wrong = len(made["claimed"]) + (not made["equal"])
        yield Row(label, f"backup x{len(made['whole'])}: damaged files", [wrong], "files", 0)
        back = _killed(options, database, "tests.events.backup.killing", "restore", str(kills))
        wrong = back["found"].count("a mixture") + (not back["equal"])
        note = f"{back['found'].count('old')} times the old, {back['found'].count('new')} times the new"
        yield Row(label, f"restore x{len(back['found'])}: mixtures", [wrong], "times", 0, note=note)


def _killed(options: Options, database: str, *module: str) -> dict[str, Any]:
    with stand(options, database) as made:
        done = subprocess.run(
            [sys.executable, "-m", *module],
            env={**os.environ, **made.env},
            cwd=PROJECT,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
