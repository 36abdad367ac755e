"""What fails while a batch is stored, and what the recorder and the disk did: nothing lost, nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from events.models import EventTally, ListenerNode, Match, PssEvent, UdpSession, UnknownMessage
from tests.full_disk import no_room_for
from tests.ingest.feed import Feed, picture, recounted, tallied
from tests.processes import wait_until

HITS = [b"hl1;%d\r\n" % (n % 100 + 1) for n in range(500)]


def sequences() -> list[int]:
    return list(PssEvent.objects.order_by("id").values_list("sequence", flat=True))


# --- Failures ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_fails_half_way_leaves_nothing_and_is_stored_whole_later(
    feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    importer = feed.importer()
    importer.stop.set()
    feed.say(*HITS[:10])
    importer.drain()
    before = picture()
    feed.say(*(b"at1;%05d" % n + b"x" * 500 + b"\r\n" for n in range(500)), b"zz\r\n", source_port=40_002)
    with no_room_for("INSERT", "events_pssevent", "NEW.sequence > 300"):
        for _ in range(3):
            assert importer.step(patient=False) == 0
            assert importer.failing
            assert picture() == before
    troubles = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(troubles) == 1
    assert "Nothing is lost" in troubles[0].getMessage()
    assert troubles[0].exc_info is None
    assert importer.drain() == 501
    assert not importer.failing
    assert PssEvent.objects.count() == 511
    assert not PssEvent.objects.filter(error__contains="could not be filed").exists()
    assert ListenerNode.objects.get().stored == 511
    assert tallied() == recounted()


@contextmanager
def failing_on(table: str, what: str) -> Iterator[None]:
    """Every `what` (INSERT or UPDATE) on the table fails as a value the database refuses."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                f"CREATE TRIGGER failing BEFORE {what} ON {table} BEGIN SELECT RAISE(ABORT, 'failing'); END"
            )
        else:
            cursor.execute(
                "CREATE FUNCTION failing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " RAISE EXCEPTION 'failing' USING ERRCODE = '23514'; END $$;"
                f"CREATE TRIGGER failing BEFORE {what} ON {table} FOR EACH ROW EXECUTE FUNCTION failing()"
            )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("DROP TRIGGER failing")
            else:
                cursor.execute("DROP FUNCTION failing() CASCADE")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("table", "what"),
    [
        ("events_pssevent", "INSERT"),
        ("events_eventtally", "INSERT"),
        ("events_listenernode", "UPDATE"),
        ("events_udpsession", "INSERT"),
        ("events_udpsession", "UPDATE"),
        ("tournaments_court", "INSERT"),
    ],
)
def test_a_statement_that_always_fails_loses_and_doubles_nothing(feed: Feed, table: str, what: str) -> None:
    importer = feed.importer()
    importer.stop.set()
    feed.say(*HITS[:3], b"zz;1\r\n")
    with failing_on(table, what):
        for _ in range(3):
            importer.step(patient=False)
        for model in (PssEvent, EventTally, UdpSession, Match, UnknownMessage):
            assert model.objects.count() == 0
        assert not ListenerNode.objects.exclude(sequence=0).exists()
    importer.drain()
    assert sequences() == [1, 2, 3, 4]
    assert [event.kind for event in PssEvent.objects.order_by("id")] == ["hit", "hit", "hit", "unknown"]
    assert UnknownMessage.objects.get().count == 1
    assert ListenerNode.objects.get().stored == 4
    assert tallied() == recounted()


@pytest.mark.django_db(transaction=True)
def test_rows_that_staff_deleted_meanwhile_do_not_stop_the_importer(feed: Feed) -> None:
    feed.say(*HITS[:5])
    feed.store()
    EventTally.objects.all().delete()
    feed.say(*HITS[:5])
    # The totals it knew are gone: the batch is rolled back, then stored with new ones.
    wait_until(lambda: feed.store() or ListenerNode.objects.get().stored == 10, 10)
    assert sequences() == list(range(1, 11))
    assert sum(tallied().values()) == 5


# --- The ledger -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_notes_of_the_recorder_are_added_up_and_are_no_datagrams(feed: Feed) -> None:
    start = {"note": "start", "listen": ["0.0.0.0:6000"], "receive_buffer": 425_984, "pid": 7}
    feed.writer.note(start | {"blind_ns": 1_500_000_000})
    feed.say(*HITS[:3])
    feed.writer.note({"note": "drops", "kernel_drops": 12})
    feed.store()
    feed.writer.note({"note": "drops", "kernel_drops": 30})
    feed.writer.note({"note": "stop"})
    feed.writer.note(start | {"blind_ns": 500_000_000, "listen": ["0.0.0.0:6001"]})
    feed.store()
    node = ListenerNode.objects.get()
    assert (node.kernel_drops, node.blind_ms, node.stored) == (42, 2000, 3)
    assert (node.listen, node.receive_buffer) == (["0.0.0.0:6001"], 425_984)
    assert node.sequence == feed.writer.next_sequence


@pytest.mark.django_db
@pytest.mark.parametrize(
    "note",
    [
        {},
        {"note": "start"},
        {"note": "start", "listen": 7, "receive_buffer": "x"},
        {"note": "drops", "kernel_drops": "many"},
        {"note": "drops", "kernel_drops": -5},
        {"note": "start", "blind_ns": -(10**15), "listen": [], "receive_buffer": -1},
        {"note": "from a later version"},
    ],
)
def test_a_note_that_makes_no_sense_holds_up_nothing(feed: Feed, note: dict[str, object]) -> None:
    feed.say(HITS[0])
    feed.writer.note(note)
    feed.say(HITS[1])
    assert feed.store() == 3
    assert sequences() == [1, 2]
    node = ListenerNode.objects.get()
    assert (node.kernel_drops, node.blind_ms, node.receive_buffer) == (0, 0, 0)


@pytest.mark.django_db
def test_damage_is_passed_over_and_counted_once_however_often_the_importer_begins_anew(feed: Feed) -> None:
    feed.say(*HITS[:20])
    feed.writer.close()
    path = next(feed.directory.glob("*.journal"))
    content = bytearray(path.read_bytes())
    for level in (5, 12):
        at = content.index(b"hl1;%d\r\n" % level)
        content[at] ^= 0xFF
    path.write_bytes(content)
    feed.store_in_pieces([3])
    feed.importer().drain()
    node = ListenerNode.objects.get()
    assert (node.damaged, node.stored) == (2, 18)
    assert sequences() == list(range(1, 19))
