"""Batches and positions: everything once, whatever fails, however often the importer begins anew."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.models import ListenerNode, PssEvent, UdpSession
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
    importer = feed.importer(batch_size=1000, flush_ms=2000)
    assert importer.state.position is None
    begin = time.monotonic()
    assert importer.step() == 1
    assert 0.1 < time.monotonic() - begin < 20


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
