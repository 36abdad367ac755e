"""The pre-flight list: green on an installation in order, red for each thing that is not."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from django.urls import reverse

from ingest.journal import JournalReader
from ingest.listen import open_sockets, receive_buffer
from ingest.recorder import SMALL_BUFFER
from ingest.staging import recorder_state
from restrike import checks, sqlite
from restrike.preflight import Line, Preflight, machine
from tests.factories import UserFactory, make_day
from tests.processes import Stack, wait_until
from tournaments.context import set_context

KEYS = ["settings", "disk", "database", "sqlite", "clock", "addresses"]
KEYS += ["listener", "datagram", "buffer", "courts", "context", "backup"]


def preflight(stack: Stack, *options: str) -> tuple[dict[str, Any], int]:
    """The lines of `preflight --json` by key, and its exit code."""
    done = stack.manage("preflight", "--json", *options, check=False)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert found.keys() == {"ready", "at", "lines"}
    assert found["ready"] == (done.returncode == 0)
    return {line["key"]: line for line in found["lines"]}, done.returncode


def state_of(lines: dict[str, Any]) -> dict[str, str]:
    return {key: line["state"] for key, line in lines.items()}


def sql(stack: Stack, statement: str) -> None:
    stack.manage("shell", "-c", statement)


def make_ready(stack: Stack, shift: int = 0) -> None:
    """A tournament from `shift` days from today on, its first day in force."""
    sql(
        stack,
        "from datetime import *; from django.utils import timezone; from tournaments.models import *; "
        "from tournaments.context import set_context; "
        f"first = timezone.localdate() + timedelta({shift}); "
        "t = Tournament.objects.create(name='Open', start_date=first, end_date=first, time_zone='UTC'); "
        "set_context(t.days.get())",
    )


@pytest.fixture
def ready(stack: Stack) -> Stack:
    """Records and stores, one court was heard, today's day is in force."""
    # As in the demo: listening to this machine alone is meant.
    stack.env["RESTRIKE_DEMO"] = "True"
    make_ready(stack)
    stack.start()
    stack.send(b"pt1;3\r\n")
    stack.wait_for_events(1)
    return stack


def test_preflight_is_green_where_all_is_in_order_and_red_where_it_stopped(ready: Stack) -> None:
    lines, code = preflight(ready)

    expected = dict.fromkeys(KEYS, "good")
    if ready.is_postgresql:
        del expected["sqlite"]
    if lines["clock"]["state"] == "unknown":
        expected["clock"] = "unknown"  # a clock that nobody sets cannot be told to be wrong
    if (small := smallest_buffer()) < SMALL_BUFFER:
        expected["buffer"] = "bad"
    assert state_of(lines) == expected
    assert list(lines) == [key for key in KEYS if key in expected]
    assert code == (1 if small < SMALL_BUFFER else 0)
    assert all(line["mend"] for line in lines.values() if line["state"] == "bad")
    assert "just now" in lines["backup"]["says"]
    assert len(list((ready.var / "backups").glob("*.zip"))) == 1

    # The test datagram is in the journal and in the ledger, and nowhere else.
    reader = JournalReader(ready.var / "journal" / "main")
    assert reader.total() == 2
    reader.close()
    assert ready.fetch("SELECT stored FROM events_listenernode") == [(2,)]
    for table, rows in (
        ("events_pssevent", 1),
        ("events_udpsession", 1),
        ("tournaments_court", 1),
        ("events_unknownmessage", 0),
    ):
        assert ready.count(table) == rows, table

    process = ready.processes[0]
    importer, recorder = process.child("import_journal"), process.child("ingest.recorder")
    assert importer
    assert recorder
    lines = preflight_while_suspended(ready, importer)
    assert "is recorded, but did not get into the database" in lines["datagram"]["says"]
    assert "Nothing was recorded since" in lines["backup"]["says"]

    lines = preflight_while_suspended(ready, recorder)
    # Its last sign of life may be too old by then, too.
    assert lines["datagram"]["says"].startswith(("What was sent to", "Not sent"))

    process.stop()
    state = recorder_state(ready.var / "journal" / "main")
    assert state
    # A recorder is taken to live for three seconds after its last sign of life.
    wait_until(lambda: not state.alive(), 10)
    lines, code = preflight(ready, "--no-backup")
    assert code == 1
    assert lines["listener"]["state"] == lines["datagram"]["state"] == "bad"
    assert "make run" in lines["listener"]["mend"]


