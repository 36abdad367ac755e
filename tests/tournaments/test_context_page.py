"""The context page and the buttons that make a day active."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.factories import ContextChangeFactory, CourtFactory, TournamentFactory, UserFactory, make_day
from tournaments.context import get_context
from tournaments.models import ContextChange, Progress

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(UserFactory(username="olga", group="Operator"))
    return client


def said(response: HttpResponse) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))  # type: ignore[attr-defined]


def test_setting_says_what_is_active_where_and_since_when(operator: Client) -> None:
    day = make_day(name="Berlin Open", start_date=timezone.localdate())

    response = operator.post(reverse("set_context"), {"court": "all", "day": day.pk})

    change = ContextChange.objects.get()
    since = f"{change.effective_at:%H:%M:%S}"
    assert said(response) == f"Active on all courts since {since}: {day}."
    assert (change.court, change.day, change.user.username) == (None, day, "olga")
    assert abs(change.effective_at - timezone.now()) < timedelta(seconds=20)


def test_setting_starts_the_day_and_its_tournament(operator: Client) -> None:
    day = make_day()
    operator.post(reverse("set_context"), {"court": "all", "day": day.pk})
    day.refresh_from_db()
    assert (day.status, day.tournament.status) == (Progress.RUNNING, Progress.RUNNING)


def test_setting_on_two_courts_leaves_the_others_alone(operator: Client) -> None:
    day = make_day()
    courts = [CourtFactory() for _ in range(3)]

    response = operator.post(reverse("set_context"), {"court": [courts[0].pk, courts[2].pk], "day": day.pk})

    in_force = [get_context(court) for court in courts]
    assert [change and change.day for change in in_force] == [day, None, day]
    assert f"{courts[0]} and {courts[2]}" in said(response)


def test_setting_warns_once_when_the_day_is_not_today(operator: Client) -> None:
    day = make_day(start_date=date(2020, 2, 1))
    for there in (reverse("context"), day.get_absolute_url(), day.tournament.get_absolute_url()):
        asked = {"court": "all", "day": day.pk, "next": there}
        page = operator.post(reverse("set_context"), asked, follow=True).content.decode()
        assert page.count("The active day is not today.") == 1
        # The mark in the table of courts says it again to whoever points at it.
        assert (
            page.replace('title="Day 1 is Sat 1 Feb, but today is', "").count(
                "Day 1 is Sat 1 Feb, but today is"
            )
            == 1
        )


def test_clearing_says_that_events_are_kept_without_a_day(operator: Client) -> None:
    court = CourtFactory(name="Court 7")
    ContextChangeFactory(day=make_day())

    response = operator.post(reverse("set_context"), {"court": court.pk, "day": "none"})

    assert "No day is active on Court 7 since" in said(response)
    change = get_context(court)
    assert change is not None
    assert change.day is None


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "Choose a court, or all courts."),
        ({"court": "all"}, "Choose a day, or “No day”."),
        ({"court": "all", "day": "999999"}, "There is no such tournament day."),
        ({"court": "999999", "day": "none"}, "There is no such court."),
        ({"court": "<b>", "day": "none"}, "There is no such court."),
        ({"court": "all", "day": "1; drop table"}, "There is no such tournament day."),
    ],
)
def test_nonsense_changes_nothing_and_is_named(operator: Client, asked: dict[str, str], words: str) -> None:
    response = operator.post(reverse("set_context"), asked)
    assert said(response).startswith("Nothing was changed.")
    assert words in said(response)
    assert not ContextChange.objects.exists()


@pytest.mark.parametrize("there", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_the_way_back_stays_on_this_site(operator: Client, there: str) -> None:
    response = operator.post(reverse("set_context"), {"court": "all", "day": "none", "next": there})
    assert response["Location"] == reverse("context")


def test_the_way_back_leads_to_where_the_button_was(operator: Client) -> None:
    day = make_day()
    page = day.tournament.get_absolute_url()
    response = operator.post(reverse("set_context"), {"court": "all", "day": day.pk, "next": page})
    assert response["Location"] == page


def test_the_page_shows_what_holds_on_each_court_and_who_set_it(operator: Client) -> None:
    day = make_day(name="Berlin Open")
    court, other = CourtFactory(name="North"), CourtFactory(name="South")
    ContextChangeFactory(day=day, court=court, user=UserFactory(username="karl"))

    page = operator.get(reverse("context")).content.decode()

    assert "North" in page
    assert str(other) in page
    assert page.count("no day") >= 1
    assert "karl" in page


def test_the_day_of_one_court_is_cleared_with_its_button(operator: Client) -> None:
    court = CourtFactory()
    ContextChangeFactory(day=make_day(), court=court)
    page = operator.get(reverse("context")).content.decode()
    (asked,) = re.findall(
        r'name="court" value="(\d+)">\s*<input type="hidden" name="day" value="none">'
        r'\s*<input type="hidden" name="next" value="(/context/)">',
        page,
    )
    assert asked == (str(court.pk), "/context/")


def test_the_page_offers_no_form_to_a_viewer() -> None:
    make_day()
    client = Client()
    client.force_login(UserFactory(group="Viewer"))
    assert reverse("set_context") not in client.get(reverse("context")).content.decode()


def test_the_page_says_what_to_do_when_there_is_no_tournament(operator: Client) -> None:
    assert "Make a tournament" in operator.get(reverse("context")).content.decode()


def test_the_page_takes_the_same_queries_for_one_court_and_three(operator: Client) -> None:
    day = make_day(start_date=timezone.localdate())

    def count() -> int:
        ContextChangeFactory(day=day, court=CourtFactory(), user=UserFactory())
        with CaptureQueriesContext(connection) as queries:
            operator.get(reverse("context"))
        return len(queries)

    one = count()
    count()
    assert count() == one


def test_pages_show_times_as_the_hall_does(operator: Client) -> None:
    tournament = TournamentFactory(time_zone="Asia/Seoul")
    change = ContextChangeFactory(day=tournament.days.first())
    # 12:00 UTC is 21:00 in Seoul.
    assert "21:00:00" in operator.get(reverse("context")).content.decode()
    assert change.effective_at.hour == 12
