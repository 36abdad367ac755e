"""Each kind of alert, raised by what it is about as it stands in the database, and over again after it."""

from __future__ import annotations

import shutil
import socket
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.formats import date_format

from events.alerts import reading
from events.alerts.kinds import KINDS
from events.alerts.reading import Reader
from events.archive import slices
from events.models import Alert, AlertRule, Backup, PssEvent
from events.models_backup import BackupKind
from ingest import ledger
from tests.events.alerts.hall import Hall, open_kinds
from tests.factories import (
    ContextChangeFactory,
    CourtFactory,
    ListenerNodeFactory,
    PssEventFactory,
    UdpSessionFactory,
    make_day,
    tally_events,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def hall(var: Path, settings: Any) -> Hall:
    settings.INGEST_NODE = "hall"
    return Hall()


def only() -> Alert:
    return Alert.objects.get()


def test_nothing_is_wrong_in_a_hall_in_which_all_is_well(hall: Hall) -> None:
    for seconds in range(0, 60, 2):
        assert hall.look(seconds) == []
    assert not Alert.objects.exists()


def test_not_recording(hall: Hall) -> None:
    assert hall.look(0) == []
    # Its last sign of life was at 0 s, and counts for five.
    assert hall.look(6, alive=False) == []
    assert hall.look(9, alive=False) == ["not_recording"]
    alert = only()
    assert alert.text.startswith("Nothing is being recorded by listener “hall” since")
    assert (alert.subject, alert.name, alert.about.urgent) == ("hall", "hall", True)
    assert alert.began_at == hall.start + timedelta(seconds=6)
    assert hall.look(11) == ["not_recording"]
    assert hall.look(21) == []


def test_recorded_but_not_stored(hall: Hall) -> None:
    hall.look(0)
    for seconds in (11, 22):
        hall.at(seconds)
        hall.node.importer_seen_at = hall.start
        hall.node.received, hall.node.stored = 900, 100
        hall.node.save()
        hall.evaluator.look(hall.now)
    assert open_kinds() == ["not_storing"]
    assert "800 datagrams wait in its journal" in only().text


def test_court_silent_while_its_clock_runs(hall: Hall) -> None:
    hall.clock_runs()
    assert hall.look(0) == []
    assert hall.look(10, heard=False) == []
    assert hall.look(12, heard=False) == ["court_silent"]
    assert only().text == "Court 3 has sent nothing for 12 s, but its match clock runs."
    assert hall.look(30, heard=False) == ["court_silent"]
    assert (only().worst, only().text) == (
        30,
        "Court 3 has sent nothing for 30 s, but its match clock runs.",
    )
    assert hall.look(31) == ["court_silent"]
    assert hall.look(36) == []
    over = Alert.objects.get()
    assert (over.began_at, over.lasted) == (hall.start, "36 s")


def test_court_may_be_silent_while_its_clock_stands(hall: Hall) -> None:
    hall.clock_runs()
    hall.look(0)
    hall.clock_runs(runs=False)
    for seconds in range(2, 120, 10):
        assert hall.look(seconds, heard=False) == []


def test_court_is_not_called_silent_while_its_messages_wait_to_be_stored(hall: Hall) -> None:
    hall.clock_runs()
    hall.node.received, hall.node.stored = 5_000, 0
    for seconds in range(0, 14, 2):
        assert hall.look(seconds, heard=False) == []


def test_court_is_not_called_silent_while_nobody_records(hall: Hall) -> None:
    hall.clock_runs()
    hall.look(0)
    for seconds in range(6, 60, 3):
        assert "court_silent" not in hall.look(seconds, heard=False, alive=False)


def test_court_goes_quiet_when_its_sender_is_gone_for_good(hall: Hall) -> None:
    hall.clock_runs()
    assert hall.look(20, heard=False) == ["court_silent"]
    hall.session.ended_at = hall.now
    hall.session.save()
    assert hall.look(22, heard=False) == ["court_silent"]
    assert hall.look(28, heard=False) == []


def test_court_is_silent_on_its_own(hall: Hall) -> None:
    """Another court that goes on sending says nothing of this one."""
    other = UdpSessionFactory(node=hall.node, court=CourtFactory(name="Court 4"))
    hall.node.clocks = [hall.court.pk, other.court_id]
    for seconds in range(0, 14, 2):
        other.last_event_at = hall.start + timedelta(seconds=seconds)
        other.save()
        hall.look(seconds, heard=False)
    assert only().name == "Court 3"


def test_listener_whose_journal_cannot_be_written(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: the recorder lives, and says that it cannot write."""
    said = ledger.nodes()
    trouble = [
        replace(node, trouble="The journal cannot be written: No space left on device.") for node in said
    ]
    monkeypatch.setattr(ledger, "nodes", lambda: trouble)
    hall.look(0)
    assert hall.look(3) == ["not_recording"]
    assert only().text == "“hall”: The journal cannot be written: No space left on device."


def test_recorder_that_lives_is_believed_when_the_database_knows_nothing_new(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its signs come by way of the importer: when that is away, so are they."""
    monkeypatch.setattr(ledger, "is_recording_here", lambda name: name == "hall")
    hall.look(0)
    for seconds in (11, 22):
        last = hall.look(seconds, alive=False)
    assert last == ["not_storing"]


def test_events_without_an_active_day(hall: Hall) -> None:
    hall.context.delete()
    assert hall.look(0) == []
    assert hall.look(5) == ["no_active_day"]
    assert "Events arrive from Court 3, but no tournament day is active there." in only().text
    ContextChangeFactory(day=hall.day, effective_at=hall.start)
    assert hall.look(6) == ["no_active_day"]
    assert hall.look(11) == []


def test_active_day_that_is_not_today(hall: Hall) -> None:
    yesterday = make_day(start_date=timezone.localdate() - timedelta(days=3), name="Last week")
    ContextChangeFactory(day=yesterday, effective_at=hall.start)
    assert hall.look(0) == []
    assert hall.look(30) == ["wrong_day"]
    day = f"{date_format(yesterday.date, 'D j M')}, but today is"
    assert only().text.startswith(f"Last week: Day 1 is {day}")
    # Its title has said so.
    assert only().about.title not in only().text


def test_messages_dropped_by_the_system(hall: Hall) -> None:
    assert hall.look(0) == []
    hall.drops = 5
    assert hall.look(10) == ["kernel_drops"]
    assert (only().value, only().text) == (5, "The system dropped 5 datagrams before “hall” could take them.")
    hall.drops = 0
    # A minute in which there were some, and one without.
    for seconds in range(20, 110, 10):
        assert hall.look(seconds) == ["kernel_drops"], seconds
    for seconds in range(110, 150, 10):
        last = hall.look(seconds)
    assert last == []


def test_backlog_that_grows(hall: Hall) -> None:
    for seconds in range(0, 30, 2):
        hall.node.received = 1_000 * seconds
        last = hall.look(seconds)
    assert last == ["backlog"]
    # Worked off, it is in order, however much is left.
    for seconds in range(30, 60, 2):
        hall.node.stored += 1_500
        last = hall.look(seconds)
    assert last == []


def test_very_many_events(hall: Hall) -> None:
    hall.node.rate = 1_200.0
    for seconds in (0, 8):
        assert hall.look(seconds) == []
    assert hall.look(10) == ["event_rate"]
    assert (only().value, only().text) == (1_200, "1,200 events arrive each second.")
    hall.node.rate = 800.0
    assert hall.look(12) == ["event_rate"]
    assert hall.look(42) == []


def test_messages_that_cannot_be_read(hall: Hall) -> None:
    now = timezone.now()
    for n in range(reading.ENOUGH_MESSAGES):
        PssEventFactory(session=hall.session, received_at=now, status="malformed" if n < 3 else "recognized")
    tally_events()
    (found,) = hall.read("error_rate")
    assert (found.value, found.text) == (1.5, "3 of the last 200 messages cannot be read.")
    assert hall.look(0) == []
    assert hall.look(30) == ["error_rate"]


def test_a_few_messages_make_no_share(hall: Hall) -> None:
    PssEventFactory(session=hall.session, received_at=timezone.now(), status="malformed")
    tally_events()
    assert hall.read("error_rate") == []


def test_memory_and_disk(hall: Hall) -> None:
    hall.memory, hall.free = 91.0, 1_500_000_000
    assert hall.look(0) == []
    assert hall.look(10) == ["disk_low"]
    assert hall.look(30) == ["disk_low", "memory"]
    assert Alert.objects.get(kind="disk_low").text == (
        "1.5 GB are left on the disk of the machine of “hall”."
    )
    hall.memory, hall.free = 50.0, 9_000_000_000
    assert hall.look(40) == ["disk_low", "memory"]
    assert hall.look(70) == []


def test_machine_that_measures_nothing_any_more_changes_nothing(hall: Hall) -> None:
    hall.memory, hall.free, hall.database_ms = 91.0, 1_000_000_000, 500.0
    hall.look(0)
    assert hall.look(30) == ["database_latency", "disk_low", "memory"]
    hall.memory = hall.free = hall.database_ms = None
    # The histograms of the minute are still there for a while.
    for seconds in range(40, 300, 20):
        assert hall.look(seconds) == ["database_latency", "disk_low", "memory"]


def test_machine_without_a_listener_looks_after_itself(
    hall: Hall, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.INGEST_NODE = "another"
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(percent=97.0))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**9))
    hall.look(0)
    assert hall.look(30) == ["disk_low", "memory"]
    assert set(Alert.objects.values_list("name", flat=True)) == {socket.gethostname()}

    def gone(path: Any) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(shutil, "disk_usage", gone)
    assert hall.look(90) == ["disk_low", "memory"]


