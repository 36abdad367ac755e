"""What may be missing of a court or a match: bounded where it is not known, and never said to be nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from events import losses
from events.losses import Missed
from events.models import EventTally, Loss
from tests.factories import (
    NOON,
    CourtFactory,
    ListenerNodeFactory,
    MatchFactory,
    UdpSessionFactory,
    UserFactory,
)
from tests.ingest.test_ledger import write_journal

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def drops(begin: Any, number: int, node: str = "main", port: int | None = 6000) -> Loss:
    return Loss.objects.create(
        node=node, kind=Loss.Kind.DROPS, begin=begin, end=begin + SECOND, port=port, datagrams=number
    )


def blind(begin: Any, seconds: int, node: str = "main") -> Loss:
    end = begin + timedelta(seconds=seconds)
    return Loss.objects.create(node=node, kind=Loss.Kind.BLIND, begin=begin, end=end, blind_ms=seconds * 1000)


def test_courts_add_up_to_the_listener(db: None, var: Path) -> None:
    earlier = {"0d3c7f9e-0000-0000-0000-000000000000": [1, 64, 9, 40]}
    node = ListenerNodeFactory(name="main", received=63, stored=63, tests=3, earlier=earlier)
    one, two = CourtFactory(number=1), CourtFactory(number=2)
    for court, datagrams in ((one, 50), (one, 10), (two, 33), (None, 7)):
        UdpSessionFactory(node=node, court=court, datagrams=datagrams)
    UdpSessionFactory(node=ListenerNodeFactory(name="other", stored=5, received=5), court=one, datagrams=5)

    main, other = losses.read(NOON)

    assert (main.received, main.stored, main.tests, main.elsewhere) == (103, 103, 3, 0)
    assert [(line.court, line.stored, line.received) for line in main.courts] == [
        (one, 60, 60),
        (two, 33, 33),
        (None, 7, 7),
    ]
    assert [(line.court, line.stored) for line in other.courts] == [(one, 5)]


def test_what_is_in_no_session_shows(db: None, var: Path) -> None:
    node = ListenerNodeFactory(name="main", received=10, stored=10)
    UdpSessionFactory(node=node, datagrams=8)

    assert losses.read(NOON)[0].elsewhere == 2


def test_what_a_court_received_is_not_known_while_some_of_it_waits(db: None, var: Path) -> None:
    node = ListenerNodeFactory(name="main", received=12, stored=8)
    UdpSessionFactory(node=node, datagrams=8)

    (main,) = losses.read(NOON)

    assert (main.received, main.courts[0].stored, main.courts[0].received) == (12, 8, None)


def test_drops_are_told_to_every_court_that_was_heard_then(db: None, var: Path) -> None:
    node = ListenerNodeFactory(name="main", stored=4, received=4, kernel_drops=12)
    late = NOON + timedelta(hours=5)
    both, before, later, elsewhere = (CourtFactory(number=n) for n in (1, 2, 3, 4))
    UdpSessionFactory(node=node, court=both, started_at=NOON, last_event_at=late)
    # Fell silent a minute before, without a word of leaving: it may have gone on sending.
    UdpSessionFactory(
        node=node, court=before, started_at=NOON, last_event_at=NOON + timedelta(hours=1), ended_at=late
    )
    UdpSessionFactory(node=node, court=later, started_at=late, last_event_at=late)
    UdpSessionFactory(node=node, court=elsewhere, started_at=NOON, last_event_at=late, local_port=6001)
    drops(NOON + timedelta(hours=1) + MINUTE, 12)

    (main,) = losses.read(late)

    told = {line.court: line.missed.drops for line in main.courts}
    assert told == {both: 12, before: 12, later: 0, elsewhere: 0}


def test_blind_time_is_told_to_courts_of_every_port(db: None, var: Path) -> None:
    node = ListenerNodeFactory(name="main", blind_ms=30_000)
    UdpSessionFactory(node=node, court=CourtFactory(number=1), last_event_at=NOON)
    UdpSessionFactory(node=node, court=CourtFactory(number=2), last_event_at=NOON, local_port=6001)
    UdpSessionFactory(node=ListenerNodeFactory(name="other"), court=CourtFactory(number=3))
    blind(NOON + SECOND, 30)

    told = [[line.missed.blind_ms for line in node.courts] for node in losses.read(NOON + MINUTE)]

    assert told == [[30_000, 30_000], [0]]


def test_damage_may_be_of_any_court(db: None, var: Path) -> None:
    node = ListenerNodeFactory(name="main", damaged=1)
    UdpSessionFactory(node=node)

    missed = losses.read(NOON)[0].courts[0].missed

    assert missed.sentences == ["1 place of the journal could not be read; whose is not known."]


def test_a_match_is_told_what_was_lost_while_it_ran(db: None, var: Path) -> None:
    node = ListenerNodeFactory(name="main", received=90, stored=90)
    court = CourtFactory()
    UdpSessionFactory(
        node=node, court=court, started_at=NOON, last_event_at=NOON + timedelta(hours=2), datagrams=90
    )
    first = MatchFactory(court=court, loaded_at=NOON + 10 * MINUTE, ended_at=NOON + 18 * MINUTE)
    second = MatchFactory(court=court, loaded_at=NOON + 20 * MINUTE, ended_at=NOON + 28 * MINUTE)
    EventTally.objects.create(
        match=first, kind="point", status="recognized", minute=NOON + 15 * MINUTE, events=812
    )
    drops(NOON + 5 * MINUTE, 1)
    drops(NOON + 12 * MINUTE, 7)
    # After its end, and before the next one's load: its result can have been in it.
    drops(NOON + 19 * MINUTE, 2)
    drops(NOON + 25 * MINUTE, 100)
    drops(NOON + 12 * MINUTE, 1_000, port=6001)
    drops(NOON + 12 * MINUTE, 1_000, node="other")
    # From a minute before the load of the second until half a minute into it.
    blind(NOON + 19 * MINUTE, 90)

    one, two = losses.of_match(first), losses.of_match(second)

    assert (one.stored, one.waiting, one.is_over) == (812, 0, True)
    assert one.missed == Missed(drops=9, blind_ms=60_000)
    assert two.missed == Missed(drops=100, blind_ms=32_000)


def test_a_match_long_over_is_not_told_of_later_losses(db: None, var: Path) -> None:
    node = ListenerNodeFactory(name="main")
    court = CourtFactory()
    UdpSessionFactory(node=node, court=court, started_at=NOON, last_event_at=NOON + timedelta(hours=9))
    match = MatchFactory(court=court, loaded_at=NOON, ended_at=NOON + 8 * MINUTE)
    drops(NOON + timedelta(hours=3), 7)

    assert not losses.of_match(match, NOON + timedelta(hours=9)).missed


def test_datagrams_that_wait_may_be_of_a_match_that_runs_and_not_of_one_before(db: None, var: Path) -> None:
    node = ListenerNodeFactory(name="main", received=100, stored=60)
    court = CourtFactory()
    UdpSessionFactory(node=node, court=court, started_at=NOON, last_event_at=NOON + 30 * MINUTE)
    over = MatchFactory(court=court, loaded_at=NOON, ended_at=NOON + 8 * MINUTE)
    runs = MatchFactory(court=court, loaded_at=NOON + 28 * MINUTE)

    now = NOON + 31 * MINUTE
    assert [losses.of_match(match, now).waiting for match in (over, runs)] == [0, 40]


def test_a_listener_that_is_silent_now_leaves_open_what_it_misses(db: None, var: Path) -> None:
    """Its blind time is noted only when it is back; until then nobody may say that all is well."""
    gone = ListenerNodeFactory(name="gone", recorder_seen_at=NOON)
    runs = ListenerNodeFactory(name="runs", recorder_seen_at=NOON + MINUTE)
    one, two, three = (CourtFactory(number=n) for n in (1, 2, 3))
    UdpSessionFactory(node=gone, court=one, last_event_at=NOON)
    # Over long before; what it sent then was recorded.
    early = NOON - timedelta(hours=2)
    UdpSessionFactory(node=gone, court=two, started_at=early, last_event_at=early, ended_at=early)
    UdpSessionFactory(node=runs, court=three, last_event_at=NOON)
    matches = [MatchFactory(court=court, loaded_at=NOON - MINUTE) for court in (one, three)]
    now = NOON + MINUTE

    told = {line.court: line.missed.silent_ms for node in losses.read(now) for line in node.courts}
    assert told == {one: 60_000, two: 0, three: 0}
    assert [losses.of_match(match, now).missed.silent_ms for match in matches] == [60_000, 0]
    assert losses.of_match(matches[0], now).missed.sentences == [
        "For 1 min the listener has not said that it records; "
        "whether what was sent then is recorded is not known."
    ]


def test_what_waits_in_the_journal_of_a_standing_importer_is_told(db: None, var: Path) -> None:
    node = ListenerNodeFactory(name="main", received=60, stored=60, recorder_seen_at=NOON)
    write_journal(var / "journal" / "main", 7)
    court = CourtFactory()
    UdpSessionFactory(node=node, court=court, last_event_at=NOON)

    assert losses.of_match(MatchFactory(court=court), NOON).waiting == 7


def test_a_match_page_says_what_may_be_missing(db: None, var: Path) -> None:
    client = Client()
    client.force_login(UserFactory(group="Viewer"))
    court = CourtFactory()
    UdpSessionFactory(node=ListenerNodeFactory(name="main"), court=court, last_event_at=NOON + MINUTE)
    match = MatchFactory(court=court)

    page = client.get(match.get_absolute_url()).content.decode()
    assert "No loss is known" in page
    assert "100 %" not in page[page.index('id="ledger"') :]

    drops(NOON + SECOND, 1_234)
    page = client.get(match.get_absolute_url()).content.decode()
    assert "Up to 1,234 datagrams were dropped by the system; whose is not known." in page
    assert "No loss is known" not in page


def test_ledgers_take_the_same_number_of_queries_for_one_and_three(
    db: None, var: Path, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def fill() -> None:
        node = ListenerNodeFactory()
        court = CourtFactory()
        UdpSessionFactory(node=node, court=court)
        MatchFactory(court=court)
        drops(NOON, 5, node=node.name)

    fill()
    with django_assert_num_queries(6):
        assert len(losses.read(NOON)) == 1
    fill()
    fill()
    with django_assert_num_queries(6):
        assert len(losses.read(NOON)) == 3


@pytest.mark.parametrize(
    "missed", [Missed(), Missed(drops=1), Missed(blind_ms=5), Missed(damaged=2), Missed(came_back=True)]
)
def test_missed_is_true_when_something_is_said(missed: Missed) -> None:
    assert bool(missed) == bool(missed.sentences)
