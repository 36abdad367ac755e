"""Moving events to another day: what moves, what follows, and that the totals stay true."""

from datetime import datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from events.models import EventMove, EventTally, HourTally, PssEvent
from events.moves import ALL_COURTS, NumbersChangedError, Span, file_spans, move_events, preview
from tests import totals
from tests.factories import (
    NOON,
    CourtFactory,
    ListenerNodeFactory,
    MatchFactory,
    PssEventFactory,
    UdpSessionFactory,
    UserFactory,
    make_day,
    tally_events,
)

pytestmark = pytest.mark.django_db


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def counts() -> dict[tuple[object, ...], tuple[int, float]]:
    """key -> (events, processing time) as the tallies have it; those by the hour are held to it too."""
    assert totals.hours() == totals.counted_hours()
    rows = EventTally.objects.values_list("day_id", "court_id", "match_id", "kind", "status", "minute")
    found = rows.order_by().annotate(Sum("events"), Sum("processing_ms_sum"))
    return {tuple(key): (n, round(ms, 6)) for *key, n, ms in found if n}


def recount() -> dict[tuple[object, ...], tuple[int, float]]:
    """The same, counted from the events."""
    found: dict[tuple[object, ...], tuple[int, float]] = {}
    for event in PssEvent.objects.all():
        minute = event.received_at.replace(second=0, microsecond=0)
        key = (event.day_id, event.court_id, event.match_id, event.kind, event.status, minute)
        n, ms = found.get(key, (0, 0.0))
        found[key] = n + 1, round(ms + event.processing_ms, 6)
    return found


def test_move_takes_the_events_of_the_span_and_no_others() -> None:
    old, new = make_day(), make_day()
    session = UdpSessionFactory()
    elsewhere = UdpSessionFactory()
    for second in range(0, 100, 10):
        PssEventFactory(session=session, day=old, received_at=at(second))
        PssEventFactory(session=elsewhere, day=old, received_at=at(second))
    tally_events()

    move = move_events(session.court_id, at(20), at(50), new, None)

    moved = PssEvent.objects.filter(day=new)
    assert (move.events, move.matches) == (3, 0)
    assert sorted(event.received_at for event in moved) == [at(20), at(30), at(40)]
    assert {event.court_id for event in moved} == {session.court_id}
    assert {event.tournament_id for event in moved} == {new.tournament_id}
    assert counts() == recount()


def test_move_tells_events_without_a_court_from_all_courts() -> None:
    day = make_day()
    PssEventFactory()
    homeless = PssEventFactory(session__court=None)
    tally_events()

    assert preview(None, at(-60), at(60), day).events == 1
    assert preview(ALL_COURTS, at(-60), at(60), day).events == 2
    move_events(None, at(-60), at(60), day, None)

    assert list(PssEvent.objects.filter(day=day)) == [homeless]


def test_move_takes_matches_by_the_time_they_were_loaded() -> None:
    old, new = make_day(), make_day()
    court = CourtFactory()
    before, inside = MatchFactory(court=court, day=old), MatchFactory(court=court, day=old, loaded_at=at(60))
    other = MatchFactory(day=old, loaded_at=at(60))
    tally_events()

    move = move_events(court.pk, at(30), at(90), new, None)

    for match in (before, inside, other):
        match.refresh_from_db()
    assert (before.day, inside.day, other.day) == (old, new, old)
    assert move.matches == 1


def test_move_back_leaves_everything_as_it_was() -> None:
    old, new = make_day(), make_day()
    session = UdpSessionFactory()
    match = MatchFactory(court=session.court, day=old)
    for second in range(0, 130, 7):
        PssEventFactory(session=session, day=old, match=match, received_at=at(second))
    tally_events()
    before = counts()

    move_events(session.court_id, at(0), at(100), new, None)
    assert counts() != before
    move_events(session.court_id, at(0), at(100), old, None)

    assert counts() == before == recount()


def test_move_to_no_day_clears_the_tournament() -> None:
    event = PssEventFactory(day=make_day())
    tally_events()

    move_events(ALL_COURTS, at(-60), at(3600), None, None)

    event.refresh_from_db()
    assert (event.day_id, event.tournament_id) == (None, None)
    assert counts() == recount()


