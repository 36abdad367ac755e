"""Making and changing tournaments in the admin."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.factories import (
    ContextChangeFactory,
    CourtFactory,
    PssEventFactory,
    TournamentFactory,
    UserFactory,
    make_day,
    tally_events,
)
from tournaments.models import Court, Tournament

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(UserFactory(group="Operator"))
    return client


@pytest.fixture
def manager() -> Client:
    client = Client()
    client.force_login(UserFactory(group="Manager"))
    return client


def form(tournament: Tournament, **changes: str) -> dict[str, str]:
    names = ("name", "time_zone", "status", "slug", "city", "country", "venue", "notes")
    fields = {name: getattr(tournament, name) for name in names}
    dates = {"start_date": str(tournament.start_date), "end_date": str(tournament.end_date)}
    return fields | dates | changes


def test_adding_needs_a_name_and_dates_and_leads_to_its_days(operator: Client) -> None:
    url = reverse("admin:tournaments_tournament_add")
    asked = {
        "name": "Berlin Open",
        "start_date": "2026-11-21",
        "end_date": "2026-11-23",
        "time_zone": "Europe/Berlin",
    }

    response = operator.post(url, asked, follow=True)

    tournament = Tournament.objects.get()
    assert response.redirect_chain[-1][0] == tournament.get_absolute_url()
    assert tournament.slug == "berlin-open"
    assert [day.date for day in tournament.days.all()] == [date(2026, 11, n) for n in (21, 22, 23)]
    assert response.content.decode().count("Make this day active") == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"end_date": "2026-11-20"}, "The last day is before the first."),
        ({"end_date": "2027-11-20"}, "more than 60 days"),
        ({"time_zone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"country": "GER1"}, "at most 3 characters"),
        ({"country": "G1R"}, "Three capital letters"),
        ({"start_date": "soon"}, "Enter a valid date."),
    ],
)
def test_nonsense_is_refused_in_words(operator: Client, changes: dict[str, str], words: str) -> None:
    tournament = TournamentFactory()

    response = operator.post(tournament.get_absolute_url(), form(tournament, **changes))

    assert response.status_code == 200
    assert words in response.content.decode()


def test_country_may_be_typed_in_small_letters(operator: Client) -> None:
    tournament = TournamentFactory()
    operator.post(tournament.get_absolute_url(), form(tournament, country="ger"))
    tournament.refresh_from_db()
    assert tournament.country == "GER"


def test_a_day_with_events_is_not_taken_away(operator: Client) -> None:
    day = make_day()
    PssEventFactory(day=day)
    tally_events()
    tournament = day.tournament

    response = operator.post(
        tournament.get_absolute_url(), form(tournament, start_date=str(tournament.end_date))
    )

    assert response.status_code == 200
    assert "These days have events" in response.content.decode()
    assert tournament.days.count() == 2


def test_a_day_that_was_in_force_is_not_taken_away(operator: Client) -> None:
    day = make_day()
    ContextChangeFactory(day=day)
    tournament = day.tournament

    response = operator.post(
        tournament.get_absolute_url(), form(tournament, start_date=str(tournament.end_date))
    )

    assert "has been in use" in response.content.decode()
    assert tournament.days.count() == 2


def test_a_free_day_goes_and_the_others_are_numbered_anew(operator: Client) -> None:
    tournament = TournamentFactory()

    response = operator.post(
        tournament.get_absolute_url(), form(tournament, start_date=str(tournament.end_date))
    )

    assert response.status_code == 302
    assert [(day.number, day.date) for day in tournament.days.all()] == [(1, tournament.end_date)]


def test_a_day_whose_events_were_moved_away_goes_with_its_empty_totals(operator: Client) -> None:
    from events.moves import ALL_COURTS, Span, file_spans
    from tests.factories import NOON

    day = make_day()
    PssEventFactory(day=day)
    tally_events()
    file_spans([Span(ALL_COURTS, NOON.replace(year=2020), None, None)])
    tournament = day.tournament

    response = operator.post(
        tournament.get_absolute_url(), form(tournament, start_date=str(tournament.end_date))
    )

    assert response.status_code == 302
    assert tournament.days.count() == 1


def test_a_tournament_is_not_deleted_by_the_admin_itself(manager: Client) -> None:
    day = make_day()
    PssEventFactory(day=day)
    url = reverse("admin:tournaments_tournament_delete", args=[day.tournament_id])
    answer = manager.post(url, {"post": "yes"})
    assert answer.headers["Location"] == reverse("delete_tournament", args=[day.tournament_id])
    assert Tournament.objects.exists()


def test_a_court_that_was_heard_is_not_deleted(manager: Client) -> None:
    event = PssEventFactory()
    url = reverse("admin:tournaments_court_delete", args=[event.court_id])
    assert manager.post(url, {"post": "yes"}).status_code == 403


def test_a_court_can_be_renamed_and_switched_off(operator: Client) -> None:
    court = CourtFactory()
    operator.post(court.get_absolute_url(), {"number": "7", "name": "Centre court", "source": "", "port": ""})
    court = Court.objects.get()
    assert (court.number, court.name, court.active) == (7, "Centre court", False)


def test_changes_are_kept_with_who_made_them(operator: Client) -> None:
    tournament = TournamentFactory()
    operator.post(tournament.get_absolute_url(), form(tournament, name="Renamed"))
    newest = tournament.history.first()
    assert (newest.name, newest.history_user.groups.get().name) == ("Renamed", "Operator")


def test_hostile_names_are_escaped(operator: Client) -> None:
    tournament = TournamentFactory(name="<script>alert(1)</script>")
    for url in (
        tournament.get_absolute_url(),
        reverse("admin:tournaments_tournament_changelist"),
        reverse("context"),
        reverse("admin:index"),
    ):
        assert "<script>alert(1)" not in operator.get(url).content.decode()


@pytest.mark.parametrize("name", ["tournaments_tournament", "tournaments_court", "tournaments_contextchange"])
def test_lists_take_the_same_queries_for_one_row_and_three(operator: Client, name: str) -> None:
    def make() -> None:
        ContextChangeFactory(day=make_day(), court=CourtFactory(), user=UserFactory())

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert operator.get(reverse(f"admin:{name}_changelist")).status_code == 200
        return len(queries)

    make()
    one = count()
    make()
    make()
    assert count() == one


def test_the_page_of_a_tournament_takes_the_same_queries_for_one_day_and_five(operator: Client) -> None:
    def count(days: int) -> int:
        tournament = TournamentFactory(end_date=date(2026, 11, 20 + days))
        for day in tournament.days.all():
            ContextChangeFactory(day=day, court=CourtFactory())
            PssEventFactory(day=day)
        tally_events()
        with CaptureQueriesContext(connection) as queries:
            assert operator.get(tournament.get_absolute_url()).status_code == 200
        return len(queries)

    count(1)
    assert count(1) == count(5)


def test_the_page_of_a_tournament_says_together_where_the_same_day_is_in_force(operator: Client) -> None:
    day = make_day()
    other = day.tournament.days.get(number=2)
    for number in (1, 2, 3):
        CourtFactory(number=number)

    def rows() -> list[tuple[str, str]]:
        shown = operator.get(day.tournament.get_absolute_url()).context["rows"]
        return [(row["places"], str(row["day"] or "no day")) for row in shown]

    assert rows() == [("all courts", "no day")]
    ContextChangeFactory(day=day)
    assert rows() == [("all courts", str(day))]
    ContextChangeFactory(day=other, court=Court.objects.get(number=2))
    assert rows() == [("Court 1 and Court 3", str(day)), ("Court 2", str(other))]
