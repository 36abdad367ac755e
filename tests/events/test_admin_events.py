"""Browsing events: filters, bounds, words, and a constant number of queries."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from events.admin import bounded
from tests.factories import (
    NOON,
    AthleteFactory,
    CourtFactory,
    MatchFactory,
    PssEventFactory,
    UdpSessionFactory,
    make_day,
    tally_events,
)

pytestmark = pytest.mark.django_db

EVENTS = "admin:events_pssevent_changelist"


def found(client: Client, **asked: Any) -> list[int]:
    """Ids of the events listed, newest first."""
    response = client.get(reverse(EVENTS), asked)
    assert response.status_code == 200, response
    return [event.pk for event in response.context["cl"].result_list]


def test_newest_come_first(viewer: Client) -> None:
    first, second = PssEventFactory(), PssEventFactory()
    assert found(viewer) == [second.pk, first.pk]


def test_filters_by_what_an_index_knows(viewer: Client) -> None:
    day, other = make_day(), make_day()
    match = MatchFactory(day=day, number="245.A")
    mine = PssEventFactory(day=day, match=match)
    elsewhere = PssEventFactory(day=other)
    nowhere = PssEventFactory(status="unknown", kind="unknown")
    tally_events()

    assert found(viewer, day=day.pk) == [mine.pk]
    assert found(viewer, tournament=other.tournament_id) == [elsewhere.pk]
    assert found(viewer, day="none") == [nowhere.pk]
    assert found(viewer, match="245.a") == [mine.pk]
    assert found(viewer, match=f"#{match.pk}") == [mine.pk]
    assert found(viewer, status="problem") == [nowhere.pk]
    assert found(viewer, status="recognized", day=day.pk) == [mine.pk]


def test_filters_by_what_no_index_knows(viewer: Client) -> None:
    session = UdpSessionFactory()
    punch = PssEventFactory(session=session, athlete=2)
    tick = PssEventFactory(kind="clock", stream="clk", athlete=0, details={}, raw="clk;1:23\\r\\n")
    lost = PssEventFactory(session=UdpSessionFactory(court=None), raw="zz;Ü%_\\r\\n", athlete=0)
    tally_events()

    assert found(viewer, court=session.court_id) == [punch.pk]
    assert found(viewer, court="none") == [lost.pk]
    assert found(viewer, kind="clock") == [tick.pk]
    assert found(viewer, kind="eventful") == [lost.pk, punch.pk]
    assert found(viewer, side="2") == [punch.pk]
    assert found(viewer, q="clk;1:2") == [tick.pk]
    assert found(viewer, q="%_") == [lost.pk]


def test_filter_by_athlete_finds_what_concerns_that_athlete(viewer: Client) -> None:
    match = MatchFactory(
        blue=AthleteFactory(name="LEE DH"), red=AthleteFactory(name="DELL'AQUILA V", country="ITA")
    )
    blue = PssEventFactory(match=match, athlete=1)
    red = PssEventFactory(match=match, athlete=2)
    PssEventFactory(match=match, athlete=0)

    assert found(viewer, athlete="lee") == [blue.pk]
    assert found(viewer, athlete="aquila") == [red.pk]


def test_filter_by_time_is_in_the_time_of_the_hall(viewer: Client) -> None:
    day = make_day()
    events = [PssEventFactory(day=day, received_at=NOON + timedelta(minutes=n)) for n in range(3)]
    tally_events()
    asked = {"from": "2026-11-21T12:01", "to": "2026-11-21T12:02:00"}
    assert found(viewer, **asked) == [events[1].pk]
    assert found(viewer, day=day.pk, **asked) == [events[1].pk]


def test_filter_by_time_shows_the_newest_day_and_names_the_others(viewer: Client) -> None:
    first, second = make_day(name="Old"), make_day(start_date=date(2026, 11, 22))
    PssEventFactory(day=first)
    shown = PssEventFactory(day=second)
    tally_events()
    asked = {"from": "2026-11-21T00:00"}
    assert found(viewer, **asked) == [shown.pk]
    assert f"There are events of {first}" in viewer.get(reverse(EVENTS), asked).content.decode()
    assert found(viewer, day=first.pk, **asked) != [shown.pk]


@pytest.mark.parametrize(
    "asked",
    [
        {"day": "x"},
        {"day": "99999999999999999999"},
        {"tournament": "-1"},
        {"court": "'; --"},
        {"match": "#x"},
        {"kind": "<b>"},
        {"from": "yesterday"},
        {"from": "2026-11-21T12:00", "to": "0001-01-01"},
        {"p": "99999"},
        {"p": "x"},
        {"q": "\x00"},
        {"o": "1.2"},
        {"athlete": "x" * 500},
    ],
)
def test_nonsense_in_the_address_is_no_crash(viewer: Client, asked: dict[str, str]) -> None:
    PssEventFactory()
    assert viewer.get(reverse(EVENTS), asked).status_code in (200, 302)


@pytest.mark.parametrize("zone", ["Asia/Seoul", "America/Lima"])
@pytest.mark.parametrize("asked", [{"from": "0001-01-01T00:00"}, {"to": "9999-12-31T23:59"}])
def test_time_that_is_none_in_utc_is_no_crash(viewer: Client, zone: str, asked: dict[str, str]) -> None:
    event = PssEventFactory()
    with timezone.override(zone):
        assert found(viewer, **asked) == [event.pk]


def test_search_goes_back_only_so_far_and_says_so(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "SEARCHED", 3)
    day = make_day()
    events = [PssEventFactory(day=day, raw=f"needle {n}") for n in range(5)]
    tally_events()

    assert found(viewer, q="needle") == [event.pk for event in events[:1:-1]]
    assert found(viewer, q="needle", day=day.pk) == [event.pk for event in events[:1:-1]]
    page = viewer.get(reverse(EVENTS), {"q": "needle", "day": day.pk}).content.decode()
    assert "Searched the newest 3 events" in page


def test_search_reaches_older_events_through_a_day(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "SEARCHED", 3)
    day = make_day()
    old = PssEventFactory(day=day, raw="needle")
    for _ in range(5):
        PssEventFactory(raw="hay", received_at=NOON + timedelta(hours=1))
    tally_events()
    assert found(viewer, q="needle") == []
    assert found(viewer, q="needle", day=day.pk) == [old.pk]


def test_what_no_index_leads_to_is_looked_for_in_the_newest_day_that_can_have_it(viewer: Client) -> None:
    old, new = make_day(name="Old"), make_day(start_date=date(2026, 11, 22))
    here, there = UdpSessionFactory(), UdpSessionFactory()
    mine = PssEventFactory(session=here, day=old)
    PssEventFactory(session=there, day=old)
    noon = NOON + timedelta(days=1)
    newest = [
        PssEventFactory(session=there, day=new, received_at=noon + timedelta(seconds=n)) for n in (1, 0)
    ]
    tally_events()

    assert found(viewer, kind="point") == [event.pk for event in newest]
    assert found(viewer, court=there.court_id) == [event.pk for event in newest]
    # This court was silent on the newest day.
    assert found(viewer, court=here.court_id) == [mine.pk]
    assert found(viewer, kind="point", tournament=old.tournament_id) == [mine.pk + 1, mine.pk]
    assert found(viewer, court=CourtFactory().pk) == []
    page = viewer.get(reverse(EVENTS), {"court": here.court_id}).content.decode()
    assert "Only the newest day is shown" in page
    assert (
        "Only the newest day"
        not in viewer.get(reverse(EVENTS), {"day": old.pk, "kind": "point"}).content.decode()
    )


@pytest.mark.parametrize("asked", [{"court": "COURT"}, {"kind": "point"}, {"side": "1"}])
def test_courts_sides_and_kinds_are_counted_without_reading_events(
    viewer: Client, asked: dict[str, str]
) -> None:
    session = UdpSessionFactory()
    PssEventFactory(session=session, day=make_day())
    tally_events()
    asked = {name: str(session.court_id) if value == "COURT" else value for name, value in asked.items()}
    with CaptureQueriesContext(connection) as queries:
        assert viewer.get(reverse(EVENTS), asked).status_code == 200

    (count,) = (q["sql"] for q in queries if "COUNT(" in q["sql"] and "events_pssevent" in q["sql"])
    assert "event_day_received" in plan_of(count)


def plan_of(sql: str) -> str:
    """How the database goes about it, where it has reason to prefer an index that alone is enough."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plan = " ".join(str(row) for row in cursor.fetchall())
            assert "COVERING INDEX" in plan
            return plan
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {sql}")
        plan = " ".join(row[0] for row in cursor.fetchall())
        assert "Index Only Scan" in plan
        return plan