def test_move_is_kept_in_the_history_and_the_log() -> None:
    user, day = UserFactory(), make_day()
    event = PssEventFactory()
    tally_events()

    move = move_events(event.court_id, at(-60), at(3600), day, user)

    kept = EventMove.objects.get()
    assert (kept, kept.user, kept.day, kept.events) == (move, user, day, 1)
    assert LogEntry.objects.get().change_message == f"Moved 1 event and 0 matches of {event.court} to {day}."


def test_move_refuses_when_the_numbers_changed_and_changes_nothing() -> None:
    day = make_day()
    event = PssEventFactory()
    tally_events()

    with pytest.raises(NumbersChangedError) as raised:
        move_events(event.court_id, at(-60), at(3600), day, None, expected=(2, 0))

    event.refresh_from_db()
    assert raised.value.now.counts == (1, 0)
    assert (event.day_id, EventMove.objects.count()) == (None, 0)
    assert counts() == recount()


def test_preview_counts_by_the_day_the_events_are_under_now() -> None:
    first, second, target = make_day(), make_day(), make_day()
    session = UdpSessionFactory()
    for day, n in ((first, 3), (second, 2), (target, 4), (None, 1)):
        for offset in range(n):
            PssEventFactory(session=session, day=day, received_at=at(50 + offset * 10))
    tally_events()

    shown = preview(session.court_id, at(55), at(200), target)

    assert dict(shown.from_days) == {first: 2, second: 1}
    assert (shown.events, shown.in_place) == (3, 3)


def test_preview_says_how_much_is_still_to_be_stored() -> None:
    ListenerNodeFactory(received=10, stored=7)
    assert preview(ALL_COURTS, at(0), at(60), make_day()).backlog == 3


def test_file_spans_splits_the_loss_over_the_rows_of_two_listeners() -> None:
    old, new = make_day(), make_day()
    session = UdpSessionFactory()
    for _ in range(4):
        PssEventFactory(session=session, day=old, received_at=at(1))
    tally_events()
    for row in (EventTally.objects.get(), HourTally.objects.get()):
        type(row).objects.filter(pk=row.pk).update(events=3)
        row.pk, row.events = None, 1
        row.save()

    file_spans([Span(session.court_id, at(0), None, new.pk)])

    assert EventTally.objects.filter(day=old).total() == 0
    assert EventTally.objects.filter(day=new).total() == 4
    assert totals.hours() == totals.counted_hours()


def test_file_spans_takes_a_same_number_of_queries_for_one_court_and_three() -> None:
    old, new = make_day(), make_day()
    sessions = [UdpSessionFactory() for _ in range(4)]
    for session in sessions:
        for n in range(5):
            PssEventFactory(session=session, day=old, received_at=at(n))
    tally_events()

    with CaptureQueriesContext(connection) as one:
        file_spans([Span(sessions[0].court_id, at(0), at(9), new.pk)])
    with CaptureQueriesContext(connection) as three:
        file_spans([Span(session.court_id, at(0), None, new.pk) for session in sessions[1:]])

    assert PssEvent.objects.filter(day=new).count() == 20
    assert len(one) == len(three)


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[tuple[int, int, int]], list[tuple[object, int, int, int]]]:
    """Events as (court, day, second) and moves as (court, start, length, day), by index."""
    second = st.integers(0, 400)
    events = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), second), max_size=25))
    court = st.one_of(st.integers(0, 2), st.just(ALL_COURTS))
    moves = draw(
        st.lists(st.tuples(court, second, st.integers(1, 200), st.integers(0, 2)), min_size=1, max_size=4)
    )
    return events, moves


class TallyProperty(TestCase):
    """Whatever is moved wherever, the totals are what counting the events would give."""

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(stories())
    def test_tallies_equal_a_count_after_any_moves(
        self, story: tuple[list[tuple[int, int, int]], list[tuple[object, int, int, int]]]
    ) -> None:
        events, moves = story
        tournament_days = list(make_day().tournament.days.all())
        days = [None, *tournament_days]
        sessions = [UdpSessionFactory(court=None), UdpSessionFactory(), UdpSessionFactory()]
        for n, (court, day, second) in enumerate(events):
            PssEventFactory(
                session=sessions[court],
                day=days[day],
                received_at=at(second),
                processing_ms=second / 8,
                kind="hit" if n % 3 else "point",
            )
        tally_events()
        places = [session.court_id for session in sessions]
        for court, start, length, day in moves:
            where = places[court] if isinstance(court, int) else court
            shown = preview(where, at(start), at(start + length), days[day])
            move_events(where, at(start), at(start + length), days[day], None, expected=shown.counts)
            assert counts() == recount()