def test_many_events_in_a_day_until_they_are_archived(hall: Hall) -> None:
    AlertRule.objects.filter(kind="day_events").update(threshold=3)
    events = hall.say(*[{}] * 3)
    assert hall.look(0) == []
    events += hall.say({})
    assert hall.look(60) == ["day_events"]
    assert only().text == "Berlin Open has 4 events on day 1."
    keys = [event.pk for event in events]
    slices.archive(connection, keys)
    slices.delete(connection, slices.LIVE, keys)
    assert not PssEvent.objects.exists()
    assert hall.look(120) == ["day_events"]
    assert hall.look(180) == []


def backup(hall: Hall, minutes_ago: float, **about: Any) -> Backup:
    made = hall.now - timedelta(minutes=minutes_ago)
    fields: dict[str, Any] = {"verified_at": made, "file": "a.zip", "slug": hall.day.tournament.slug, **about}
    return Backup.objects.create(made_at=made, directory="/", tournament_name="Berlin Open", **fields)


def test_backup_that_is_old(hall: Hall) -> None:
    backup(hall, 200)
    last = backup(hall, 100)
    hall.look(0)
    assert hall.look(300) == ["backup_old"]
    assert only().text == "The last good backup of Berlin Open is 1 h 45 min old."
    last.made_at = hall.now
    last.save()
    assert hall.look(360, heard=False) == []


