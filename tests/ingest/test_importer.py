"""Batches and positions: everything once, whatever fails, however often the importer begins anew."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.test.utils import CaptureQueriesContext

from events.models import EventTally, ListenerNode, Match, PssEvent, UdpSession, UnknownMessage
from ingest.importer import Importer
from ingest.journal import JournalReader
from ingest.protocol import parse
from ingest.simulator import SimulatedCourt
from ingest.state import AnotherImporter
from tests.ingest.feed import SECOND_NS, Feed, empty_tables, import_some, picture, recounted, tallied
from tests.processes import wait_until

HITS = [b"hl1;%d\r\n" % (n % 100 + 1) for n in range(500)]


def sequences() -> list[int]:
    return list(PssEvent.objects.order_by("id").values_list("sequence", flat=True))


def play_courts(feed: Feed, courts: int, datagrams: int) -> None:
    """The first datagrams of courts that play at the same time, each from its own address."""
    games = []
    for number in range(1, courts + 1):
        game = SimulatedCourt(number, seed=number, matches=2, dialect="TP"[number % 2]).datagrams()
        games += [next(game) for _ in range(datagrams)]
    begin_ns = feed.now_ns
    for datagram in sorted(games, key=lambda datagram: datagram.seconds):
        feed.now_ns = begin_ns + round(datagram.seconds * 1e6) * 1000
        feed.say(
            datagram.payload,
            source=f"127.0.0.{datagram.court}",
            source_port=40_000 + datagram.court,
            after_s=0,
        )


# --- Batches ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_batch_takes_as_many_queries_for_few_events_as_for_many(feed: Feed) -> None:
    importer = feed.importer()
    # What is new costs queries of its own: court, session, match, the minute's totals.
    feed.say(*HITS[:5])
    import_some(importer, 1000)
    counts = []
    for number in (1, 10, 500):
        feed.say(*HITS[:number], after_s=0.000_01)
        with CaptureQueriesContext(connection) as queries:
            import_some(importer, 1000)
        counts.append(len(queries))
    assert counts == [counts[0]] * 3, queries.captured_queries
    assert PssEvent.objects.count() == 516


@pytest.mark.django_db
def test_a_small_batch_is_stored_when_its_time_is_up(feed: Feed) -> None:
    feed.now_ns = time.time_ns()
    feed.say(HITS[0], after_s=0)
    importer = feed.importer(batch_size=1000, flush_ms=300)
    assert importer.state.position is None
    begin = time.monotonic()
    assert importer.step() == 1
    assert 0.1 < time.monotonic() - begin < 10


@pytest.mark.django_db
def test_a_full_batch_does_not_wait(feed: Feed) -> None:
    feed.now_ns = time.time_ns()
    feed.say(*HITS[:10], after_s=0)
    importer = feed.importer(batch_size=10, flush_ms=30_000)
    begin = time.monotonic()
    assert importer.step() == 10
    assert time.monotonic() - begin < 20


@pytest.mark.django_db
def test_a_clock_set_back_does_not_hold_a_batch(feed: Feed) -> None:
    feed.now_ns = time.time_ns() + 3600 * SECOND_NS
    feed.say(HITS[0], after_s=0)
    begin = time.monotonic()
    assert feed.importer(batch_size=10, flush_ms=100).step() == 1
    assert time.monotonic() - begin < 20
    assert PssEvent.objects.get().processing_ms == 0


@pytest.mark.django_db
def test_the_largest_datagrams_are_stored_in_batches_that_fit_in_memory(feed: Feed) -> None:
    feed.say(*[b"z" * 65_507] * 250)
    importer = feed.importer()
    batches = []
    while records := importer.step(patient=False):
        batches.append(records)
    assert sum(batches) == PssEvent.objects.count() == 250
    assert max(batches) * 65_507 < 10_000_000


@pytest.mark.django_db(transaction=True)
def test_following_stores_what_comes_and_the_rest_when_told_to_stop(feed: Feed) -> None:
    stop = threading.Event()
    importer = feed.importer(stop=stop, flush_ms=5)
    problems: list[BaseException] = []

    def follow() -> None:
        try:
            importer.follow()
        except BaseException as error:
            problems.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        feed.say(*HITS[:10])
        wait_until(lambda: PssEvent.objects.count() == 10, 10)
        feed.say(*HITS)
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
    assert problems == []
    assert PssEvent.objects.count() == 510


@pytest.mark.django_db
def test_without_a_journal_there_is_nothing_to_do(tmp_path: Path) -> None:
    importer = Importer(tmp_path / "not there", "main")
    assert importer.step() == 0
    assert not importer.failing
    assert ListenerNode.objects.count() == 0
    feed = Feed(tmp_path / "not there")
    feed.say(HITS[0])
    assert importer.drain() == 1


# --- Restarts ---------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(2))
def test_restarts_between_batches_change_nothing(feed: Feed, seed: int) -> None:
    play_courts(feed, courts=3, datagrams=220)
    feed.store()
    undisturbed = picture()
    empty_tables()
    random = Random(seed)
    feed.store_in_pieces([random.choice((1, 2, 5, 13, 40, 100)) for _ in range(50)])
    again = picture()
    for part in undisturbed:
        assert again[part] == undisturbed[part], part


@pytest.mark.django_db
def test_a_restart_in_the_middle_of_a_load_changes_nothing(feed: Feed) -> None:
    game = SimulatedCourt(1, seed=4, matches=3)
    datagrams = [(d.seconds, d.payload) for d in game.datagrams()]
    loads = [n for n, (_, payload) in enumerate(datagrams) if payload.startswith(b"pre")]
    feed.play(datagrams)
    feed.store()
    undisturbed = picture()
    assert len(undisturbed["matches"]) == 3
    for load in loads:
        for after in (0, 3):
            empty_tables()
            feed.store_in_pieces([load + after, 100_000])
            assert picture()["matches"] == undisturbed["matches"], (load, after)
            assert tallied() == recounted()


@pytest.mark.django_db
def test_an_empty_database_is_filled_again_from_an_old_journal(feed: Feed) -> None:
    play_courts(feed, courts=2, datagrams=200)
    feed.store()
    before = picture()
    empty_tables()
    assert feed.importer().drain() == 400
    assert picture() == before


@pytest.mark.django_db
def test_a_new_journal_is_read_from_its_beginning(tmp_path: Path) -> None:
    old, new = Feed(tmp_path / "old"), Feed(tmp_path / "new")
    old.say(*HITS[:30])
    new.say(*HITS[:20])
    old.store()
    gone_quiet()
    assert new.importer().drain() == 20
    node = ListenerNode.objects.get()
    assert (PssEvent.objects.count(), node.stored) == (50, 20)
    assert str(node.journal) == JournalReader(tmp_path / "new").uuid


@pytest.mark.django_db
def test_a_journal_put_back_goes_on_where_it_was_left(tmp_path: Path) -> None:
    old, new = Feed(tmp_path / "old"), Feed(tmp_path / "new")
    old.say(*HITS[:30])
    new.say(*HITS[:20])
    old.store()
    gone_quiet()
    new.store()
    old.say(*HITS[:3])
    gone_quiet()
    assert old.importer().drain() == 3
    gone_quiet()
    assert new.importer().drain() == 0
    assert PssEvent.objects.count() == 53
    assert ListenerNode.objects.get().stored == 20


@pytest.mark.django_db
def test_a_journal_that_lost_its_end_with_the_power_goes_on(feed: Feed) -> None:
    feed.say(*HITS[:10])
    feed.store()
    feed.writer.close()
    path = next(feed.directory.glob("*.journal"))
    content = path.read_bytes()
    kept = content[: content.index(b"hl1;6\r\n") + 7]
    path.write_bytes(kept.ljust(len(content), b"\0"))
    (feed.directory / "tail").unlink()
    (feed.directory / "lock").write_text('{"pid": 1, "boot": "the one before", "clean": false}')
    again = Feed(feed.directory)
    assert again.writer.next_sequence < feed.importer().state.position.sequence
    again.say(*HITS[10:14])
    again.store()
    levels = list(PssEvent.objects.order_by("id").values_list("value", flat=True))
    assert levels == list(range(1, 15))


def gone_quiet() -> None:
    """The listener stopped a while ago."""
    ListenerNode.objects.update(importer_seen_at=None)


# --- Two at once ------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_second_importer_of_the_same_journal_stores_nothing(feed: Feed) -> None:
    first, second = feed.importer(), feed.importer()
    feed.say(*HITS[:10])
    records, after = second.reader.read(second.state.position, 100)
    first.drain()
    with pytest.raises(AnotherImporter, match="second importer"):
        second.import_batch(records, after, parse)
    assert PssEvent.objects.count() == 10
    # It begins anew behind what the first has stored.
    second.step(patient=False)
    feed.say(*HITS[:10])
    second.drain()
    assert sequences() == list(range(1, 21))
    assert ListenerNode.objects.get().stored == 20


@pytest.mark.django_db(transaction=True)
def test_two_importers_in_turn_store_everything_once(feed: Feed) -> None:
    importers = [feed.importer(), feed.importer()]
    for importer in importers:
        importer.stop.set()  # so that none pauses after it was refused
    random = Random(1)
    for number in range(60):
        feed.say(*HITS[: random.randint(0, 5)], source_port=40_000 + number // 20)
        random.choice(importers).step(patient=False)
    for importer in importers * 2:
        importer.drain()
    sent = feed.writer.datagrams
    assert PssEvent.objects.count() == ListenerNode.objects.get().stored == sent
    for session in UdpSession.objects.all():
        stored = PssEvent.objects.filter(session=session).order_by("id").values_list("sequence", flat=True)
        assert list(stored) == list(range(1, session.events + 1))


@pytest.mark.django_db
def test_a_listener_of_the_same_name_elsewhere_is_refused_while_the_first_is_at_work(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    here, elsewhere = Feed(tmp_path / "here"), Feed(tmp_path / "elsewhere")
    here.say(*HITS[:5])
    elsewhere.say(*HITS[:5])
    here.store()
    importer = elsewhere.importer()
    importer.stop.set()
    with pytest.raises(AnotherImporter, match="INGEST_NODE"):
        import_some(importer, 10)
    assert PssEvent.objects.count() == 5
    here.say(HITS[0])
    assert here.store() == 1


@pytest.mark.django_db
def test_listeners_of_two_names_keep_to_their_own_journals(tmp_path: Path) -> None:
    north, south = Feed(tmp_path / "north"), Feed(tmp_path / "south")
    north.say(*HITS[:5])
    south.say(*HITS[:7])
    north.importer("north").drain()
    south.importer("south").drain()
    assert dict(ListenerNode.objects.values_list("name", "stored")) == {"north": 5, "south": 7}
    assert PssEvent.objects.count() == 12


# --- Failures ---------------------------------------------------------------------------------------


@contextmanager
def full_disk() -> Iterator[None]:
    """The database has no room left: SQLite may not grow, PostgreSQL says so from a trigger."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " IF NEW.sequence > 300 THEN RAISE EXCEPTION 'No space left on device'"
                " USING ERRCODE = '53100'; END IF; RETURN NEW; END $$;"
                "CREATE TRIGGER no_room BEFORE INSERT ON events_pssevent"
                " FOR EACH ROW EXECUTE FUNCTION no_room()"
            )
            try:
                yield
            finally:
                cursor.execute("DROP FUNCTION no_room() CASCADE")
            return
        cursor.execute("PRAGMA page_count")
        most = cursor.fetchone()[0] + 20

    def limit(connection: BaseDatabaseWrapper, **_: object) -> None:
        # SQLite keeps this limit with the connection, and the importer makes a new one after a failure.
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA max_page_count = {most}")

    connection_created.connect(limit)
    limit(connection)
    try:
        yield
    finally:
        connection_created.disconnect(limit)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA max_page_count = 4294967294")


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_fails_half_way_leaves_nothing_and_is_stored_whole_later(
    feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    importer = feed.importer()
    importer.stop.set()
    feed.say(*HITS[:10])
    importer.drain()
    before = picture()
    # Long and unknown, so that on SQLite the events themselves fill the disk.
    feed.say(*(b"at1;%05d" % n + b"x" * 500 + b"\r\n" for n in range(500)), b"zz\r\n", source_port=40_002)
    with full_disk():
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
