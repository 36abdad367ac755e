"""The live page and what its drawer and banners ask for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.events.live_stage import store
from tests.factories import (
    CourtFactory,
    ListenerNodeFactory,
    MatchFactory,
    TournamentFactory,
    UdpSessionFactory,
    UserFactory,
)
from tournaments.context import set_context

pytestmark = pytest.mark.django_db

PAGES = ["/live/", "/live/problems/", "/live/event/1/"]


def signed_in(**user: object) -> Client:
    client = Client()
    client.force_login(UserFactory(**user))
    return client


@pytest.mark.parametrize("page", PAGES)
def test_pages_send_the_anonymous_to_the_sign_in(client: Client, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


@pytest.mark.parametrize("page", PAGES)
def test_pages_refuse_staff_without_permission(page: str) -> None:
    assert signed_in().get(page).status_code == 403


def test_page_is_in_the_frame_with_the_cards_of_active_courts(viewer: Client) -> None:
    CourtFactory(name="Mat A")
    CourtFactory(name="Mat B", active=False)
    text = viewer.get("/live/").content.decode()
    assert 'data-name="Mat A"' in text
    assert 'data-name="Mat B"' not in text
    assert "Unknown messages" in text  # the navigation


def test_page_has_no_inline_script_or_style_of_its_own(viewer: Client) -> None:
    CourtFactory(name='<script>alert("x")</script>')
    text = viewer.get("/live/").content.decode()
    ours = text[text.index('<div class="live-page"') : text.index("</dialog>")]
    assert "style=" not in ours
    assert "<script>" not in ours
    assert ours.count("<script") == ours.count('<script type="module" src=')


def test_page_offers_the_context_to_those_who_may_set_it(viewer: Client) -> None:
    assert 'data-live="choose"' not in viewer.get("/live/").content.decode()
    operator = signed_in(group="Operator")
    assert 'data-live="choose"' in operator.get("/live/").content.decode()


def test_page_asks_the_same_number_of_queries_for_one_and_for_three(
    viewer: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    viewer.get("/live/")

    def count() -> int:
        with django_assert_max_num_queries(40) as queries:
            assert viewer.get("/live/").status_code == 200
        return len(queries)

    def one_more() -> None:
        store(UdpSessionFactory(), {}, {})
        TournamentFactory()

    one_more()
    one = count()
    one_more()
    one_more()
    assert count() == one


def test_event_has_every_field_and_its_neighbours(viewer: Client) -> None:
    session = UdpSessionFactory(source="192.168.1.13", source_port=40_123)
    match = MatchFactory(number="101")
    stored = store(session, *[{"match": match, "value": n, "details": {}} for n in range(1, 21)])
    answer = viewer.get(f"/live/event/{stored[9].pk}/").json()
    assert answer["id"] == stored[9].pk
    assert answer["match"] == {"name": "Match 101", "url": match.get_absolute_url()}
    assert (answer["fields"]["Sender"], answer["fields"]["Value"]) == ("192.168.1.13:40123", "10")
    assert [one["id"] for one in answer["neighbours"]] == [event.pk for event in stored[4:15]]
    assert [one["id"] for one in answer["neighbours"] if one["this"]] == [stored[9].pk]


def test_event_that_is_not_there_is_not_found(viewer: Client) -> None:
    assert viewer.get("/live/event/404/").status_code == 404
    assert viewer.get(f"/live/event/{2**63 - 1}/").status_code == 404


def test_event_asks_the_same_number_of_queries_in_a_short_and_a_long_session(
    viewer: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def count(pk: int) -> int:
        with django_assert_max_num_queries(12) as queries:
            assert viewer.get(f"/live/event/{pk}/").status_code == 200
        return len(queries)

    short = store(UdpSessionFactory(), *[{} for _ in range(11)])[5].pk
    long = store(UdpSessionFactory(), *[{} for _ in range(60)])[30].pk
    assert count(short) == count(long)


def test_problems_are_drawn_anew(viewer: Client) -> None:
    assert "Nothing is being recorded" in viewer.get("/live/problems/").content.decode()
    ListenerNodeFactory(recorder_seen_at=timezone.now(), importer_seen_at=timezone.now())
    assert viewer.get("/live/problems/").content.decode().strip() == ""


def test_problems_offer_the_day_of_today_to_those_who_may_set_it(viewer: Client) -> None:
    ListenerNodeFactory(recorder_seen_at=timezone.now(), importer_seen_at=timezone.now())
    today = timezone.now().date()
    tournament = TournamentFactory(start_date=today - timedelta(1), end_date=today)
    set_context(tournament.days.get(number=1), user=User.objects.first())
    text = viewer.get("/live/problems/").content.decode()
    assert "is not today" in text
    assert "<form" not in text
    text = signed_in(group="Operator").get("/live/problems/").content.decode()
    assert 'name="next" value="/live/"' in text
