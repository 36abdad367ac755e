"""Stored messages are read anew while an importer follows their match: neither undoes the other's work."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from django.db import connection

from events.models import EventTally, ListenerNode, Match, PssEvent
from events.reader import Reader, ReadMessage, reader
from events.reparse import reparse
from ingest.importer import Importer
from ingest.protocol import Message
from tests.ingest.feed import Feed, recounted, tallied
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

LOAD = (b"pre;FightLoaded\r\n", b"clk;02:00;start\r\n")
HITS = [b"hl1;%d\r\n" % (n % 90 + 1) for n in range(60)]


class OlderParser:
    """One that did not know hit levels yet."""

    def __init__(self) -> None:
        self.today: Reader = reader()
        self.to_bytes, self.recorded, self.shape = self.today.to_bytes, self.today.recorded, self.today.shape

    def read(self, raw: str, dialect: str) -> Sequence[ReadMessage]:
        if raw.startswith("hl"):
            return [Message("", "unknown", raw=raw, status="unknown")]
        return self.today.read(raw, dialect)


def read_anew(parser: Reader) -> None:
    reparse(PssEvent.objects.all(), parser, slice_size=50)


def store_all(feed: Feed) -> None:
    wait_until(lambda: feed.store() or ListenerNode.objects.get().stored == feed.writer.datagrams, 10)


def hits() -> list[list[int]]:
    """Of each match, blue and red."""
    return [match.figures["hits"] for match in Match.objects.order_by("loaded_at", "id")]


def test_what_was_read_anew_stays_when_the_importer_goes_on(feed: Feed) -> None:
    feed.say(*LOAD, *HITS[:5])
    store_all(feed)
    read_anew(OlderParser())
    feed.say(*HITS[:2])
    store_all(feed)
    assert hits() == [[2, 0]]
    assert tallied() == recounted()
    read_anew(reader())
    feed.say(*HITS[:3])
    store_all(feed)
    assert hits() == [[10, 0]]
    assert tallied() == recounted()


def test_it_stays_when_the_next_match_is_loaded(feed: Feed) -> None:
    feed.say(*LOAD, *HITS[:5])
    store_all(feed)
    read_anew(OlderParser())
    feed.say(*LOAD, HITS[0])
    store_all(feed)
    assert hits() == [[0, 0], [1, 0]]
    assert tallied() == recounted()


@contextmanager
def following(importer: Importer) -> Iterator[None]:
    """The importer at work in a thread of its own, with a connection of its own."""
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
        yield
    finally:
        importer.stop.set()
        thread.join(60)
    assert not thread.is_alive()
    assert problems == []


def test_back_and_forth_while_an_importer_stores_loses_nothing_and_counts_nothing_twice(feed: Feed) -> None:
    importer = feed.importer(flush_ms=1)
    with following(importer):
        feed.say(*LOAD, after_s=0.01)
        for turn in range(4):
            feed.say(*HITS, after_s=0.000_1)
            wait_until(lambda asked=turn: EventTally.objects.total() > asked * len(HITS), 30)
            for parser in (OlderParser(), reader()):
                read_anew(parser)
        wait_until(lambda: EventTally.objects.total() == feed.writer.datagrams, 30)
        read_anew(OlderParser())
        feed.say(*HITS[:7])
        wait_until(lambda: EventTally.objects.total() == feed.writer.datagrams, 30)
    assert PssEvent.objects.count() == feed.writer.datagrams
    assert hits() == [[7, 0]]
    assert tallied() == recounted()
