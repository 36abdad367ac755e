"""The archive: what goes in comes back identical, takes less room, and is read as before."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from events import story_pages
from events.archive import room, runs, scope
from events.archive.seeing import events_of, find_event
from events.models import ArchivedPssEvent, ArchivedReading, EventTally, Match, PssEvent
from events.moves import ALL_COURTS, ArchivedEventsError, file_events, move_events, preview
from events.words import describe
from tests.conftest import on_postgresql
from tests.events.archive_stage import (
    ARCHIVE,
    LONG_AGO,
    archive,
    bring_back,
    counts,
    finished_tournament,
    live_hash,
    matches_of,
)
from tests.factories import (
    PssEventFactory,
    TournamentFactory,
    UdpSessionFactory,
    UserFactory,
    make_day,
    tally_events,
)

pytestmark = pytest.mark.django_db


# --- There and back --------------------------------------------------------------------------------


def test_archive_and_back_gives_identical_rows() -> None:
    tournament = finished_tournament(3_000)
    before, totals, matches = live_hash(tournament), EventTally.objects.total(), matches_of(tournament)

    there = archive(tournament, slice_size=700)

    assert (there.state, there.events, there.total) == ("done", 3_000, 3_000)
    assert counts(tournament) == (0, 3_000)
    assert EventTally.objects.total() == totals
    assert matches_of(tournament) == matches
    back = bring_back(tournament, slice_size=700)
    assert (back.state, back.events) == ("done", 3_000)
    assert counts(tournament) == (3_000, 0)
    assert live_hash(tournament) == before


def test_archive_needs_at_least_a_third_less_room() -> None:
    if on_postgresql():
        # The tables are measured whole; without what earlier tests left in their files.
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {room.LIVE}, {room.ARCHIVE}")
    tournament = finished_tournament(20_000)

    run = archive(tournament)

    assert run.events == 20_000
    assert 100 < run.bytes_before / run.events < 600
    assert run.saved_percent >= 30


def test_archived_rows_do_not_depend_on_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    # As written by another parser, by hand, or by Django, which spaces its JSON otherwise.
    day = make_day(status="finished")
    odd: list[dict[str, Any]] = [
        {"details": {"points": 3, "technique": "head", "hits": [1, 2]}},
        {"details": {"hits": [7], "later": {"nested": ["é", None, 1.5]}}},
        {"kind": "hit", "stream": "hl1", "value": 12, "details": {"points": [4]}},
        {"kind": "gam_jeom", "stream": "wg1", "athlete": 2, "value": 1, "details": {"blue": 0, "red": 1}},
        {"kind": "unknown", "stream": "", "status": "malformed", "error": "what “is” wrong", "raw": "\\xff"},
        {"kind": "unknown", "stream": "zz", "status": "unknown", "raw": "zz;'\"%s;\\r\\n", "value": None},
        {"kind": "clock", "stream": "clk", "clock_ms": 0, "round": 2, "details": {"action": "start"}},
    ]
    for row in odd:
        PssEventFactory(day=day, received_at=LONG_AGO, **row)
    tally_events()
    before = live_hash(day.tournament)
    monkeypatch.setattr("django.conf.settings.EVENT_READER", "no.such.parser")

    archive(day.tournament)
    assert counts(day.tournament) == (0, len(odd))
    bring_back(day.tournament)

    assert live_hash(day.tournament) == before


def test_archived_event_reads_like_the_event_it_was() -> None:
    tournament = finished_tournament(1_500)
    live = {event.pk: event for event in PssEvent.objects.all()}

    archive(tournament)

    names = [field.attname for field in PssEvent._meta.concrete_fields]
    for event in ArchivedPssEvent.objects.as_events():
        assert [getattr(event, name) for name in names] == [getattr(live[event.pk], name) for name in names]
        assert describe(event) == describe(live[event.pk])
        assert str(event) == str(live[event.pk])
        assert event.get_absolute_url() == live[event.pk].get_absolute_url()


def test_readings_are_shared() -> None:
    first, second = finished_tournament(2_000, seed=1), finished_tournament(2_000, seed=1)
    archive(first)
    readings = ArchivedReading.objects.count()

    archive(second)

    assert readings < 600
    assert ArchivedReading.objects.count() == readings


def test_id_taken_by_a_live_event_is_given_anew() -> None:
    tournament = finished_tournament(100)
    archive(tournament)
    taken = ArchivedPssEvent.objects.order_by("id").first()
    assert taken is not None
    # As after restoring a backup that numbered the two tables apart.
    stranger = PssEventFactory(id=taken.pk)

    bring_back(tournament)

    assert counts(tournament) == (100, 0)
    assert PssEvent.objects.get(pk=stranger.pk).tournament is None
    newest = max(PssEvent.objects.values_list("pk", flat=True))
    assert PssEventFactory().pk > newest


# --- What stands beside it ------------------------------------------------------------------------------


def test_day_with_archived_events_is_kept() -> None:
    tournament = finished_tournament(30)
    archive(tournament)
    ArchivedPssEvent.objects.update(match=None)
    EventTally.objects.all().delete()
    Match.objects.all().delete()

    assert tournament.days.get().has_events()


def test_moving_archived_events_is_refused() -> None:
    tournament = finished_tournament(60)
    other = make_day()
    archive(tournament)
    span = LONG_AGO - timedelta(minutes=1), LONG_AGO + timedelta(hours=1)

    assert preview(ALL_COURTS, *span, other).archived
    with pytest.raises(ArchivedEventsError):
        move_events(ALL_COURTS, *span, other, None)
    assert file_events(ALL_COURTS, *span, other.pk).events == 0
    assert counts(tournament) == (0, 60)
    bring_back(tournament)
    assert not preview(ALL_COURTS, *span, other).archived
    assert move_events(ALL_COURTS, *span, other, None).events == 60


def test_match_is_read_wherever_its_events_are() -> None:
    tournament = finished_tournament(2_000)
    match = Match.objects.order_by("pk").first()
    assert match is not None
    seen = [
        [event.pk for event in events_of(match, first, 100, with_ticks=ticks)]
        for first in (0, 50)
        for ticks in (True, False)
    ]
    told = story_pages.heard_of(match)
    assert told

    # Half of them, as while it is being moved.
    slices_of = scope.to_archive(tournament)
    stop = threading.Event()
    runs.work(
        runs.begin(ARCHIVE, [slices_of]),
        [slices_of],
        progress=lambda run: stop.set(),
        stop=stop,
        slice_size=400,
    )
    for _ in range(2):
        again = [
            [event.pk for event in events_of(match, first, 100, with_ticks=ticks)]
            for first in (0, 50)
            for ticks in (True, False)
        ]
        assert again == seen
        assert story_pages.heard_of(match) == told
        archive(tournament)


def test_pages_of_archived_match_and_event_answer_with_the_same() -> None:
    tournament = finished_tournament(1_200)
    match = Match.objects.order_by("pk").first()
    event = PssEvent.objects.filter(match=match, kind="point").first()
    assert match is not None
    assert event is not None
    client = Client()
    client.force_login(UserFactory(group="Viewer"))
    urls = [match.get_absolute_url(), event.get_absolute_url()]
    story = reverse("admin:events_match_story", args=[match.pk])
    told = client.get(story).json()
    cache.clear()
    live = [client.get(url) for url in urls]

    archive(tournament)

    found = find_event(event.pk, "court")
    assert isinstance(found, ArchivedPssEvent)
    archived = [client.get(url) for url in urls]
    assert [page.status_code for page in archived] == [200, 200]
    assert client.get(story).json() == told
    assert told["lines"]
    near = [[line.words for line in page.context["neighbours"]] for page in (live[1], archived[1])]
    assert near[0] == near[1]
    assert "archive" in archived[0].content.decode()
    assert "In the archive" in archived[1].content.decode()
    drawer = client.get(reverse("live_event", args=[event.pk]))
    assert drawer.json()["words"] == describe(event)


@pytest.mark.parametrize(("seconds", "found", "lacks"), [(20, 7, False), (300, 1, True)])
def test_page_of_an_archived_event_says_when_neighbours_are_missing(
    seconds: int, found: int, lacks: bool
) -> None:
    tournament = TournamentFactory(start_date=LONG_AGO.date(), end_date=LONG_AGO.date(), status="finished")
    session = UdpSessionFactory(started_at=LONG_AGO, last_event_at=LONG_AGO, ended_at=LONG_AGO, events=7)
    # Of no match, as when a court is tried in the morning.
    for n in range(1, 8):
        at = LONG_AGO + timedelta(seconds=n * seconds)
        PssEventFactory(session=session, sequence=n, day=tournament.days.get(), received_at=at)
    tally_events()
    url = PssEvent.objects.get(session=session, sequence=4).get_absolute_url()
    client = Client()
    client.force_login(UserFactory(group="Viewer"))

    def shown() -> tuple[int, bool]:
        page = client.get(url)
        return len(page.context["neighbours"]), "The sender said more here." in page.content.decode()

    assert shown() == (7, False)
    archive(tournament)
    assert shown() == (found, lacks)


@pytest.mark.parametrize("asked", ["", "?tournament={t}", "?day={d}", "?match=%23{m}"])
def test_list_of_archived_events_costs_the_same_however_many(asked: str) -> None:
    client = Client()
    client.force_login(UserFactory(group="Viewer"))
    costs, shown = [], []
    for events in (8, 400):
        tournament = finished_tournament(events)
        archive(tournament)
        match = Match.objects.filter(day__tournament=tournament).first()
        assert match is not None
        keys = {"t": tournament.pk, "d": tournament.days.get().pk, "m": match.pk}
        url = reverse("admin:events_archivedpssevent_changelist") + asked.format(**keys)
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            page = client.get(url)
        costs.append(len(queries))
        shown.append(len(page.context["cl"].result_list))

    assert costs[0] == costs[1] < 25
    assert 0 < shown[0] < shown[1]
