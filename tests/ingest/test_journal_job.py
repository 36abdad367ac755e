import time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from events.models import ListenerNode
from ingest.journal import JournalReader, JournalWriter, pack_address
from ingest.journal.format import segment_numbers
from tests.factories import ListenerNodeFactory
from tests.processes import wait_until


@pytest.fixture
def journal(var: Path) -> Path:
    """Several sealed segments, all just written."""
    directory = var / "journal" / "hall"
    writer = JournalWriter(directory, segment_bytes=1 << 16)
    source = pack_address("127.0.0.1")
    for _ in range(40):
        writer.append([(time.time_ns(), 6000, source, 40_000, bytes(1_000)) for _ in range(10)])
    wait_until(lambda: len(list(directory.glob("*.sha256"))) >= len(segment_numbers(directory)) - 1)
    writer.close()
    return directory


def imported_everything(directory: Path) -> ListenerNode:
    reader = JournalReader(directory)
    segment, offset, sequence = reader.end()
    reader.close()
    return ListenerNodeFactory(
        name="hall", journal=reader.uuid, segment=segment, offset=offset, sequence=sequence
    )


def run_job() -> None:
    # In its own process it would not see this test's transaction.
    call_command("runjob", "ingest", "journal")


def two_hours_later(monkeypatch: pytest.MonkeyPatch) -> None:
    now_ns = time.time_ns() + 2 * 3600 * 1_000_000_000
    monkeypatch.setattr("ingest.journal.keep.time.time_ns", lambda: now_ns)


def test_journal_job_keeps_what_may_not_be_on_the_disk_yet(
    db: None, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported_everything(journal)
    monkeypatch.setattr(settings, "JOURNAL_KEEP_DAYS", 0)
    before = segment_numbers(journal)

    run_job()

    assert segment_numbers(journal) == before


def test_journal_job_keeps_what_is_young(db: None, journal: Path) -> None:
    imported_everything(journal)
    before = segment_numbers(journal)

    run_job()

    assert len(before) > 3
    assert segment_numbers(journal) == before


def test_journal_job_removes_what_is_old_and_imported(
    db: None, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported_everything(journal)
    two_hours_later(monkeypatch)
    monkeypatch.setattr(settings, "JOURNAL_KEEP_DAYS", 0)
    last = segment_numbers(journal)[-1]

    run_job()

    assert segment_numbers(journal) == [last]


def test_journal_job_keeps_what_is_not_imported(
    db: None, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = imported_everything(journal)
    node.segment = segment_numbers(journal)[1]
    node.save()
    two_hours_later(monkeypatch)
    monkeypatch.setattr(settings, "JOURNAL_KEEP_DAYS", 0)
    before = segment_numbers(journal)

    run_job()

    assert segment_numbers(journal) == before[1:]


def test_journal_job_leaves_a_journal_the_database_does_not_know(
    db: None, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = imported_everything(journal)
    node.journal = "00000000-0000-0000-0000-000000000001"
    node.save()
    two_hours_later(monkeypatch)
    monkeypatch.setattr(settings, "JOURNAL_KEEP_DAYS", 0)
    before = segment_numbers(journal)

    run_job()

    assert segment_numbers(journal) == before
