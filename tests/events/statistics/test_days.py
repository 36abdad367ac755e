"""How a tournament and its days run, against a plain count of events and matches."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from events.archive import runs, scope
from events.losses import Missed
from events.models import HourTally, Loss, Match, PssEvent
from events.statistics.days import statistics_of
from ingest.simulator.match import simulate_match
from tests import totals
from tests.events.archive_stage import finished_tournament
from tests.factories import (
    NOON,
    AthleteFactory,
    CourtFactory,
    MatchFactory,
    PssEventFactory,
    UdpSessionFactory,
    UserFactory,
    make_day,
    tally_events,
)
from tests.ingest.feed import Feed
from tournaments.context import set_context
from tournaments.models import TournamentDay

pytestmark = pytest.mark.django_db


def minutes(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


def match_at(start: float, length: float | None = 8, **fields: Any) -> Match:
    """Loaded at `start` minutes, begun a minute later, over after `length` minutes (None: never)."""
    told = {
        "loaded_at": minutes(start),
        "started_at": minutes(start + 1),
        "ended_at": None if length is None else minutes(start + 1 + length),
        "winner": "" if length is None else "blue",
        "decision": "" if length is None else "PTF",
    }
    match: Match = MatchFactory(**told | fields)
    return match


def signed_in(group: str = "Viewer") -> Client:
    client = Client()
    client.force_login(UserFactory(group=group))
    return client


def page(day: TournamentDay, query: str = "") -> Any:
    return signed_in().get(reverse("day_statistics", args=[day.pk]) + query)


def charts(context: Any) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """(what, by what) -> [(label, figure)]"""
    return {(c.figure, c.by): [(bar.label, bar.text) for bar in c.bars] for c in context["charts"]}


# --- Against a plain count ----------------------------------------------------------------------------


def assert_totals_are_a_plain_count(day: TournamentDay) -> None:
    events = [event for event in totals.all_events() if event.day_id == day.pk]
    found = statistics_of([day.pk])
    assert found.capture.events == len(events)
    assert found.capture.by_status == Counter(event.status for event in events)
    assert found.capture.ms_max == max(event.processing_ms for event in events)
    assert found.capture.ms_sum == pytest.approx(sum(event.processing_ms for event in events))
    by_hour = Counter(event.received_at.replace(minute=0, second=0, microsecond=0) for event in events)
    assert {hour.start: hour.events for hour in found.hours} == by_hour
    assert sum(hour.points for hour in found.hours) == sum(event.kind == "point" for event in events)
    assert {pk: use.events for pk, use in found.uses.items()} == Counter(event.court_id for event in events)
    matches = list(Match.objects.filter(day=day))
    assert found.loaded == len(matches)
    assert found.done == sum(bool(match.winner) for match in matches)
    assert found.decisions == Counter(match.decision for match in matches if match.winner)
    assert found.loaded == sum((found.done, found.running, found.waiting, found.left, found.never_begun))


def test_totals_of_a_recorded_day_equal_a_plain_count_live_and_archived(feed: Feed) -> None:
    day = make_day()
    set_context(day, at=NOON - timedelta(days=900))
    for seed in (1, 2):
        feed.play(simulate_match(Random(seed), str(seed)).datagrams(), source=f"127.0.0.{seed}")
    feed.say(b"strange;1\r\n", b"\xff\xfe", b"pt1;9\r\n")
    feed.store()
    assert PssEvent.objects.count() > 1000

    assert_totals_are_a_plain_count(day)


def test_totals_stay_when_the_tournament_is_archived() -> None:
    tournament = finished_tournament(600)
    day = tournament.days.get()
    before = statistics_of([day.pk])

    part = scope.to_archive(tournament)
    runs.work(runs.begin(runs.Direction.ARCHIVE, [part]), [part])

    assert not PssEvent.objects.exists()
    assert statistics_of([day.pk]) == before
    assert_totals_are_a_plain_count(day)
    assert f"{before.capture.events:,}" in page(day).content.decode()


# --- Matches ------------------------------------------------------------------------------------------


def test_every_match_is_counted_once_by_how_it_stands() -> None:
    day = make_day()
    one, two, three = CourtFactory(), CourtFactory(), CourtFactory()
    match_at(0, court=one, day=day)
    match_at(10, None, court=one, day=day, started_at=None)  # loaded, and then loaded again
    match_at(11, None, court=one, day=day)  # left without a result
    match_at(30, None, court=one, day=day)  # running
    match_at(0, 3, court=two, day=day, winner="tie", decision="")
    match_at(9, None, court=two, day=day, started_at=None)  # waiting
    match_at(0, 5, court=three, day=day, winner="", decision="")  # ended, by whom was not told
    match_at(0, 5, court=three, day=make_day(name="Other"))

    found = statistics_of([day.pk])

    states = (found.done, found.running, found.waiting, found.left, found.never_begun)
    assert states == (2, 1, 1, 2, 1)
    assert found.loaded == 7
    assert dict(found.outcomes) == {"blue": 1, "tie": 1}
    assert dict(found.decisions) == {"PTF": 1, "": 1}


def test_pace_is_the_length_of_matches_and_the_median_from_start_to_start() -> None:
    day = make_day()
    court = CourtFactory()
    for start in (0, 10, 20, 80, 90):  # an hour for lunch
        match_at(start, 8, court=court, day=day)

    found = statistics_of([day.pk])

    assert found.average_length == 8 * 60
    assert found.turnover == 10 * 60
    assert found.end_after(6, minutes(92)) == minutes(92 + 60)
    assert found.end_after(1, minutes(92)) == minutes(102)
    # Nobody has begun a match for an hour: there is no pace to go by.
    assert found.end_after(6, minutes(300)) is None


def test_pace_of_two_courts_is_halved_and_days_are_not_joined() -> None:
    days = make_day().tournament.days.order_by("number")
    courts = [CourtFactory(), CourtFactory()]
    for court in courts:
        for start in (0, 10, 20):
            match_at(start, 8, court=court, day=days[0])
        match_at(24 * 60, 8, court=court, day=days[1])
    found = statistics_of([day.pk for day in days])
    assert found.turnover == 10 * 60
    assert statistics_of([days[0].pk]).end_after(4, minutes(25)) == minutes(45)
    assert [use.matches for use in found.courts] == [4, 4]


def test_athletes_and_countries_are_ranked_by_what_was_decided() -> None:
    day = make_day()
    ada, bo, cy = (
        AthleteFactory(name=name, country=ioc) for name, ioc in (("A", "KOR"), ("B", "ITA"), ("C", ""))
    )
    match_at(0, day=day, blue=ada, red=bo)
    match_at(10, day=day, blue=bo, red=cy)
    match_at(20, day=day, blue=ada, red=cy, winner="tie")
    match_at(30, None, day=day, blue=cy, red=bo)
    match_at(40, day=day, blue=None, red=None)

    found = statistics_of([day.pk])

    assert [(s.athlete, s.wins, s.losses, s.matches) for s in found.athletes] == [
        (ada, 1, 0, 2),
        (bo, 1, 1, 2),
        (cy, 0, 1, 2),
    ]
    assert [(s.name, s.wins, s.losses, s.athletes) for s in found.countries] == [
        ("KOR", 1, 0, 1),
        ("ITA", 1, 1, 1),
    ]


# --- Pages --------------------------------------------------------------------------------------------


def test_pages_of_a_day_without_anything_say_so() -> None:
    day = make_day()
    assert "Nothing was recorded on this day yet." in page(day).content.decode()
    whole = signed_in().get(reverse("tournament_statistics", args=[day.tournament_id]))
    assert "Nothing was recorded for this tournament yet." in whole.content.decode()
    assert signed_in().get(reverse("day_statistics", args=[99999])).status_code == 404
    assert signed_in().get(reverse("tournament_statistics", args=[99999])).status_code == 404


def test_hours_are_those_of_the_tournament_with_the_empty_ones_between() -> None:
    day = make_day(time_zone="Asia/Seoul")
    for hour, count in ((0, 1), (2, 3)):
        for _ in range(count):
            PssEventFactory(day=day, received_at=NOON + timedelta(hours=hour))
    tally_events()

    context = page(day).context

    assert charts(context)["Events", "hour"] == [("21:00", "1"), ("22:00", "0"), ("23:00", "3")]
    assert [bar.strong for bar in context["charts"][0].bars] == [False, False, True]
    assert context["events_an_hour"] == "2"
    assert context["found"].busiest.events == 3


def test_a_tournament_is_told_by_the_day_and_by_the_hour_as_a_plain_count_has_it() -> None:
    first = make_day(time_zone="Asia/Kolkata")
    second = first.tournament.days.get(number=2)
    for day, hour, kind in (
        (first, 0, "hit"),
        (first, 0, "point"),
        (first, 2, "hit"),
        (second, 24, "point"),
        (second, 26, "point"),
        (second, 27, "hit"),
    ):
        PssEventFactory(day=day, received_at=NOON + timedelta(hours=hour), kind=kind)
    tally_events()

    context = signed_in().get(reverse("tournament_statistics", args=[first.tournament_id])).context

    told = charts(context)
    hours = Counter(
        f"{timezone.localtime(e.received_at, ZoneInfo('Asia/Kolkata')):%H}:30" for e in totals.all_events()
    )
    assert {
        label: int(text) for label, text in told["Events", "hour, all days together"] if text != "0"
    } == hours
    assert told["Events", "hour, all days together"] == [
        ("17:30", "3"),
        ("18:30", "0"),
        ("19:30", "2"),
        ("20:30", "1"),
    ]
    assert told["Scores", "hour, all days together"] == [
        ("17:30", "2"),
        ("18:30", "0"),
        ("19:30", "1"),
        ("20:30", "0"),
    ]
    assert [text for _, text in told["Events", "day"]][:2] == ["3", "3"]
    assert [text for _, text in told["Scores", "day"]][:2] == ["1", "2"]
    assert (context["found"].an_hour("events"), context["found"].an_hour("points")) == (6 / 5, 3 / 5)


def test_projection_is_only_for_the_number_somebody_gives() -> None:
    day = make_day(start_date=timezone.localdate(), end_date=timezone.localdate())
    now = timezone.now()
    court = CourtFactory()
    for ago in (30, 20, 10):
        loaded = now - timedelta(minutes=ago)
        MatchFactory(court=court, day=day, loaded_at=loaded, started_at=loaded, winner="red")
    said = "matches would be over at about"

    assert said not in page(day).content.decode()
    assert said in page(day, "?remaining=12").content.decode()
    end = page(day, "?remaining=12").context["end"]
    assert timedelta(minutes=119) < end - now < timedelta(minutes=125)
    for nonsense in ("0", "-3", "x", "1000", "9" * 40, "٣"):
        content = page(day, f"?remaining={nonsense}").content.decode()
        assert "Give a number from 1 to 999." in content
    Match.objects.update(started_at=now - timedelta(hours=5))
    Match.objects.filter(pk=Match.objects.first().pk).update(started_at=now - timedelta(hours=4))  # type: ignore[union-attr]
    assert "no pace to go by" in page(day, "?remaining=12").content.decode()


def test_recognized_is_not_rounded_up_to_all() -> None:
    day = make_day()
    hour = NOON.replace(minute=0)
    HourTally.objects.create(day=day, status="recognized", hour=hour, events=1_000_000)
    assert page(day).context["recognized"] == "100 %"
    HourTally.objects.create(day=day, status="unknown", hour=hour, events=1)
    assert page(day).context["recognized"] == "99.99 %"


def test_losses_are_those_of_the_hours_in_which_something_was_recorded() -> None:
    first, second = make_day().tournament.days.order_by("number")[:2]
    hour = NOON.replace(minute=0)
    for day, start in ((first, 0), (first, 3), (second, 24)):
        HourTally.objects.create(day=day, status="recognized", hour=hour + timedelta(hours=start), events=10)
    assert "No loss is known" in page(first).content.decode()

    def blind(begins: float, hours: float) -> None:
        begin = hour + timedelta(hours=begins)
        end = begin + timedelta(hours=hours)
        Loss.objects.create(
            node="main", kind="blind", begin=begin, end=end, blind_ms=round(hours * 3_600_000)
        )

    blind(1, 0.5)
    # The whole night between the days, from the last hour of the first into the second.
    blind(3.5, 21)
    blind(30, 1)
    Loss.objects.create(
        node="other", kind="drops", begin=hour, end=hour + timedelta(seconds=1), port=6000, datagrams=7
    )
    one, other = statistics_of([first.pk]).capture.missed, statistics_of([second.pk]).capture.missed
    assert one == Missed(drops=7, blind_ms=60 * 60_000)
    assert other == Missed(blind_ms=30 * 60_000)
    assert statistics_of([first.pk, second.pk]).capture.missed == Missed(drops=7, blind_ms=90 * 60_000)
    content = page(first).content.decode()
    assert "Up to 7 datagrams were dropped by the system" in content
    assert "For 1 h nothing was listening" in content
    assert "No loss is known" not in content


@pytest.mark.parametrize("name", ["tournament_statistics", "day_statistics"])
def test_statistics_are_for_those_who_may_see_matches(name: str) -> None:
    day = make_day()
    url = reverse(name, args=[day.tournament_id if name == "tournament_statistics" else day.pk])
    assert [signed_in(group).get(url).status_code for group in ("", "Viewer")] == [403, 200]
    assert Client().get(url).status_code == 302
    assert signed_in().post(url).status_code == 405


def test_statistics_cost_the_same_queries_for_one_match_and_three() -> None:
    days = list(make_day().tournament.days.order_by("number"))
    client = signed_in()
    urls = [
        reverse("tournament_statistics", args=[days[0].tournament_id]),
        reverse("day_statistics", args=[days[0].pk]),
    ]
    counts = []
    for number in (1, 2):
        for n in range(number):
            match = match_at(n * 10, day=days[0])
            PssEventFactory(session=UdpSessionFactory(court=match.court), match=match, day=days[0])
        tally_events()
        for url in urls:
            client.get(url)
            with CaptureQueriesContext(connection) as queries:
                client.get(url)
            counts.append(len(queries))
    assert counts[:2] == counts[2:]
