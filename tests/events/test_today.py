"""The front page: a checklist that ticks itself, then the day in numbers; and the banners of every page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from events.addresses import machine_addresses, targets
from events.situation import Situation
from events.today import load_today
from tests.factories import (
    ContextChangeFactory,
    CourtFactory,
    ListenerNodeFactory,
    MatchFactory,
    PssEventFactory,
    TournamentFactory,
    UdpSessionFactory,
    UserFactory,
    make_day,
    tally_events,
)
from tournaments.models import TournamentDay

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(UserFactory(group="Operator"))
    return client


def day_of_today(**tournament: Any) -> TournamentDay:
    return make_day(start_date=timezone.localdate(), **tournament)


def recording_node(**changes: Any) -> Any:
    now = timezone.now()
    return ListenerNodeFactory(recorder_seen_at=now, importer_seen_at=now, **changes)


def parts(client: Client) -> dict[str, Any]:
    told: dict[str, Any] = client.get(reverse("today_parts")).json()
    return told


def steps_done(client: Client) -> int:
    return str(parts(client)["parts"]["rs-checklist"]).count("Done:")


def test_checklist_ticks_itself_step_by_step(operator: Client) -> None:
    assert steps_done(operator) == 0

    day = day_of_today()
    assert steps_done(operator) == 1

    ContextChangeFactory(day=day, effective_at=timezone.now())
    assert steps_done(operator) == 2

    session = UdpSessionFactory(node=recording_node(), last_event_at=timezone.now())
    told = parts(operator)
    assert (str(told["parts"]["rs-checklist"]).count("Done:"), told["started"]) == (4, False)
    assert session.source in told["parts"]["rs-checklist"]

    PssEventFactory(session=session, day=day)
    tally_events()
    told = parts(operator)
    assert told["started"]
    assert set(told["parts"]) == {"rs-problems", "rs-alerts", "rs-days", "rs-capture"}


def test_checklist_starts_with_the_button_that_makes_a_tournament(operator: Client) -> None:
    page = operator.get(reverse("admin:index")).content.decode()
    assert reverse("admin:tournaments_tournament_add") in page


def test_checklist_offers_the_days_from_today_on(operator: Client) -> None:
    today = timezone.localdate()
    tournament = TournamentFactory(
        start_date=today - timedelta(1), end_date=today + timedelta(1), name="Berlin Open"
    )
    yesterday, now, tomorrow = tournament.days.all()
    shown = parts(operator)["parts"]["rs-checklist"]
    assert str(now) in shown
    assert str(tomorrow) in shown
    assert str(yesterday) not in shown


def test_checklist_makes_a_day_active_at_a_press(operator: Client) -> None:
    day = day_of_today()
    operator.post(reverse("set_context"), {"court": "all", "day": day.pk, "next": "/"})
    assert steps_done(operator) == 2


def test_buttons_put_a_day_in_force_where_it_is_and_lead_back_to_today(operator: Client) -> None:
    first, second = TournamentFactory(
        start_date=timezone.localdate(), end_date=timezone.localdate() + timedelta(1)
    ).days.all()
    court, _ = CourtFactory(), CourtFactory()
    fields = 'name="court" value="{}">\n    <input type="hidden" name="day" value="{}">'
    back = 'name="next" value="/"'
    for shown in (operator.get("/").content.decode(), parts(operator)["parts"]["rs-checklist"]):
        assert fields.format("all", first.pk) in shown
        assert back in shown

    ContextChangeFactory(day=first, court=court, effective_at=timezone.now())
    PssEventFactory(session=UdpSessionFactory(court=court), day=first)
    tally_events()
    for shown in (operator.get("/").content.decode(), parts(operator)["parts"]["rs-days"]):
        assert fields.format(court.pk, second.pk) in shown
        assert back in shown


def test_checklist_says_honestly_that_nothing_listens(operator: Client) -> None:
    shown = parts(operator)["parts"]["rs-checklist"]
    assert "The listener is not running" in shown
    recording_node()
    assert "The listener is running" in parts(operator)["parts"]["rs-checklist"]


def test_checklist_warns_when_only_this_machine_is_heard(operator: Client) -> None:
    recording_node(listen=["127.0.0.1:6000"])
    assert "It listens on this machine only" in parts(operator)["parts"]["rs-checklist"]


def test_addresses_to_type_in_are_those_of_this_machine() -> None:
    shown = targets(["0.0.0.0:6001", "nonsense"])
    assert [target.address for target in shown] == [address for _, address in machine_addresses()]
    assert {target.port for target in shown} == {6001}


def test_address_that_is_listened_on_is_shown_alone() -> None:
    (only,) = targets(["192.0.2.7:6000"])
    assert (only.address, only.port, only.local_only) == ("192.0.2.7", 6000, False)


def test_numbers_come_from_tallies_matches_and_listeners(operator: Client) -> None:
    day = day_of_today(name="Berlin Open")
    court = CourtFactory()
    ContextChangeFactory(day=day, effective_at=timezone.now())
    recording_node(received=1234, stored=1200, kernel_drops=5, blind_ms=2500)
    early = timezone.now() - timedelta(hours=1)
    MatchFactory(day=day, court=court, winner="blue", loaded_at=early)
    # Left without a result: the next match was loaded on its court.
    MatchFactory(day=day, court=court, started_at=early, loaded_at=early + timedelta(minutes=1))
    MatchFactory(day=day, court=court, started_at=timezone.now(), loaded_at=timezone.now())
    PssEventFactory(day=day)
    PssEventFactory(day=day)
    tally_events()

    today = load_today()

    (now,) = today.days
    assert (now.events, now.matches_done, now.matches_running) == (2, 1, 1)
    assert now.next_day is not None
    assert now.next_day.number == 2
    capture = today.capture
    assert (capture.received, capture.stored, capture.backlog) == (1234, 1200, 34)
    assert (capture.drops, capture.blind_seconds) == (5, 2.5)
    page = operator.get(reverse("admin:index")).content.decode()
    assert "Berlin Open" in page
    assert "Next day" in page
    assert "1,234" in page


def test_two_tournaments_at_once_are_both_shown_with_their_courts() -> None:
    courts = [CourtFactory(name=f"Mat {n}") for n in "ABC"]
    first, second = day_of_today(), day_of_today()
    ContextChangeFactory(day=first)
    ContextChangeFactory(day=second, court=courts[2])

    shown = {item.day: item.places for item in Situation().in_force}

    assert shown == {first: "Mat A and Mat B", second: "Mat C"}


def problems() -> list[str]:
    return [problem.text for problem in Situation().problems()]


def test_banner_when_nothing_ever_recorded() -> None:
    assert problems()[0].startswith("Nothing is being recorded: the listener has not run here yet.")


def test_banner_when_a_listener_fell_silent() -> None:
    ListenerNodeFactory(name="hall", recorder_seen_at=timezone.now() - timedelta(seconds=30))
    (text,) = problems()
    assert text.startswith("Nothing is being recorded by listener “hall” since ")


def test_banner_when_recording_goes_on_but_nothing_is_stored() -> None:
    now = timezone.now()
    ListenerNodeFactory(
        name="hall",
        recorder_seen_at=now,
        importer_seen_at=now - timedelta(minutes=1),
        received=1500,
        stored=500,
    )
    (text,) = problems()
    assert "1,000 datagrams wait in its journal; none is lost." in text


def test_no_banner_for_a_listener_that_was_retired() -> None:
    recording_node()
    ListenerNodeFactory(recorder_seen_at=timezone.now() - timedelta(days=3))
    assert problems() == []


def test_banner_when_events_arrive_while_no_day_is_active() -> None:
    court = CourtFactory(name="Mat 3")
    UdpSessionFactory(node=recording_node(), court=court, last_event_at=timezone.now())
    (text,) = problems()
    assert text.startswith("Events arrive from Mat 3, but no tournament day is active there.")


def test_no_banner_once_a_sender_is_quiet() -> None:
    UdpSessionFactory(node=recording_node(), last_event_at=timezone.now() - timedelta(minutes=5))
    assert problems() == []


def test_banner_when_the_active_day_is_not_today_offers_the_right_one(operator: Client) -> None:
    recording_node()
    today = timezone.localdate()
    tournament = TournamentFactory(start_date=today - timedelta(1), end_date=today)
    yesterday, right = tournament.days.all()
    ContextChangeFactory(day=yesterday)

    (problem,) = Situation().problems()

    assert problem.text.startswith("The active day is not today.")
    assert (problem.day, problem.courts) == (right, ["all"])
    page = operator.get(reverse("admin:events_athlete_changelist")).content.decode()
    assert "The active day is not today." in page
    assert "Make the day of today active" in page


def test_midnight_is_that_of_the_tournament() -> None:
    recording_node()
    # Where it is already tomorrow, or still yesterday.
    now = timezone.now()
    zone = "Pacific/Kiritimati" if now.hour >= 10 else "Pacific/Pago_Pago"
    tournament = TournamentFactory(time_zone=zone, start_date=now.date() - timedelta(1), end_date=now.date())
    assert tournament.today() != now.date()
    ContextChangeFactory(day=tournament.days.get(date=now.date()))
    assert problems()[0].startswith("The active day is not today.")


def test_banners_are_not_for_those_who_may_not_see_events() -> None:
    client = Client()
    client.force_login(UserFactory())
    page = client.get(reverse("admin:index")).content.decode()
    assert "Nothing is being recorded" not in page
    assert "Ask whoever gave it to you" in page


def test_the_page_and_its_parts_take_the_same_queries_for_one_day_and_three(operator: Client) -> None:
    def count() -> tuple[int, int]:
        court = CourtFactory()
        day = day_of_today()
        ContextChangeFactory(day=day, court=court, effective_at=timezone.now())
        session = UdpSessionFactory(court=court, node=recording_node(), last_event_at=timezone.now())
        PssEventFactory(session=session, day=day, match=MatchFactory(day=day, court=court))
        tally_events()
        counts = []
        for url in (reverse("admin:index"), reverse("today_parts")):
            with CaptureQueriesContext(connection) as queries:
                assert operator.get(url).status_code == 200
            counts.append(len(queries))
        return counts[0], counts[1]

    one = count()
    count()
    assert count() == one


def test_answers_are_not_kept_by_the_browser(operator: Client) -> None:
    assert "no-store" in operator.get(reverse("today_parts"))["Cache-Control"]
