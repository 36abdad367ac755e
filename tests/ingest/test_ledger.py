import json
import time
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from events.models import HourTally, ListenerNode
from events.typed import manage
from ingest import ledger
from ingest.journal import JournalReader, JournalWriter, pack_address
from tests.factories import ListenerNodeFactory, UdpSessionFactory

KEYS = [
    "received",
    "stored",
    "backlog",
    "events",
    "recognized",
    "partial",
    "unknown",
    "malformed",
    "kernel_drops",
    "blind_seconds",
    "sessions",
    "receive_buffer",
]


def write_journal(directory: Path, datagrams: int) -> None:
    writer = JournalWriter(directory, segment_bytes=1 << 20)
    source = pack_address("127.0.0.1")
    writer.append([(time.time_ns(), 6000, source, 40_000, b"pt1;%d\r\n" % n) for n in range(datagrams)])
    writer.close()


def imported(directory: Path, name: str, records: int, **fields: int) -> ListenerNode:
    """The node as its importer leaves it after `records` datagrams."""
    reader = JournalReader(directory)
    _, position = reader.read(None, records)
    reader.close()
    return ListenerNodeFactory(
        name=name,
        journal=reader.uuid,
        segment=position.segment,
        offset=position.offset,
        sequence=position.sequence,
        **fields,
    )


def test_ledger_of_an_empty_installation_has_every_key(db: None, var: Path) -> None:
    out = StringIO()
    call_command("status", "--json", stdout=out)

    assert json.loads(out.getvalue()) == {**dict.fromkeys(KEYS, 0), "by_court": []}
    assert ledger.read().sentences() == [
        f"Nothing has been recorded here yet. Start recording with: {manage('start')}"
    ]


def test_ledger_counts_received_in_the_journal_and_stored_in_the_database(db: None, var: Path) -> None:
    directory = var / "journal" / "hall"
    write_journal(directory, 10)
    imported(directory, "hall", 7, stored=7)

    now = ledger.read()

    assert (now.as_dict()["received"], now.as_dict()["stored"], now.as_dict()["backlog"]) == (10, 7, 3)
    assert now.nodes[0].difference == 0
    assert now.sentences() == [
        "Nothing is being recorded · 3 datagrams wait in the journal to be stored, "
        "and nothing is storing them."
    ]


def test_ledger_says_one_datagram_as_one(db: None, var: Path) -> None:
    write_journal(var / "journal" / "hall", 1)
    (sentence,) = ledger.read().sentences()
    assert "1 datagram waits in the journal to be stored" in sentence


def test_ledger_journal_nobody_imported_is_all_backlog(db: None, var: Path) -> None:
    write_journal(var / "journal" / "hall", 4)

    assert ledger.read().as_dict()["backlog"] == 4


@pytest.mark.parametrize(
    ("stored", "says"), [(6, "1 datagrams of the journal are not"), (9, "2 datagrams more")]
)
def test_ledger_says_when_the_sum_does_not_hold(stored: int, says: str, db: None, var: Path) -> None:
    directory = var / "journal" / "hall"
    write_journal(directory, 10)
    imported(directory, "hall", 7, stored=stored)

    now = ledger.read()

    assert now.nodes[0].difference == 7 - stored
    assert says in " ".join(now.sentences())


def test_ledger_names_drops_blind_time_and_damage(db: None, var: Path) -> None:
    ListenerNodeFactory(name="far", received=5, stored=5, kernel_drops=1_200, blind_ms=65_000, damaged=2)

    now = ledger.read()

    assert now.as_dict()["kernel_drops"] == 1_200
    assert now.as_dict()["blind_seconds"] == 65.0
    assert now.sentences() == [
        "Nothing is being recorded · everything received is stored.",
        "far: 2 damaged places in the journal were passed over.",
        "far: the system dropped 1,200 datagrams before they could be recorded.",
        "far: for 1 min 5 s in all nothing was listening; what was sent then is not known.",
    ]


def test_ledger_takes_the_word_of_listeners_elsewhere(db: None, var: Path) -> None:
    now = datetime.now(UTC)
    ListenerNodeFactory(
        name="far",
        listen=["0.0.0.0:6000"],
        received=9,
        stored=5,
        recorder_seen_at=now,
        importer_seen_at=now,
        receive_buffer=4096,
    )
    ListenerNodeFactory(name="farther", received=1, stored=1, receive_buffer=1024)

    found = ledger.read()

    assert (found.total("received"), found.total("stored"), found.total("backlog")) == (10, 6, 4)
    assert found.as_dict()["receive_buffer"] == 1024
    assert found.sentences()[0] == (
        "far: Recording on 0.0.0.0:6000 · 4 datagrams wait in the journal to be stored."
    )


def test_ledger_takes_events_from_the_tallies(db: None, var: Path) -> None:
    UdpSessionFactory.create_batch(2)
    hour = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    for status, events in (("recognized", 5), ("recognized", 2), ("partial", 3), ("malformed", 1)):
        HourTally.objects.create(status=status, hour=hour, events=events)

    found = ledger.read().as_dict()

    assert [found[key] for key in KEYS[3:8]] == [11, 7, 3, 0, 1]
    assert found["sessions"] == 2


def test_status_prints_a_table_under_the_sentence(db: None, var: Path) -> None:
    ListenerNodeFactory(name="far", received=1_234, stored=1_234)
    out = StringIO()
    call_command("status", stdout=out)

    lines = out.getvalue().splitlines()
    assert lines[0] == "Nothing is being recorded · everything received is stored."
    assert lines[2].split() == ["Received", "1,234", "datagrams"]
