"""What the API says of tournaments, days, courts, matches and athletes, and how it pages and refuses."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.events.api.conftest import Ask
from tests.factories import (
    NOON,
    AthleteFactory,
    CourtFactory,
    MatchFactory,
    PssEventFactory,
    TournamentFactory,
    make_day,
)

HOSTILE = '<script>alert("1")</script>'


def test_tournaments_the_latest_first(ask: Ask) -> None:
    old = TournamentFactory(start_date=date(2025, 1, 1), status="finished")
    new = TournamentFactory(country="KOR", city="Seoul")

    assert [one["id"] for one in ask("tournaments")["items"]] == [new.pk, old.pk]
    assert [one["id"] for one in ask("tournaments", status="finished")["items"]] == [old.pk]
    told = ask(f"tournaments/{new.pk}")
    assert {key: told[key] for key in ("name", "country", "city", "start_date", "status")} == {
        "name": new.name,
        "country": "KOR",
        "city": "Seoul",
        "start_date": "2026-11-21",
        "status": "planned",
    }
    assert [(day["number"], day["date"]) for day in told["days"]] == [(1, "2026-11-21"), (2, "2026-11-22")]


def test_days_and_courts(ask: Ask) -> None:
    day = make_day()
    make_day()
    courts = [CourtFactory(number=2), CourtFactory(number=1, name="", active=False)]

    assert [one["number"] for one in ask("days", tournament=day.tournament_id)["items"]] == [2, 1]
    assert ask(f"days/{day.pk}")["date"] == "2026-11-21"
    assert [one["id"] for one in ask("courts")["items"]] == [courts[1].pk, courts[0].pk]
    assert ask(f"courts/{courts[1].pk}") == {
        "id": courts[1].pk,
        "number": 1,
        "name": "Court 1",
        "active": False,
    }
    assert [one["id"] for one in ask("courts", active="true")["items"]] == [courts[0].pk]


def test_a_match_says_what_the_stream_told(ask: Ask) -> None:
    day = make_day()
    match = MatchFactory(
        day=day,
        number="245.A",
        blue=AthleteFactory(name=HOSTILE),
        rounds=[[13, 8, 1], [0, 11, 2], [7, 7, 1]],
        gam_jeoms=[[1, 0]],
        replays=[{"side": 1, "round": 1, "clock_ms": 80_000, "state": "accepted", "won": True}],
        injuries=[{"side": 0, "round": 2, "clock_ms": 9, "started_ns": 0, "ended_ns": 12_500_000_000}],
        referees={"referee": {"name": "SMITH J", "ioc": "USA"}, "judges": [None, {"name": "KIM"}, None]},
        winner="blue",
        decision="PTF",
        loaded_at=NOON + timedelta(microseconds=123456),
    )
    told = ask(f"matches/{match.pk}")

    assert (told["tournament"], told["day"], told["court"]) == (day.tournament_id, day.pk, match.court_id)
    assert (told["number"], told["blue"]["name"], told["red"]["country"]) == ("245.A", HOSTILE, "ITA")
    assert (told["state"], told["winner"], told["decision"]) == ("done", "blue", "PTF")
    assert (told["rounds_won_blue"], told["rounds_won_red"]) == (2, 1)
    assert told["rounds"][0] == {
        "number": 1,
        "blue": 13,
        "red": 8,
        "winner": "blue",
        "gam_jeoms_blue": 1,
        "gam_jeoms_red": 0,
    }
    assert told["replays"] == [
        {"side": "blue", "round": 1, "clock_ms": 80_000, "state": "accepted", "won": True}
    ]
    assert told["injuries"] == [{"side": None, "round": 2, "clock_ms": 9, "seconds": 12.5}]
    assert told["officials"]["referee"] == {"name": "SMITH J", "ioc": "USA"}
    assert told["loaded_at"] == "2026-11-21T12:00:00.123456Z"


def test_a_match_of_which_nothing_is_known(ask: Ask) -> None:
    match = MatchFactory(
        blue=None, red=None, number="", court=None, rounds_planned=None, rounds=[], referees={}
    )
    told = ask(f"matches/{match.pk}")

    assert (told["blue"], told["red"], told["court"], told["day"]) == (None, None, None, None)
    assert (told["state"], told["winner"]) == ("loaded", None)


def test_matches_by_what_was_asked(ask: Ask) -> None:
    day, other = make_day(), make_day()
    mine = MatchFactory(day=day, number="A1", winner="red", loaded_at=NOON)
    running = MatchFactory(day=other, started_at=NOON, loaded_at=NOON + timedelta(minutes=1))
    loaded = MatchFactory(day=None, loaded_at=NOON + timedelta(minutes=2))

    def keys(**asked: Any) -> list[int]:
        return [one["id"] for one in ask("matches", **asked)["items"]]

    assert keys() == [loaded.pk, running.pk, mine.pk]
    assert keys(tournament=day.tournament_id) == keys(day=day.pk) == keys(number="a1") == [mine.pk]
    assert (
        keys(court=running.court_id) == keys(athlete=running.red_id) == keys(state="running") == [running.pk]
    )
    assert keys(state="done") == [mine.pk]
    assert keys(state="open") == [loaded.pk, running.pk]
    assert keys(day=day.pk, court=running.court_id) == []


def test_athletes(ask: Ask) -> None:
    lee, rossi = AthleteFactory(name="LEE"), AthleteFactory(name="Ñ ROSSI", country="ITA")

    assert [one["id"] for one in ask("athletes")["items"]] == [rossi.pk, lee.pk]
    assert [one["id"] for one in ask("athletes", name="rossi")["items"]] == [rossi.pk]
    assert [one["id"] for one in ask("athletes", country="kor")["items"]] == [lee.pk]
    assert ask(f"athletes/{lee.pk}")["name"] == "LEE"


def test_statistics_of_an_athlete(ask: Ask) -> None:
    day, other = make_day(), make_day()
    lee = AthleteFactory(name="LEE")
    MatchFactory(
        day=day, blue=lee, started_at=NOON, winner="blue", decision="PTF", rounds=[[6, 2, 1], [4, 3, 1]]
    )
    MatchFactory(day=other, red=lee, started_at=NOON, winner="blue", decision="RSC", rounds=[[9, 1, 1]])
    told = ask(f"athletes/{lee.pk}/statistics")

    assert (told["matches"], told["wins"], told["losses"], told["win_rate"]) == (2, 1, 1, 0.5)
    assert (told["rounds"], told["points_for"], told["points_against"]) == (3, 11, 14)
    assert (told["won_by"], told["lost_by"]) == ({"PTF": 1}, {"RSC": 1})
    one = ask(f"athletes/{lee.pk}/statistics", tournament=day.tournament_id)
    assert (one["matches"], one["tournament"], one["points_for"]) == (1, day.tournament_id, 10)
    assert ask(f"athletes/{AthleteFactory().pk}/statistics")["win_rate"] is None
    ask("athletes/999999/statistics", 404)
    ask(f"athletes/{lee.pk}/statistics", 422, tournament=999_999)
    ask(f"athletes/{lee.pk}/statistics", 422, day=1)


def test_pages_hold_every_match_once_while_others_are_loaded(ask: Ask) -> None:
    # Three at one moment: the order must be clear among them too.
    matches = [MatchFactory(loaded_at=NOON + timedelta(minutes=n // 3)) for n in range(9)]
    seen: list[int] = []
    cursor = {}
    while True:
        page = ask("matches", limit=2, **cursor)
        seen += [one["id"] for one in page["items"]]
        MatchFactory(loaded_at=NOON + timedelta(hours=1))
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}

    assert seen == [match.pk for match in reversed(matches)]


@pytest.mark.parametrize("name", ["tournaments", "days", "courts", "matches", "athletes", "events"])
def test_what_is_not_there_is_not_found(ask: Ask, name: str) -> None:
    for key in (1, 2**63 - 1):
        told = ask(f"{name}/{key}", 404)
        assert told["detail"].startswith("There is no such")
    for key in ("0", "-1", "x", 2**63, "9" * 400):
        assert ask(f"{name}/{key}", 422)["status"] == 422


@pytest.mark.parametrize(
    ("path", "asked", "where"),
    [
        ("events", {"limit": 0}, "query.limit"),
        ("events", {"limit": 501}, "query.limit"),
        ("events", {"limit": "many"}, "query.limit"),
        ("events", {"cursor": "x"}, "query.cursor"),
        ("events", {"cursor": "ÿ"}, "query.cursor"),
        ("events", {"cursor": "W10"}, "query.cursor"),
        ("events", {"cursor": "WzEsMiwzXQ"}, "query.cursor"),
        ("events", {"day": "monday"}, "query.day"),
        ("events", {"day": 99}, "query.day"),
        ("events", {"court": 99}, "query.court"),
        ("events", {"match": 99}, "query.match"),
        ("events", {"tournament": 99}, "query.tournament"),
        ("events", {"tournament": 2**63}, "query.tournament"),
        ("events", {"kind": "kick"}, "query.kind"),
        ("events", {"status": "good"}, "query.status"),
        ("events", {"since": "yesterday"}, "query.since"),
        ("events", {"since": "2026-11-21T12:00:00"}, "query.since"),
        ("events", {"since": "0001-01-01T00:00:00Z"}, "query.since"),
        ("events", {"until": "9999-12-31T23:59:59-12:00"}, "query.until"),
        ("events", {"since": "2026-11-21T12:00:00Z", "until": "2026-11-21T12:00:00Z"}, "query.until"),
        ("events", {"order": "random"}, "query.order"),
        ("events", {"tournamnt": 1}, "query.tournamnt"),
        ("events", {"day": [1, 2]}, "query.day"),
        ("matches", {"number": ""}, "query.number"),
        ("matches", {"number": "\x00"}, "query.number"),
        ("matches", {"number": "x" * 201}, "query.number"),
        ("matches", {"state": "won"}, "query.state"),
        ("athletes", {"name": "\x1b"}, "query.name"),
        ("courts", {"active": "perhaps"}, "query.active"),
        ("tournaments", {"cursor": "e30"}, "query.cursor"),
    ],
)
def test_nonsense_is_refused_with_words(ask: Ask, path: str, asked: dict[str, Any], where: str) -> None:
    told = ask(path, 422, **asked)

    assert told["status"] == 422
    assert told["title"] == "Unprocessable Entity"
    assert where in [fault["where"] for fault in told["errors"]]
    assert all(fault["words"] for fault in told["errors"])
    assert told["detail"]


def test_filters_that_exclude_each_other_are_refused(ask: Ask) -> None:
    day, other = make_day(), make_day()
    match = MatchFactory(day=day)
    for asked in (
        {"tournament": other.tournament_id, "day": day.pk},
        {"day": other.pk, "match": match.pk},
        {"tournament": other.tournament_id, "match": match.pk},
    ):
        assert ask("events", 422, **asked)["errors"]
    ask("events", tournament=day.tournament_id, day=day.pk, match=match.pk)


def test_a_cursor_is_of_one_list_only(ask: Ask) -> None:
    for _ in range(3):
        MatchFactory()
    cursor = ask("matches", limit=1)["next"]

    assert "other filters" in ask("matches", 422, cursor=cursor, state="open")["detail"]
    ask("athletes", 422, cursor=cursor)
    assert len(ask("matches", limit=2, cursor=cursor)["items"]) == 2


@pytest.mark.parametrize("path", ["tournaments", "days", "courts", "matches", "athletes", "events"])
def test_lists_take_the_same_queries_for_one_row_and_three(ask: Ask, path: str) -> None:
    def count() -> int:
        day = make_day()
        PssEventFactory(day=day, match=MatchFactory(day=day))
        with CaptureQueriesContext(connection) as queries:
            assert ask(path)["items"]
        return len(queries)

    # The first of them notes that the token was used.
    ask(path)
    one = count()
    count()
    assert count() == one
    assert one <= 4
