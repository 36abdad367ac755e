"""SIGKILL at random points of archiving and bringing back, while events of another tournament arrive."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.processes import PROJECT

KILLS = int(os.environ.get("KILLS", "15"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_killed_at_random_points_it_ends_as_if_undisturbed(fresh_database: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.events.archive_kills", str(KILLS), "7"],
        env={**os.environ, "DATABASE_URL": fresh_database},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])

    assert found["killed"] == KILLS
    assert found["torn"] == []
    assert (found["archive"], found["back"]) == ("done", "done")
    assert found["archived"] == [0, 2_000]
    assert found["same"]
    assert found["others"] == [found["arrived"], 0]
