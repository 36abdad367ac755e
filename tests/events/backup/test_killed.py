"""Killed anywhere, with a full disk, under load: the old or the new, never a mixture."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from events.backup.make import make_backup
from events.backup.trouble import BackupError
from events.models_backup import Backup
from tests.events.backup.hall import make_tournament
from tests.processes import PROJECT, Stack

pytestmark = pytest.mark.django_db

TIMES = 15


@pytest.fixture
def run(stack: Stack) -> Callable[[str, int], dict[str, Any]]:
    def run(what: str, times: int) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "tests.events.backup.killing", what, str(times)],
            env=stack.env,
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    return run


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are copied, which this system cannot")
def test_killed_backup_leaves_only_whole_files(run: Callable[[str, int], dict[str, Any]]) -> None:
    found = run("backup", TIMES)

    assert len(found["whole"]) == TIMES
    assert found["equal"]
    assert found["claimed"] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are copied, which this system cannot")
def test_killed_restore_leaves_the_old_or_the_new(run: Callable[[str, int], dict[str, Any]]) -> None:
    found = run("restore", TIMES)

    assert len(found["found"]) == TIMES
    assert set(found["found"]) <= {"old", "new"}
    assert found["equal"]


def test_backup_holds_one_moment_while_events_come_in(run: Callable[[str, int], dict[str, Any]]) -> None:
    found = run("write", 10)

    assert found["off"] == [0] * 10
    assert found["writes"] > 10
    # Nobody who writes waits for the backup; a locked database would show as seconds.
    assert found["longest_wait"] < 5


@pytest.fixture
def small_disk(make_small_disk: Callable[[str], Path]) -> Path:
    """A disk of 64 KB."""
    return make_small_disk("64k")


def test_full_disk_is_told_and_leaves_nothing(small_disk: Path, settings: Any) -> None:
    settings.BACKUP_DIR = str(small_disk)
    tournament = make_tournament(40)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(60 * 1024))

    with pytest.raises(BackupError, match="No space left on device"):
        make_backup(tournament)

    assert [path.name for path in small_disk.iterdir()] == ["filler"]
    assert "No space left" in Backup.objects.get().error
    filler.unlink()
    assert make_backup(tournament).verified_at


def test_disk_that_fills_up_while_verifying_is_told(small_disk: Path, tmp_path: Path, settings: Any) -> None:
    settings.RESTRIKE_VAR = small_disk
    settings.BACKUP_DIR = str(tmp_path / "backups")

    with pytest.raises(BackupError, match=r"could not be tried out.*Make room"):
        make_backup(make_tournament(40))

    row = Backup.objects.get()
    assert (row.verified_at, row.is_there()) == (None, True)
