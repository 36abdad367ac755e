"""Figures of matches and totals by the hour, as the importer keeps them."""

from __future__ import annotations

from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.models import HourTally, Match
from ingest.simulator.match import simulate_match
from tests import totals
from tests.events.boards import LOAD
from tests.ingest.feed import Feed, import_some, tallied

pytestmark = pytest.mark.django_db


def play_match(feed: Feed, seed: int, dialect: str = "T") -> None:
    feed.play(list(simulate_match(Random(seed), str(seed), dialect=dialect).datagrams()))


def test_figures_are_exact_after_every_batch_and_every_restart(feed: Feed) -> None:
    play_match(feed, 3)
    play_match(feed, 4)

    importer = feed.importer()
    for number in range(400):
        if number % 5 == 0:
            importer = feed.importer()
        if not import_some(importer, 1 + number % 13):
            break
        assert totals.figures() == totals.counted_figures()
    while import_some(importer, 500):
        pass

    tallied()
    assert all(sum(figures["hits"]) > 10 for figures in totals.figures().values())
    assert len(totals.figures()) == 2


def test_a_hit_alone_writes_the_figures_and_nothing_else(feed: Feed) -> None:
    feed.say(*(f"{line}\r\n".encode() for _, line in LOAD), b"clk;02:00;start\r\n")
    feed.store()
    feed.say(b"hl1;44\r\n", b"hl1;45\r\n")

    with CaptureQueriesContext(connection) as queries:
        feed.store()

    written = [query["sql"] for query in queries if "UPDATE events_match SET" in query["sql"]]
    assert len(written) == 1
    assert "rounds" not in written[0]
    assert Match.objects.get().figures["hit_sum"] == [89, 0]


def test_hours_of_two_listeners_add_up(feed: Feed) -> None:
    """A restarted importer does not know its rows any more, and makes new ones."""
    feed.say(b"hl1;44\r\n", b"pt1;2\r\n")
    feed.importer().drain()
    feed.say(b"pt2;1\r\n")
    feed.importer().drain()

    assert HourTally.objects.count() > 1
    tallied()
