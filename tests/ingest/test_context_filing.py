"""Every event under the day that was in force when the kernel received it, whenever it is stored."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.models import EventTally, Match, PssEvent
from events.moves import ALL_COURTS, move_events
from tests.factories import ContextChangeFactory, CourtFactory, make_day
from tests.ingest.feed import Feed, recounted, tallied
from tests.processes import wait_until
from tournaments.context import clear_context, set_context
from tournaments.models import ContextChange, TournamentDay

TICK = b"clk;01:59\r\n"
LOAD = b"pre;FightLoaded\r\n"


def days_of_events() -> list[TournamentDay | None]:
    events = PssEvent.objects.select_related("day", "tournament").order_by("id")
    for event in events:
        assert event.tournament == (event.day.tournament if event.day else None)
    return [event.day for event in events]


# --- One importer, one time at a time ---------------------------------------------------------------


@pytest.mark.django_db
def test_an_event_that_waited_gets_the_day_of_its_receipt(feed: Feed) -> None:
    first, second = make_day(), make_day()
    feed.say(TICK)
    set_context(first, at=feed.moment())
    feed.say(TICK)
    set_context(second, at=feed.moment())
    feed.say(TICK)
    clear_context(at=feed.moment())
    feed.say(TICK)
    feed.store()
    assert days_of_events() == [None, first, second, None]
    assert tallied() == recounted()


@pytest.mark.django_db
def test_a_change_holds_from_the_very_microsecond_on(feed: Feed) -> None:
    day = make_day()
    feed.say(TICK, TICK, TICK, after_s=0.000_001)
    set_context(day, at=feed.moment() - timedelta(microseconds=2))
    feed.store()
    assert days_of_events() == [None, day, day]


@pytest.mark.django_db
def test_a_court_has_the_last_change_that_names_it_or_all(feed: Feed) -> None:
    one, other, third = make_day(), make_day(), make_day()
    court = CourtFactory(source="127.0.0.2")
    CourtFactory(source="127.0.0.3")

    def both() -> None:
        feed.say(TICK, source="127.0.0.2")
        feed.say(TICK, source="127.0.0.3")

    set_context(one, at=feed.moment())
    both()
    set_context(other, court=court, at=feed.moment())
    both()
    set_context(third, at=feed.moment())
    both()
    clear_context(court=court, at=feed.moment())
    both()
    feed.store()
    assert days_of_events() == [one, one, other, one, third, third, None, third]


@pytest.mark.django_db
def test_a_change_that_becomes_visible_late_corrects_what_is_stored(feed: Feed) -> None:
    old, new = make_day(), make_day()
    set_context(old, at=feed.moment())
    feed.say(LOAD, TICK, TICK)
    at = feed.moment()
    feed.say(LOAD, TICK, TICK, b"zz\r\n")
    feed.store()
    assert days_of_events() == [old] * 7
    set_context(new, at=at)
    feed.say(TICK)
    feed.store()
    assert days_of_events() == [old] * 3 + [new] * 5
    assert [match.day for match in Match.objects.order_by("loaded_at")] == [old, new]
    assert tallied() == recounted()
    assert EventTally.objects.filter(day=old).total() == 3


@pytest.mark.django_db
def test_a_late_change_is_applied_though_nothing_more_comes(feed: Feed) -> None:
    day = make_day()
    at = feed.moment()
    feed.say(LOAD, TICK)
    importer = feed.importer()
    importer.drain()
    set_context(day, at=at)
    wait_until(lambda: importer.drain() or days_of_events() == [day, day], 5)
    assert Match.objects.get().day == day
    assert tallied() == recounted()


@pytest.mark.django_db
def test_a_change_with_a_lower_key_that_commits_while_nothing_imports_is_applied(feed: Feed) -> None:
    old, new = make_day(), make_day()
    set_context(old, at=feed.moment())
    feed.say(LOAD, TICK)
    at = feed.moment()
    feed.say(LOAD, TICK)
    other = CourtFactory(source="127.0.0.77")
    # The next key is given to a change whose transaction is open still; the one after it commits first.
    first = ContextChange.objects.order_by("-pk").first()
    assert first is not None
    importer = feed.importer()
    importer.drain()
    ContextChange.objects.create(pk=first.pk + 2, court=other, day=new, effective_at=feed.moment())
    feed.say(TICK)
    wait_until(lambda: importer.drain() or len(days_of_events()) == 5, 5)
    assert days_of_events() == [old] * 5
    ContextChange.objects.create(pk=first.pk + 1, court=None, day=new, effective_at=at)

    feed.say(TICK)
    feed.importer().drain()

    assert days_of_events() == [old] * 2 + [new] * 4
    assert tallied() == recounted()
    again = feed.importer()
    feed.say(TICK)
    again.drain()
    assert days_of_events() == [old] * 2 + [new] * 5


@pytest.mark.django_db
def test_restored_changes_are_not_looked_for_again_and_again(feed: Feed) -> None:
    set_context(make_day(), at=feed.moment())
    ContextChangeFactory(restored=True)
    feed.say(TICK)
    importer = feed.importer()
    importer.drain()

    with CaptureQueriesContext(connection) as queries:
        importer.state.refresh_context()

    assert len(queries) == 1


@pytest.mark.django_db
def test_a_late_change_of_one_court_leaves_the_others(feed: Feed) -> None:
    day = make_day()
    court = CourtFactory(source="127.0.0.2")
    at = feed.moment()
    feed.say(TICK, source="127.0.0.2")
    feed.say(TICK, source="127.0.0.3")
    feed.store()
    set_context(day, court=court, at=at)
    feed.say(TICK, source="127.0.0.3")
    feed.store()
    assert days_of_events() == [day, None, None]


@pytest.mark.django_db
def test_a_change_between_two_changes_corrects_only_what_lies_between(feed: Feed) -> None:
    one, two, three = make_day(), make_day(), make_day()
    set_context(one, at=feed.moment())
    feed.say(TICK)
    at = feed.moment()
    feed.say(TICK)
    set_context(three, at=feed.moment())
    feed.say(TICK)
    feed.store()
    set_context(two, at=at)
    feed.say(TICK)
    feed.store()
    assert days_of_events() == [one, two, three, three]


@pytest.mark.django_db
def test_a_change_with_an_earlier_key_that_was_committed_later_is_found(feed: Feed) -> None:
    # PostgreSQL gives keys before commits: the change with key 50 can become visible after the one with 51.
    earlier, later = make_day(), make_day()
    court = CourtFactory(source="127.0.0.2")
    CourtFactory(source="127.0.0.3")
    at = feed.moment()
    feed.say(TICK, source="127.0.0.2")
    ContextChange.objects.create(pk=51, court=None, day=later, effective_at=feed.moment())
    feed.say(TICK, source="127.0.0.3")
    feed.store()
    assert days_of_events() == [None, later]
    ContextChange.objects.create(pk=50, court=court, day=earlier, effective_at=at)
    feed.say(TICK, source="127.0.0.3")
    feed.store()
    assert days_of_events() == [earlier, later, later]


@pytest.mark.django_db
def test_a_restart_leaves_alone_what_staff_moved(feed: Feed) -> None:
    set_by_mistake, right = make_day(), make_day()
    set_context(set_by_mistake, at=feed.moment())
    feed.say(LOAD, TICK, TICK)
    feed.store()
    move_events(ALL_COURTS, feed.moment() - timedelta(hours=1), feed.moment(), right, None)
    assert days_of_events() == [right] * 3
    for _ in range(2):
        feed.importer().drain()
    feed.say(TICK)
    feed.importer().drain()
    assert days_of_events() == [right] * 3 + [set_by_mistake]
    assert tallied() == recounted()


@pytest.mark.django_db
def test_a_listener_new_to_the_database_leaves_alone_what_staff_moved(feed: Feed, tmp_path: Path) -> None:
    set_by_mistake, right = make_day(), make_day()
    set_context(set_by_mistake, at=feed.moment())
    feed.say(LOAD, TICK, TICK)
    feed.store()
    move_events(ALL_COURTS, feed.moment() - timedelta(hours=1), feed.moment(), right, None)
    other = Feed(tmp_path / "other")
    other.say(TICK, source="127.0.0.9")
    other.importer("other").drain()
    assert days_of_events() == [right] * 3 + [set_by_mistake]


@pytest.mark.django_db
def test_a_change_made_while_the_importer_was_away_is_applied_when_it_is_back(feed: Feed) -> None:
    day = make_day()
    at = feed.moment()
    feed.say(LOAD, TICK)
    feed.store()
    set_context(day, at=at)
    feed.importer().drain()
    assert days_of_events() == [day, day]
    assert Match.objects.get().day == day


@pytest.mark.django_db
def test_a_match_loaded_before_any_day_was_active_takes_the_first_it_meets(feed: Feed) -> None:
    day = make_day()
    feed.say(LOAD, TICK)
    set_context(day, at=feed.moment())
    feed.say(TICK)
    feed.store()
    assert Match.objects.get().day == day
    assert days_of_events() == [None, None, day]


@pytest.mark.django_db
def test_a_match_stays_under_the_day_it_was_loaded_on(feed: Feed) -> None:
    first, second = make_day(), make_day()
    set_context(first, at=feed.moment())
    feed.say(LOAD, TICK)
    set_context(second, at=feed.moment())
    feed.say(TICK, b"win;BLUE\r\n")
    feed.store()
    assert Match.objects.get().day == first
    assert days_of_events() == [first, first, second, second]