def test_backup_that_was_never_made(hall: Hall) -> None:
    hall.context.effective_at = hall.start - timedelta(hours=2)
    hall.context.save()
    hall.look(0)
    assert hall.look(300) == ["backup_old"]
    assert only().text == "There is no good backup of Berlin Open yet."


def test_backup_that_is_old_is_well_when_nothing_was_heard_since(hall: Hall) -> None:
    hall.at(0)
    backup(hall, -1)
    for seconds in (120, 8_000, 16_000):
        assert hall.look(seconds, heard=False) == []


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"error": "The disk is full."}, "The last backup of Berlin Open failed. The disk is full."),
        ({}, "The last backup of Berlin Open was not verified."),
    ],
)
def test_backup_that_is_not_proved(hall: Hall, about: dict[str, str], says: str) -> None:
    backup(hall, 20)
    wrong = backup(hall, 5, verified_at=None, **about)
    backup(hall, 4, verified_at=None, kind=BackupKind.UPLOADED)
    hall.look(0)
    assert hall.look(300) == ["backup_unverified"]
    assert only().text == says
    wrong.verified_at, wrong.error = hall.now, ""
    wrong.save()
    assert hall.look(360) == []


def test_database_that_is_slow(hall: Hall) -> None:
    hall.database_ms = 250.0
    hall.look(0)
    assert hall.look(15) == ["database_latency"]
    assert only().value == pytest.approx(250, rel=0.1)
    hall.database_ms = 10.0
    for seconds in range(20, 140, 10):
        last = hall.look(seconds)
    assert last == []


def test_between_sessions_only_the_machine_is_looked_after(hall: Hall) -> None:
    hall.memory, hall.free = 91.0, 1_500_000_000
    hall.look(0)
    hall.look(30)
    hall.look(36, alive=False)
    assert hall.look(39, alive=False) == ["disk_low", "memory", "not_recording"]
    # The day is over, and nothing was heard for a quarter of an hour.
    hall.context.delete()
    late = 16 * 60
    hall.look(late, heard=False, alive=False)
    assert hall.look(late + 20, heard=False, alive=False) == ["disk_low", "memory"]


def test_every_kind_has_a_rule_with_its_figures() -> None:
    rules = {rule.kind: rule for rule in AlertRule.objects.all()}
    assert {
        kind: (rule.threshold, rule.hold_s, rule.recover_s, rule.enabled) for kind, rule in rules.items()
    } == {key: (kind.threshold, kind.hold_s, kind.recover_s, True) for key, kind in KINDS.items()}


def test_named_thresholds_are_the_defaults() -> None:
    thresholds = dict(AlertRule.objects.values_list("kind", "threshold"))
    assert {
        name: thresholds[name]
        for name in ("event_rate", "database_latency", "memory", "error_rate", "day_events")
    } == {"event_rate": 1_000, "database_latency": 100, "memory": 80, "error_rate": 1, "day_events": 5_000}


def test_reading_takes_the_same_queries_for_one_court_and_three(hall: Hall) -> None:
    def count() -> int:
        court = CourtFactory()
        day = make_day(start_date=timezone.localdate())
        ContextChangeFactory(day=day, court=court, effective_at=hall.start)
        node = ListenerNodeFactory(recorder_seen_at=hall.now, importer_seen_at=hall.now, clocks=[court.pk])
        session = UdpSessionFactory(node=node, court=court, last_event_at=hall.now, events=1)
        PssEventFactory(session=session, sequence=1, day=day, received_at=hall.now)
        tally_events()
        with CaptureQueriesContext(connection) as queries:
            Reader().read(hall.now)
        return len(queries)

    one = count()
    count()
    assert count() == one
