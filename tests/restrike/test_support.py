"""The file for whoever helps: what is in it, and above all what is not."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest
from django.conf import settings

from restrike.support import HIDDEN, Redaction, write_bundle
from tests.factories import MatchFactory, PssEventFactory, UserFactory, tally_events
from tests.ingest.feed import Feed
from tests.processes import Stack

PARTS = ["README.txt", "versions.json", "settings.json", "status.json", "journal.json"]
LOG = """\
the end of a line of DELL'AQUILA V
2026-05-16 09:00:00,001 INFO    ingest.supervisor: Recording 0.0.0.0:6000; the receive buffer is 4.0 MB.
2026-05-16 09:00:01,001 WARNING ingest.importer: Record 12 cannot be stored as it is.
Traceback (most recent call last):
  File "/srv/restrike/ingest/importer.py", line 215, in _import
    self.import_batch(records, after, way)
django.db.utils.DataError: value too long: at1;DELL'AQUILA V;Dell'Aquila Vito;ITA
DETAIL: Failing row contains (1, DELL'AQUILA V, Dell'Aquila Vito).
2026-05-16 09:00:02,001 ERROR   ingest.importer: Cannot write (said: at1;Dell'Aquila Vito;ITA).
2026-05-16 09:00:03,001 WARNING axes: login of {username: "maria.rossi", password: "open sesame", ip: "::1"}
2026-05-16 09:00:04,001 ERROR   django.db: postgres://restrike:hunter22@10.0.0.5/db does not answer
2026-05-16 09:00:05,001 INFO    web: Authorization: Bearer METRICS-TOKEN-IN-THE-LOG for maria.rossi
2026-05-16 09:00:06,001 INFO    web: SECRET-KEY-IN-THE-LOG SMITH J dell'aquila vito
"""
SECRETS = (
    "Aquila",
    "AQUILA",
    "aquila",
    "SMITH",
    "GARCIA",
    "maria",
    "rossi",
    "sesame",
    "hunter22",
    "METRICS-TOKEN-IN-THE-LOG",
    "SECRET-KEY-IN-THE-LOG",
    "NOT-IN-ANY-LOG",
)


def contents(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as bundle:
        assert bundle.testzip() is None
        return {name: bundle.read(name).decode() for name in bundle.namelist()}


@pytest.fixture
def hall(db: None, var: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation full of names and secrets."""
    monkeypatch.setattr(settings, "SECRET_KEY", "SECRET-KEY-IN-THE-LOG")
    monkeypatch.setattr(settings, "METRICS_TOKEN", "METRICS-TOKEN-IN-THE-LOG")
    monkeypatch.setitem(settings.DATABASES["default"], "PASSWORD", "NOT-IN-ANY-LOG")
    UserFactory(username="maria.rossi", first_name="Maria", last_name="Rossi", email="maria@rossi.example")
    match = MatchFactory(
        blue__name="Dell'Aquila Vito",
        blue__short_name="DELL'AQUILA V",
        referees={"referee": {"name": "SMITH J", "ioc": "USA"}, "judges": [{"name": "GARCIA M"}, None, None]},
    )
    PssEventFactory(match=match, raw="at1;DELL'AQUILA V\\r\\n")
    tally_events()
    feed = Feed(var / "journal" / "main")
    feed.say(b"at1;DELL'AQUILA V;Dell'Aquila Vito;ITA\r\n")
    feed.writer.close()
    (var / "logs").mkdir()
    (var / "logs" / "import_journal.log").write_text(LOG)
    (var / "logs" / "start.log.1").write_text(LOG)
    return var


def test_support_bundle_tells_the_installation_and_nobodys_data(hall: Path, tmp_path: Path) -> None:
    path = tmp_path / "support.zip"

    names = write_bundle(path)

    found = contents(path)
    assert names == list(found) == [*PARTS, "logs/import_journal.log", "logs/start.log.1"]
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
    for name, text in found.items():
        for secret in SECRETS:
            assert secret not in text, f"{secret} in {name}"

    told = json.loads(found["settings.json"])
    assert told["METRICS_TOKEN"] == told["SECRET_KEY"] == "set"
    assert told["BACKUP_DIR"] == "not set"
    assert told["INGEST_BATCH_SIZE"] == settings.INGEST_BATCH_SIZE
    versions = json.loads(found["versions.json"])
    assert versions["libraries"]["Django"].startswith("5.2")
    assert "events.0001_initial" in versions["migrations"]
    status = json.loads(found["status.json"])
    assert status["received"] == 1
    assert status["events"] == 1
    assert {line["key"] for line in status["preflight"]} >= {"disk", "listener", "courts"}
    (segment,) = json.loads(found["journal.json"])["main"]["segments"]
    assert segment["datagrams"] == 1


def test_support_bundle_keeps_what_helps_of_a_log(hall: Path, tmp_path: Path) -> None:
    write_bundle(tmp_path / "support.zip")

    lines = contents(tmp_path / "support.zip")["logs/import_journal.log"].splitlines()
    assert lines[:4] == [
        "2026-05-16 09:00:00,001 INFO    ingest.supervisor: "
        "Recording 0.0.0.0:6000; the receive buffer is 4.0 MB.",
        "2026-05-16 09:00:01,001 WARNING ingest.importer: Record 12 cannot be stored as it is.",
        "Traceback (most recent call last):",
        '  File "/srv/restrike/ingest/importer.py", line 215, in _import',
    ]
    assert lines[4] == f"django.db.utils.DataError: {HIDDEN}"
    assert lines[5].endswith(f"Cannot write (said: {HIDDEN}")
    assert f"postgres://{HIDDEN}@10.0.0.5/db" in lines[7]
    assert len(lines) == 10


def test_support_bundle_tells_settings_from_a_list_alone() -> None:
    """A setting that is added later is hidden until somebody says that it is harmless."""
    from restrike import support

    secret = ("KEY", "SECRET", "PASSWORD", "TOKEN", "URL", "DATABASES", "CACHES")
    assert not [name for name in support._TOLD if any(word in name for word in secret)]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Lee Dh scored", f"{HIDDEN} scored"),
        ("LEE DH, LEE DHAKA", f"{HIDDEN}, LEE DHAKA"),
        ("password=abc&x", f"password={HIDDEN}"),
        ("PASSWORD: 'abc'", f"PASSWORD: {HIDDEN}"),
        ("Al is too short a name to be blacked out", "Al is too short a name to be blacked out"),
        ("1,200 datagrams wait", "1,200 datagrams wait"),
    ],
)
def test_redaction_of_a_line(text: str, left: str) -> None:
    assert Redaction([], ["LEE DH", "Al", ""]).line(text) == left


def test_support_bundle_command_works_where_nothing_else_does(
    empty_database: str, make_stack: type[Stack], tmp_path: Path
) -> None:
    stack = make_stack(empty_database)  # type: ignore[call-arg]
    stack.env["INGEST_BATCH_SIZE"] = "0"
    path = tmp_path / "support.zip"

    done = stack.manage("support_bundle", "--to", str(path))

    assert str(path) in done.stdout
    assert "trouble" in json.loads(contents(path)["status.json"])
    again = stack.manage("support_bundle", "--to", str(path), check=False)
    assert again.returncode == 1
    assert again.stderr == f"CommandError: {path} is there already. Choose another name.\n"