def preflight_while_suspended(stack: Stack, process: psutil.Process) -> dict[str, Any]:
    process.suspend()
    try:
        lines, code = preflight(stack, "--no-backup")
    finally:
        process.resume()
    assert code == 1
    assert lines["datagram"]["state"] == "bad"
    return lines


def smallest_buffer() -> int:
    """What the system gives a socket of this user."""
    (one,) = open_sockets(["127.0.0.1:0"])
    with one:
        return receive_buffer(one)


def test_preflight_without_a_database_is_a_list_all_the_same(empty_database: str, make_stack: Any) -> None:
    lines, code = preflight(make_stack(empty_database))

    assert code == 1
    assert "no tables yet" in lines["listener"]["says"] or "not set up" in lines["listener"]["says"]
    assert lines["settings"]["state"] == "good"


# --- What is wrong inside one process ---------------------------------------------------------------


def lines_of(**options: Any) -> dict[str, Line]:
    return {line.key: line for line in Preflight(**options).lines()}


def test_preflight_of_a_new_installation_says_what_to_do(
    db: None, var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        monkeypatch.setattr(settings, "INGEST_LISTEN", [f"127.0.0.1:{port}"])
        lines = lines_of(trial=True)

    found = lines["listener"]
    assert found.says == f"Nothing is recording. UDP port {port} on 127.0.0.1 is in use by another program."
    assert found.mend == "Stop it, or choose another port with INGEST_LISTEN."
    assert "Only programs on this machine can send here" in lines["addresses"].says
    assert lines["courts"].says == "No court is known yet."
    assert lines["context"].says.startswith("No day is active")
    assert lines["datagram"].is_bad
    assert all(line.mend for line in lines.values() if line.is_bad)
    assert lines_of(trial=True)["listener"].says == "Nothing is recording."


def test_preflight_day_that_is_not_today_is_red(db: None, var: Path) -> None:
    day = make_day(start_date=date.today() - timedelta(days=30))
    set_context(day)

    line = lines_of()["context"]
    assert line.is_bad
    assert "but today is" in line.says
    assert "make today’s day active" in line.mend


def test_preflight_court_that_is_silent_is_red(db: None, var: Path) -> None:
    from tests.factories import CourtFactory

    CourtFactory(number=7, name="Court 7")

    line = lines_of()["courts"]
    assert line.is_bad
    assert line.says == "Not heard today: Court 7."


@pytest.fixture
def small_disk(make_small_disk: Callable[[str], Path]) -> Path:
    """A file system with 4 MB."""
    return make_small_disk("4m")


def test_preflight_small_disk_is_red(
    db: None, small_disk: Path, var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "RESTRIKE_VAR", small_disk)

    line = lines_of()["disk"]
    assert line.is_bad
    assert line.says == f"Only 4 MB left where {small_disk} is."


def test_preflight_backup_that_cannot_be_written_is_red(
    db: None, var: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(settings, "BACKUP_DIR", str(tmp_path / "file"))
    set_context(make_day(start_date=date.today()))

    assert lines_of()["backup"].state.value == "unknown"
    line = lines_of(backup=True)["backup"]
    assert line.is_bad
    assert "Cannot write to" in line.says
    too_large = lines_of(backup=True, largest=-1)["backup"]
    assert too_large.is_bad
    assert "manage.py backup_tournament" in too_large.mend


def test_preflight_clock_that_was_later_before_is_red(db: None, var: Path) -> None:
    from django.utils import timezone

    from tests.factories import PssEventFactory, tally_events

    PssEventFactory(received_at=timezone.now() + timedelta(days=2))
    tally_events()

    line = lines_of()["clock"]
    assert line.is_bad
    assert "it was later before" in line.mend


def test_preflight_clock_says_what_the_kernel_says() -> None:
    said = machine.clock_is_synchronised()
    done = (
        subprocess.run(
            ["timedatectl", "show", "-p", "NTPSynchronized", "--value"], capture_output=True, text=True
        )
        if Path("/run/systemd/system").exists()
        else None
    )
    if done is not None and done.stdout.strip() in ("yes", "no"):
        assert said == (done.stdout.strip() == "yes")
    else:
        assert said in (True, False, None)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite")
def test_preflight_database_settings_that_are_not_in_force_are_red(
    transactional_db: None, var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lines_of()["database"].is_good
    assert lines_of()["sqlite"].is_good
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=0")
    try:
        line = lines_of()["database"]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=1")
    assert line.is_bad
    assert "synchronous=0" in line.says
    assert line.mend

    monkeypatch.setattr(sqlite, "WAL_RESET_FIXED", (99, 0, 0))
    assert lines_of()["sqlite"].is_bad


def test_preflight_setting_that_makes_no_sense_is_red(
    db: None, var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "INGEST_BATCH_SIZE", checks.RANGES["INGEST_BATCH_SIZE"][1] + 1)

    assert "INGEST_BATCH_SIZE" in lines_of()["settings"].says


# --- The page -----------------------------------------------------------------------------------------


def client_of(**user: Any) -> Client:
    client = Client()
    client.force_login(UserFactory(**user))
    return client


@pytest.mark.parametrize(
    ("group", "status"), [(None, 403), ("Viewer", 200), ("Operator", 200), ("Manager", 200)]
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_preflight_page_is_for_staff(
    method: str, group: str | None, status: int, db: None, var: Path
) -> None:
    call: Callable[..., Any] = getattr(client_of(group=group), method)

    assert call(reverse("preflight")).status_code == status


def test_preflight_page_sends_strangers_to_sign_in(db: None, client: Client) -> None:
    response = client.get(reverse("preflight"))

    assert response.status_code == 302
    assert "/login/" in response.url  # type: ignore[attr-defined]


@pytest.fixture
def scratch_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the database in which a backup is tried out through Django's guard of the test database."""
    guarded = BaseDatabaseWrapper.ensure_connection

    def ensure_connection(self: Any) -> None:
        if not self.alias.startswith(("scratch-", "snapshot-")):
            guarded(self)
        elif self.connection is None:
            self.connect()

    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", ensure_connection)


def test_preflight_page_only_looks_until_it_is_run(db: None, var: Path, scratch_databases: None) -> None:
    set_context(make_day(start_date=date.today()))
    client = client_of(group="Operator")

    looked = client.get(reverse("preflight"))
    assert b"One is made when you run the pre-flight" in looked.content
    assert not (var / "backups").exists()

    run = client.post(reverse("preflight"))
    assert b"Written and verified just now" in run.content
    assert len(list((var / "backups").glob("*.zip"))) == 1
    assert run.context["lines"][0].is_bad  # nothing listens here, and that comes first


def test_preflight_page_makes_no_backup_for_who_may_not(db: None, var: Path) -> None:
    set_context(make_day(start_date=date.today()))

    client_of(group="Viewer").post(reverse("preflight"))

    assert not (var / "backups").exists()


def test_preflight_page_refuses_a_run_from_elsewhere(db: None, var: Path) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))

    assert client.post(reverse("preflight")).status_code == 403


def test_preflight_is_in_the_menu_and_on_the_checklist(db: None, var: Path) -> None:
    page = client_of(group="Viewer").get(reverse("admin:index")).content.decode()

    assert page.count(f'href="{reverse("preflight")}"') >= 2
