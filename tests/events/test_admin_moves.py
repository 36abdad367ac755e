"""The page that moves events to another day: preview in numbers, then exactly that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from events.models import EventMove, PssEvent
from tests.factories import (
    NOON,
    ListenerNodeFactory,
    MatchFactory,
    PssEventFactory,
    UdpSessionFactory,
    UserFactory,
    make_day,
    tally_events,
)
from tournaments.models import TournamentDay

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> Client:
    client = Client()
    client.force_login(UserFactory(username="mia", group="Manager"))
    return client


def asked(day: TournamentDay | None, **changes: str) -> dict[str, str]:
    return {
        "court": "all",
        "start": "2026-11-21T11:00:00",
        "end": "2026-11-21T13:00:00",
        "day": str(day.pk) if day else "none",
    } | changes


def test_preview_shows_numbers_and_changes_nothing(manager: Client) -> None:
    old, new = make_day(name="Old Open"), make_day()
    session = UdpSessionFactory()
    MatchFactory(day=old, court=session.court)
    for _ in range(3):
        PssEventFactory(session=session, day=old)
    PssEventFactory(session=session, day=new)
    tally_events()

    page = manager.get(reverse("move_events"), asked(new)).content.decode()

    assert "3 events and 1 match" in page
    assert f"3 from {old}" in page
    assert "1 are there already and stay" in page
    assert PssEvent.objects.filter(day=old).count() == 3


def test_confirming_other_numbers_moves_nothing_and_shows_the_new_ones(manager: Client) -> None:
    new = make_day()
    event = PssEventFactory()
    tally_events()

    for numbers in (
        {"expected_events": "5", "expected_matches": "0"},
        {},
        {"expected_events": "x", "expected_matches": ""},
    ):
        response = manager.post(reverse("move_events"), asked(new) | numbers)
        page = response.content.decode()
        assert "the numbers have changed" in page
        assert "1 event and 0 matches" in page
    event.refresh_from_db()
    assert event.day is None


def test_times_are_those_of_the_tournament(manager: Client) -> None:
    seoul = make_day(time_zone="Asia/Seoul")
    PssEventFactory(received_at=NOON)  # 21:00 in Seoul
    tally_events()
    there = {"start": "2026-11-21T20:59", "end": "2026-11-21T21:01"}
    page = manager.get(reverse("move_events"), asked(seoul, **there)).content.decode()
    assert "1 event and 0 matches" in page
    assert "Asia/Seoul" in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"court": ""}, "Choose a court, or all courts."),
        ({"court": "12345"}, "Select a valid choice."),
        ({"day": ""}, "Choose the day they belong to."),
        ({"start": "noon"}, "The beginning is not a date and time."),
        ({"end": "2026-11-21T10:00:00"}, "The end must be after the beginning."),
        ({"start": "0001-01-01T00:00"}, "The beginning lies in the year 1."),
        ({"end": "9999-12-31T23:59"}, "The end lies in the year 9999."),
    ],
)
def test_nonsense_is_named(manager: Client, changes: dict[str, str], words: str) -> None:
    page = manager.get(reverse("move_events"), asked(make_day()) | changes).content.decode()
    assert words in page
    assert "then move" not in page


def test_the_future_is_not_moved(manager: Client) -> None:
    end = (timezone.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    page = manager.get(reverse("move_events"), asked(make_day(), end=end)).content.decode()
    assert "The end lies in the future." in page


def test_what_is_still_on_its_way_is_said(manager: Client) -> None:
    ListenerNodeFactory(received=1500, stored=100)
    PssEventFactory()
    tally_events()
    page = manager.get(reverse("move_events"), asked(make_day())).content.decode()
    assert "1,400 datagrams are still on their way" in page


def test_nothing_to_move_offers_nothing(manager: Client) -> None:
    page = manager.get(reverse("move_events"), asked(make_day())).content.decode()
    assert "Nothing: no event was received" in page
    assert "then move" not in page


def test_events_without_a_court_can_be_chosen_alone(manager: Client) -> None:
    PssEventFactory()
    PssEventFactory(session=UdpSessionFactory(court=None))
    tally_events()
    page = manager.get(reverse("move_events"), asked(make_day(), court="without")).content.decode()
    assert "1 event and 0 matches" in page


def test_the_page_takes_the_same_queries_for_one_move_and_three(manager: Client) -> None:
    def count() -> int:
        EventMove.objects.create(
            start=NOON, end=NOON, events=1, matches=0, day=make_day(), user=UserFactory()
        )
        with CaptureQueriesContext(connection) as queries:
            manager.get(reverse("move_events"))
        return len(queries)

    one = count()
    count()
    assert count() == one
