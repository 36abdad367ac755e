"""The commands as they are typed, on a real database."""

import sqlite3
from pathlib import Path

from tests.processes import Stack

_MAKE = "from tests.events.backup.hall import make_tournament; make_tournament()"


def test_tournament_goes_into_a_file_and_comes_back(stack: Stack, tmp_path: Path) -> None:
    stack.manage("shell", "-v0", "-c", _MAKE)

    said = stack.manage("backup_tournament", "open", "--to", str(tmp_path)).stdout
    assert "40 events and 3 matches" in said
    assert "nothing differs" in said
    path = str(next(tmp_path.glob("open-*.zip")))
    assert "Sound:" in stack.manage("verify_backup", path).stdout
    dry = stack.manage("restore_tournament", path, "--dry-run").stdout.splitlines()
    assert dry[-1] == "Nothing was changed: this was a dry run."
    assert stack.manage("restore_tournament", path).stdout.splitlines() == dry[:-1]
    assert stack.count("events_pssevent") == 80
    refused = stack.manage("restore_tournament", path, "--replace", "open", "--yes", "opne", check=False)
    assert refused.returncode == 1
    assert refused.stderr.strip() == "CommandError: Nothing was changed: what was typed is not open."


def test_mistakes_are_answered_in_one_sentence(stack: Stack, tmp_path: Path) -> None:
    for args, said in (
        (["backup_tournament", "nope"], "There is no tournament “nope”. There are: none yet."),
        (["verify_backup", str(tmp_path / "no.zip")], f"There is no file {tmp_path / 'no.zip'}."),
    ):
        done = stack.manage(*args, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.strip() == f"CommandError: {said}"


def test_whole_database_goes_into_a_file(stack: Stack, tmp_path: Path) -> None:
    target = tmp_path / "all"

    said = stack.manage("backup_database", "--to", str(target)).stdout

    assert target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob("*.partial*")) == []
    if stack.is_postgresql:
        assert "pg_restore reads all of it" in said
        return
    assert "integrity_check: ok" in said
    copy = sqlite3.connect(target)
    assert copy.execute("SELECT count(*) FROM django_migrations").fetchone()[0] > 20
    copy.close()
