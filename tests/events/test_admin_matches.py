"""The list of matches, and the page of one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.factories import NOON, AthleteFactory, CourtFactory, MatchFactory, PssEventFactory, make_day

pytestmark = pytest.mark.django_db


def test_a_match_shows_what_the_stream_told(viewer: Client) -> None:
    match = MatchFactory(
        number="101",
        rounds=[[13, 8, 1], [0, 11, 2], [7, 7, 1]],
        gam_jeoms=[[1, 0], [0, 1], [0, 0]],
        replays=[{"side": 1, "round": 1, "clock_ms": 80_000, "state": "accepted", "won": None}],
        injuries=[{"side": 0, "round": 2, "clock_ms": 96_000, "started_ns": 0, "ended_ns": 12_000_000_000}],
        referees={"referee": {"name": "SMITH J", "ioc": "USA"}, "judges": [{"name": "KIM S", "ioc": "KOR"}]},
        winner="blue",
        decision="PTF",
    )
    page = viewer.get(match.get_absolute_url()).content.decode()
    for words in (
        match.blue.name,
        match.red.name,
        "13",
        "Blue wins on points (PTF)",
        "SMITH J (USA)",
        "KIM S (KOR)",
        "Blue, round 1 at 1:20: accepted",
        "3 rounds of 2:00",
    ):
        assert words in page, words


def test_a_match_of_which_nothing_is_known_is_shown(viewer: Client) -> None:
    match = MatchFactory(
        blue=None, red=None, number="", phase="", court=None, rounds_planned=None, round_seconds=None
    )
    page = viewer.get(match.get_absolute_url()).content.decode()
    assert "Blue, not named" in page
    assert "Not started" in page


def test_a_match_takes_the_same_queries_with_one_event_and_three(viewer: Client) -> None:
    match = MatchFactory(day=make_day())

    def count() -> int:
        PssEventFactory(match=match)
        with CaptureQueriesContext(connection) as queries:
            viewer.get(match.get_absolute_url())
        return len(queries)

    one = count()
    count()
    assert count() == one


@pytest.mark.parametrize("state", ["running", "done", "open", ""])
def test_matches_are_filtered_by_state(viewer: Client, state: str) -> None:
    court = CourtFactory()
    done = MatchFactory(court=court, winner="red", started_at=NOON, ended_at=NOON)
    left = MatchFactory(court=court, started_at=NOON, loaded_at=NOON + timedelta(minutes=1))
    running = MatchFactory(court=court, started_at=NOON, loaded_at=NOON + timedelta(minutes=2))
    expected = {
        "running": [running],
        "done": [done],
        "open": [running, left],
        "": [running, left, done],
    }[state]
    response = viewer.get(reverse("admin:events_match_changelist"), {"state": state})
    assert list(response.context["cl"].result_list) == expected


def test_list_says_how_each_match_stands(viewer: Client) -> None:
    court, other = CourtFactory(), CourtFactory()
    begun: Any = {"court": court, "started_at": NOON}
    MatchFactory(number="WON", winner="red", decision="PTF", ended_at=NOON, **begun)
    MatchFactory(number="LEFT", loaded_at=NOON + timedelta(minutes=1), **begun)
    MatchFactory(number="ON", loaded_at=NOON + timedelta(minutes=2), **begun)
    MatchFactory(number="ENDED", court=other, started_at=NOON, ended_at=NOON)
    MatchFactory(number="LOADED")
    changelist = viewer.get(reverse("admin:events_match_changelist")).context["cl"]
    said = {match.number: changelist.model_admin.outcome(match) for match in changelist.result_list}
    assert said == {
        "WON": ("red", "Red PTF"),
        "LEFT": ("tie", "no result"),
        "ON": ("running", "running"),
        "ENDED": ("tie", "no result"),
        "LOADED": None,
    }


def test_matches_are_found_by_number_and_athlete(viewer: Client) -> None:
    match = MatchFactory(number="777", blue=AthleteFactory(name="ÖSTBYE H"))
    MatchFactory(number="7")
    for words in ("777", "stbye"):
        response = viewer.get(reverse("admin:events_match_changelist"), {"q": words})
        assert list(response.context["cl"].result_list) == [match]