def test_the_table_is_never_counted_as_a_whole(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "COUNTED", 4)
    for _ in range(6):
        PssEventFactory()

    with CaptureQueriesContext(connection) as queries:
        response = viewer.get(reverse(EVENTS))

    counts = [q["sql"] for q in queries if "COUNT(" in q["sql"] and "events_pssevent" in q["sql"]]
    assert counts
    assert all("LIMIT 4" in sql for sql in counts)
    assert "More than 4 events" in response.content.decode()


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"q": "pt"},
        {"kind": "point"},
        {"day": "DAY"},
        {"athlete": "ATHLETE"},
        {"from": "2026-11-21T00:00"},
        {"match": "1"},
    ],
)
def test_the_list_takes_the_same_queries_for_one_row_and_three(viewer: Client, asked: dict[str, str]) -> None:
    day = make_day()
    asked = {name: str(day.pk) if value == "DAY" else value for name, value in asked.items()}

    def count() -> int:
        PssEventFactory(day=day, match=MatchFactory(day=day))
        tally_events()
        with CaptureQueriesContext(connection) as queries:
            assert viewer.get(reverse(EVENTS), asked).status_code == 200
        return len(queries)

    one = count()
    count()
    assert count() == one


def test_an_event_leads_with_words_and_shows_everything(viewer: Client) -> None:
    match = MatchFactory(number="101")
    event = PssEventFactory(match=match, processing_ms=12.34, clock_ms=83_000, round=2)

    page = viewer.get(event.get_absolute_url()).content.decode()

    assert "Blue: head kick, 3 points" in page
    assert "pt1;3\\r\\n" in page
    assert "70 74 31 3b 33 0d 0a" in page
    assert match.get_absolute_url() in page
    assert "1:23" in page
    assert "12.3 ms" in page


def test_an_event_shows_its_neighbours_of_the_same_sender(viewer: Client) -> None:
    session, other = UdpSessionFactory(), UdpSessionFactory()
    mine = [PssEventFactory(session=session, sequence=n, value=n) for n in range(1, 14)]
    stranger = PssEventFactory(session=other, sequence=7)

    page = viewer.get(mine[6].get_absolute_url()).content.decode()

    shown = [event for event in mine if f'href="{event.get_absolute_url()}"' in page]
    assert shown == mine[1:12]
    assert stranger.get_absolute_url() not in page


def test_an_event_takes_no_more_queries_with_ten_neighbours_than_with_one(viewer: Client) -> None:
    session = UdpSessionFactory()
    event = PssEventFactory(session=session, sequence=50, match=MatchFactory(), day=make_day())
    counts = []
    for sequences in ((49,), (45, 46, 47, 48, 51, 52, 53)):
        for sequence in sequences:
            PssEventFactory(session=session, sequence=sequence, match=event.match)
        with CaptureQueriesContext(connection) as queries:
            viewer.get(event.get_absolute_url())
        counts.append(len(queries))
    # Fewer, in fact: while a side has too few neighbours, the archive is asked for more.
    assert counts[1] <= counts[0]
