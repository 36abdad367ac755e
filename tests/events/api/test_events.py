"""Events over the API: filters, both tables, and pages that hold each event exactly once."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.api import event_pages
from events.models import PssEvent
from tests.events.api.conftest import Ask, put_aside
from tests.factories import (
    NOON,
    CourtFactory,
    MatchFactory,
    PssEventFactory,
    UdpSessionFactory,
    make_day,
)


def walk(ask: Ask, between: Any = None, **asked: Any) -> list[int]:
    """Ids over all pages; `between` is called after each."""
    found: list[int] = []
    cursor: dict[str, str] = {}
    for _ in range(500):
        page = ask("events", **asked, **cursor)
        found += [event["id"] for event in page["items"]]
        if between:
            between()
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}
    raise AssertionError("the pages do not end")


def test_an_event_says_everything_that_is_stored(ask: Ask) -> None:
    day = make_day()
    event = PssEventFactory(
        day=day,
        match=MatchFactory(day=day),
        round=2,
        clock_ms=83_000,
        received_at=NOON + timedelta(microseconds=123456),
        raw='pt1;3"<b>\\xff\\r\\n',
    )
    expected = {
        "id": event.pk,
        "received_at": "2026-11-21T12:00:00.123456Z",
        "tournament": day.tournament_id,
        "day": day.pk,
        "court": event.court_id,
        "match": event.match_id,
        "session": event.session_id,
        "sequence": event.sequence,
        "code": "pt1",
        "kind": "point",
        "athlete": "blue",
        "value": 3,
        "round": 2,
        "clock_ms": 83_000,
        "details": {"points": 3, "technique": "head"},
        "words": "Blue: head kick, 3 points",
        "raw": 'pt1;3"<b>\\xff\\r\\n',
        "status": "recognized",
        "error": "",
        "processing_ms": 8.0,
        "archived": False,
    }
    assert ask(f"events/{event.pk}") == expected
    assert ask("events")["items"] == [expected]
    put_aside(event)
    assert ask(f"events/{event.pk}") == expected | {"archived": True}
    assert ask("events")["items"] == [expected | {"archived": True}]


@pytest.fixture
def world(db: None) -> dict[str, Any]:
    """Some hundred events over two tournaments, courts, matches and both tables, many at one moment."""
    chance = random.Random(7)
    day = make_day()
    second = day.tournament.days.get(number=day.number + 1)
    days = [day, second, make_day(), None]
    sessions = [UdpSessionFactory() for _ in range(3)]
    matches = [MatchFactory(day=day) for _ in range(2)]
    events = []
    for number in range(160):
        on = chance.choice(days)
        events.append(
            PssEventFactory(
                session=chance.choice(sessions),
                day=on,
                match=chance.choice(matches) if on == day else None,
                kind=chance.choice(["point", "hit", "clock"]),
                status=chance.choice(["recognized", "recognized", "partial"]),
                details={},
                received_at=NOON + timedelta(seconds=chance.randrange(40) - number // 80),
            )
        )
    put_aside(*chance.sample(events, 60))
    return {"day": day, "second": second, "match": matches[0], "court": sessions[0].court, "events": events}


def expected_ids(world: dict[str, Any], asked: dict[str, Any]) -> set[int]:
    """By a plain look at what was made, without a query."""
    names = {"day": "day_id", "tournament": "tournament_id", "match": "match_id", "court": "court_id"}

    def fits(event: PssEvent) -> bool:
        for name, value in asked.items():
            if name == "since" and event.received_at < NOON + timedelta(seconds=10):
                return False
            if name == "until" and event.received_at >= NOON + timedelta(seconds=20):
                return False
            if name not in ("since", "until", "order") and getattr(event, names.get(name, name)) != value:
                return False
        return True

    return {event.pk for event in world["events"] if fits(event)}


FILTERS = [
    (),
    ("day",),
    ("tournament",),
    ("match",),
    ("court",),
    ("kind",),
    ("status",),
    ("since", "until"),
    ("day", "kind"),
    ("day", "since", "until"),
    ("tournament", "court", "status"),
    ("tournament", "since"),
    ("match", "kind", "until"),
]


@pytest.mark.parametrize("order", ["newest", "oldest", "stored"])
@pytest.mark.parametrize("names", FILTERS, ids=lambda names: "+".join(names) or "all")
def test_pages_hold_each_event_that_fits_exactly_once(
    ask: Ask, world: dict[str, Any], names: tuple[str, ...], order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Fewer than there are, so that pages end in the middle of a search.
    monkeypatch.setattr(event_pages, "SCANNED", 9)
    values = {
        "day": world["day"].pk,
        "tournament": world["day"].tournament_id,
        "match": world["match"].pk,
        "court": world["court"].pk,
        "kind": "hit",
        "status": "partial",
        "since": "2026-11-21T12:00:10Z",
        "until": "2026-11-21T12:00:20Z",
    }
    asked = {name: values[name] for name in names}
    expected = expected_ids(world, asked)
    assert expected

    if order == "stored":
        found, cursor = [], {}
        for _ in range(100):
            page = ask("events", limit=7, order=order, **asked, **cursor)
            found += [event["id"] for event in page["items"]]
            if page["next"] == cursor.get("cursor"):
                break
            cursor = {"cursor": page["next"]}
        assert found == sorted(expected)
        return
    found = walk(ask, limit=7, order=order, **asked)
    assert len(found) == len(set(found))
    assert set(found) == expected
    if set(names) & {"day", "match"}:
        by_time = sorted(
            (event for event in world["events"] if event.pk in expected),
            key=lambda event: (event.received_at, event.pk),
            reverse=order == "newest",
        )
        assert found == [event.pk for event in by_time]


@pytest.mark.parametrize("scope", [(), ("day",), ("tournament",)])
def test_events_that_arrive_meanwhile_move_nothing(
    ask: Ask, world: dict[str, Any], scope: tuple[str, ...]
) -> None:
    day = world["day"]
    values = {"day": day.pk, "tournament": day.tournament_id}
    asked = {name: values[name] for name in scope}
    session = UdpSessionFactory()

    def arrive() -> None:
        PssEventFactory(session=session, day=world["second"], received_at=NOON + timedelta(hours=1))
        PssEventFactory(session=session, day=day, received_at=NOON + timedelta(hours=1))

    found = walk(ask, arrive, limit=9, **asked)

    known = {event.pk for event in world["events"]}
    assert len(found) == len(set(found))
    assert {key for key in found if key in known} == expected_ids(world, asked)


def test_whoever_follows_gets_what_was_stored_since(ask: Ask) -> None:
    first = PssEventFactory()
    page = ask("events", order="stored")
    assert [event["id"] for event in page["items"]] == [first.pk]

    # That it is all for now is told by the cursor that comes back.
    assert ask("events", order="stored", cursor=page["next"]) == {"items": [], "next": page["next"]}
    late = PssEventFactory(received_at=NOON - timedelta(days=1))
    page = ask("events", order="stored", cursor=page["next"])
    assert [event["id"] for event in page["items"]] == [late.pk]


def test_an_event_on_its_way_into_the_archive_is_listed_once(ask: Ask) -> None:
    event = PssEventFactory()
    values = PssEvent.objects.filter(pk=event.pk).values().get()
    put_aside(event)
    PssEvent.objects.create(**values)

    assert walk(ask) == [event.pk]


def test_no_answer_counts_or_skips_and_each_takes_a_constant_number_of_queries(
    ask: Ask, world: dict[str, Any]
) -> None:
    day = world["day"]
    ask("courts")
    for asked in (
        {},
        {"day": day.pk},
        {"tournament": day.tournament_id},
        {"match": world["match"].pk},
        {"court": world["court"].pk},
        {"tournament": day.tournament_id, "kind": "hit"},
    ):
        counts = set()
        for limit in (1, 3, 100):
            with CaptureQueriesContext(connection) as queries:
                ask("events", limit=limit, **asked)
            counts.add(len(queries))
            assert not [query["sql"] for query in queries if "COUNT(" in query["sql"]]
            assert all(
                f"OFFSET {event_pages.SCANNED - 1}" in query["sql"]
                for query in queries
                if "OFFSET" in query["sql"]
            )
        assert len(counts) == 1, asked
        assert max(counts) <= 7


def test_a_court_of_its_own_without_events(ask: Ask) -> None:
    PssEventFactory()
    assert ask("events", court=CourtFactory().pk) == {"items": [], "next": None}
