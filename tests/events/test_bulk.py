"""The event table's ways in: whichever is taken, the same rows are stored and the callers see the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events import bulk
from events.kinds import Kind, Status
from events.models import PssEvent, UdpSession
from tests.factories import NOON, UdpSessionFactory, make_day

pytestmark = pytest.mark.django_db

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COMPARED = [name for name in bulk.COLUMNS if name != "session_id"]


def event(session: UdpSession, sequence: int, **values: Any) -> PssEvent:
    """An event that is not saved yet."""
    defaults = {
        "stream": "pt1",
        "kind": Kind.POINT,
        "raw": "pt1;3\\r\\n",
        "status": Status.RECOGNIZED,
        "received_at": NOON,
    }
    return PssEvent(session=session, sequence=sequence, court=session.court, **(defaults | values))


def prepared(session: UdpSession, sequence: int, values: dict[str, Any]) -> bulk.Row:
    """The same as a row for `bulk.insert_rows`, made as the importer makes them."""
    time_ns = (values["received_at"] - EPOCH) // timedelta(microseconds=1) * 1000
    ours: dict[str, Any] = {
        **values,
        "session_id": session.pk,
        "sequence": sequence,
        "court_id": session.court_id,
        "details": json.dumps(values["details"]),
        "received_at": bulk.time_text(time_ns),
    }
    return tuple(ours.get(name) for name in bulk.COLUMNS)


def stored(session: UdpSession) -> list[tuple[Any, ...]]:
    """The rows of a session as the database has them, and on SQLite of which type."""
    columns = ", ".join(COMPARED)
    if connection.vendor == "sqlite":
        columns += ", " + ", ".join(f"typeof({name})" for name in COMPARED)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM events_pssevent WHERE session_id = %s ORDER BY sequence", [session.pk]
        )
        return list(cursor.fetchall())


text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
details = st.dictionaries(
    text,
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | text | st.lists(text, max_size=3),
    max_size=4,
)
int32 = st.integers(-(2**31), 2**31 - 1)
values_of_an_event = st.fixed_dictionaries(
    {
        "match_id": st.none() | st.integers(1, 10**9),
        "day_id": st.none() | st.integers(1, 10**9),
        "tournament_id": st.none() | st.integers(1, 10**9),
        "stream": st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=16),
        "kind": st.sampled_from(Kind.values),
        "athlete": st.sampled_from([0, 1, 2]),
        "value": st.none() | int32,
        "round": st.none() | st.integers(0, 32767),
        "clock_ms": st.none() | int32,
        "details": details,
        "raw": text,
        "status": st.sampled_from(Status.values),
        "error": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200),
        "received_at": st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),
        "processing_ms": st.floats(0, 1e9),
    }
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(values_of_an_event, min_size=1, max_size=5))
def test_every_way_in_stores_the_same_rows(db: None, many: list[dict[str, Any]]) -> None:
    fast, djangos, rows, flat = (UdpSessionFactory(court=None) for _ in range(4))
    PssEvent.objects.bulk_create([event(fast, n, **values) for n, values in enumerate(many)])
    models.QuerySet.bulk_create(
        PssEvent.objects.all(), [event(djangos, n, **values) for n, values in enumerate(many)]
    )
    with transaction.atomic():
        bulk.insert_rows(connection, [prepared(rows, n, values) for n, values in enumerate(many)])
        bulk.insert_values(
            connection, [value for n, values in enumerate(many) for value in prepared(flat, n, values)]
        )
    assert len(stored(djangos)) == len(many)
    assert stored(fast) == stored(djangos)
    assert stored(rows) == stored(djangos)
    assert stored(flat) == stored(djangos)


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1203])
def test_any_number_of_rows_is_stored_in_order(count: int) -> None:
    keyed, flat = UdpSessionFactory(), UdpSessionFactory()
    values = {"received_at": NOON, "details": {}, "stream": "pt1", "kind": Kind.POINT, "athlete": 1}
    values |= {"raw": "pt1;3", "status": Status.RECOGNIZED, "error": "", "processing_ms": 1.5}
    with transaction.atomic():
        ids = bulk.insert_rows(connection, [prepared(keyed, n, values) for n in range(count)])
        bulk.insert_values(connection, [v for n in range(count) for v in prepared(flat, n, values)])
    assert list(PssEvent.objects.filter(session=keyed).order_by("pk").values_list("pk", "sequence")) == list(
        zip(ids, range(count), strict=True)
    )
    assert list(
        PssEvent.objects.filter(session=flat).order_by("pk").values_list("sequence", flat=True)
    ) == list(range(count))


def test_a_row_that_breaks_a_rule_keeps_all_of_its_statement_out() -> None:
    session = UdpSessionFactory()
    values = {"received_at": NOON, "details": {}, "stream": "pt1", "kind": Kind.POINT, "athlete": 1}
    values |= {"raw": "pt1;3", "status": Status.RECOGNIZED, "error": "", "processing_ms": 1.5}
    twice = [v for n in [*range(600), 7] for v in prepared(session, n, values)]
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert_values(connection, twice)
    assert PssEvent.objects.count() == 0


def test_time_texts_are_those_of_each() -> None:
    times = [
        1_700_000_000_000_000_000,
        1_700_000_000_000_001_999,
        1_700_000_001_500_000_000,
        5,
        1_700_000_000_000_000_000,
    ]
    assert bulk.time_texts(times) == [bulk.time_text(time_ns) for time_ns in times]


@pytest.mark.parametrize("microsecond", [0, 1, 100_000, 999_999])
def test_time_text_is_what_django_writes(microsecond: int) -> None:
    session = UdpSessionFactory()
    moment = NOON.replace(microsecond=microsecond)
    models.QuerySet.bulk_create(PssEvent.objects.all(), [event(session, 1, received_at=moment)])
    time_ns = (moment - EPOCH) // timedelta(microseconds=1) * 1000 + 999
    found = PssEvent.objects.extra(where=["received_at = %s"], params=[bulk.time_text(time_ns)])
    assert [row.received_at for row in found] == [moment]


def test_bulk_create_returns_saved_objects_with_their_keys() -> None:
    session = UdpSessionFactory()
    objs = [event(session, n) for n in range(3)]
    returned = PssEvent.objects.bulk_create(objs)
    assert returned == objs
    assert [a is b for a, b in zip(returned, objs, strict=True)] == [True] * 3
    assert all(not obj._state.adding and obj._state.db == "default" for obj in objs)
    assert {obj.pk: obj.sequence for obj in objs} == dict(PssEvent.objects.values_list("pk", "sequence"))
    objs[0].error = "read again"
    objs[0].save()
    assert PssEvent.objects.count() == 3


def test_bulk_create_continues_the_keys_after_every_way_in() -> None:
    session = UdpSessionFactory()
    first = event(session, 1)
    first.save()
    PssEvent.objects.bulk_create([event(session, 2)])
    third = event(session, 3)
    third.save()
    PssEvent.objects.bulk_create([event(session, n) for n in range(4, 7)])
    seventh = event(session, 7)
    seventh.save()
    assert list(PssEvent.objects.order_by("pk").values_list("sequence", flat=True)) == [1, 2, 3, 4, 5, 6, 7]


def test_bulk_create_never_gives_the_key_of_a_deleted_event_again() -> None:
    session = UdpSessionFactory()
    (gone,) = PssEvent.objects.bulk_create([event(session, 1)])
    key = gone.pk
    gone.delete()
    (after,) = PssEvent.objects.bulk_create([event(session, 2)])
    assert after.pk > key


def test_bulk_create_of_nothing_asks_nothing() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert PssEvent.objects.bulk_create([]) == []
    assert len(queries) == 0


def test_bulk_create_takes_a_generator() -> None:
    session = UdpSessionFactory()

    def some() -> Iterator[PssEvent]:
        yield from (event(session, n) for n in range(5))

    assert len(PssEvent.objects.bulk_create(some())) == 5
    assert PssEvent.objects.count() == 5


def test_bulk_create_with_a_batch_size_stores_all() -> None:
    session = UdpSessionFactory()
    PssEvent.objects.bulk_create([event(session, n) for n in range(7)], batch_size=3)
    assert list(PssEvent.objects.order_by("pk").values_list("sequence", flat=True)) == list(range(7))


def test_bulk_create_keeps_a_given_key() -> None:
    session = UdpSessionFactory()
    given_key = event(session, 1)
    given_key.pk = 4_000_000
    PssEvent.objects.bulk_create([given_key])
    assert PssEvent.objects.get().pk == 4_000_000


def test_bulk_create_ignores_conflicts_when_asked() -> None:
    session = UdpSessionFactory()
    PssEvent.objects.bulk_create([event(session, 1, value=1)])
    PssEvent.objects.bulk_create(
        [event(session, 1, value=2), event(session, 2, value=2)], ignore_conflicts=True
    )
    assert list(PssEvent.objects.order_by("sequence").values_list("sequence", "value")) == [(1, 1), (2, 2)]


def test_bulk_create_updates_conflicts_when_asked() -> None:
    session = UdpSessionFactory()
    PssEvent.objects.bulk_create([event(session, 1, value=1)])
    PssEvent.objects.bulk_create(
        [event(session, 1, value=5)],
        update_conflicts=True,
        update_fields=["value"],
        unique_fields=["session", "sequence"],
    )
    assert PssEvent.objects.get().value == 5


def test_bulk_create_stores_all_or_nothing() -> None:
    session = UdpSessionFactory()
    PssEvent.objects.bulk_create([event(session, 5)])
    with pytest.raises(IntegrityError), transaction.atomic():
        PssEvent.objects.bulk_create([event(session, n) for n in (3, 4, 5, 6)])
    assert list(PssEvent.objects.values_list("sequence", flat=True)) == [5]


def test_bulk_create_through_a_filtered_query_set_stores_all() -> None:
    day = make_day()
    session = UdpSessionFactory()
    PssEvent.objects.for_day(day).bulk_create([event(session, 1, day=day, tournament=day.tournament)])
    assert PssEvent.objects.for_day(day).count() == 1


def test_bulk_create_takes_as_many_queries_for_few_as_for_many() -> None:
    session = UdpSessionFactory()
    counts = []
    for number in (1, 10, 500):
        with CaptureQueriesContext(connection) as queries:
            PssEvent.objects.bulk_create([event(session, 1000 * number + n) for n in range(number)])
        counts.append(len(queries))
    assert counts == [counts[0]] * 3
    # The keys, then COPY; SQLite's prepared statement goes past the cursor that is counted.
    assert counts[0] <= 2
    assert PssEvent.objects.count() == 511
