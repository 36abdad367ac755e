"""Samples are kept for a bounded time, in a bounded number, and say the same added up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events import history
from events.history import SECONDS, STEPS, Keeper, Step, combined, start_of
from events.latency import Histogram
from events.models import ListenerSample, WebSample

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def packed(*times: float) -> bytes:
    histogram = Histogram()
    for ms in times:
        histogram.add(ms)
    return histogram.pack()


def sample(at: datetime, **values: object) -> ListenerSample:
    return ListenerSample(step=SECONDS, at=at, **{"covered_ms": SECONDS * 1000, **values})


def spans(step: int, name: str = "main") -> list[datetime]:
    rows = ListenerSample.objects.filter(step=step, name=name).order_by("at")
    return list(rows.values_list("at", flat=True))


def test_a_minute_says_what_its_ten_seconds_say(db: None) -> None:
    keeper = Keeper(ListenerSample, "main")
    for n in range(7):
        keeper.write(
            sample(
                START + timedelta(seconds=SECONDS * n),
                events=100 + n,
                errors=1,
                peak=20.0 + n,
                latency=packed(10, 10, 10, 400 + n),
                courts={"1": 60, "": 40 + n},
                backlog=None if n == 0 else n,
                kernel_drops=n,
                disk_free=10**12 - n,
                memory_bytes=None,
            )
        )

    minute = ListenerSample.objects.get(step=60)

    assert (minute.name, minute.at, minute.covered_ms) == ("main", START, 60_000)
    assert (minute.events, minute.errors, minute.peak) == (615, 6, 25.0)
    assert minute.courts == {"1": 360, "": 255}
    assert (minute.backlog, minute.kernel_drops, minute.disk_free) == (5, 15, 10**12 - 5)
    assert minute.memory_bytes is None
    merged = Histogram(bytes(minute.latency))
    assert merged.counts.total() == 24
    assert merged.percentile(0.5) == pytest.approx(10, rel=0.09)
    # What follows the minute is kept as it came.
    assert len(spans(SECONDS)) == 7


def test_hours_are_made_of_minutes_and_gaps_stay_gaps(db: None) -> None:
    keeper = Keeper(ListenerSample, "main")
    # Half an hour, then nothing for two hours and a half, then one more.
    for minute in range(30):
        keeper.write(sample(START + timedelta(minutes=minute), events=5))
    keeper.write(sample(START + timedelta(hours=3), events=1))
    keeper.write(sample(START + timedelta(hours=4), events=1))

    assert spans(3600) == [START, START + timedelta(hours=3)]
    hour = ListenerSample.objects.get(step=3600, at=START)
    assert (hour.events, hour.covered_ms) == (150, 30 * 10_000)


def test_what_is_written_twice_for_a_span_is_added_up(db: None) -> None:
    """As when an importer is killed and its successor goes on within the same ten seconds."""
    Keeper(ListenerSample, "main").write(sample(START, events=4, covered_ms=3_000, courts={"1": 4}))
    Keeper(ListenerSample, "main").write(sample(START, events=6, covered_ms=5_000, courts={"2": 6}))
    Keeper(ListenerSample, "other").write(sample(START, events=1))

    row = ListenerSample.objects.get(step=SECONDS, name="main")
    assert (row.events, row.covered_ms, row.courts) == (10, 8_000, {"1": 4, "2": 6})


def test_a_minute_left_behind_by_a_killed_process_is_made_later(db: None) -> None:
    keeper = Keeper(ListenerSample, "main")
    for n in range(5):
        keeper.write(sample(START + timedelta(seconds=SECONDS * n), events=1))
    assert spans(60) == []

    # Another process, after the minute was over.
    Keeper(ListenerSample, "main").write(sample(START + timedelta(minutes=5), events=1))

    assert spans(60) == [START]
    assert ListenerSample.objects.get(step=60).events == 5


def test_history_is_bounded_and_thinned(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rules with a shorter day and year, driven for most of two hours."""
    kept = (
        Step(10, timedelta(minutes=2)),
        Step(60, timedelta(minutes=65)),
        Step(3600, timedelta(minutes=120)),
    )
    monkeypatch.setattr(history, "STEPS", kept)
    keeper = Keeper(ListenerSample, "main")
    most = 0
    for n in range(6 * 110):
        keeper.write(sample(START + timedelta(seconds=SECONDS * n), events=1))
        if n % 60 == 0:
            most = max(most, ListenerSample.objects.count())

    assert most <= (12 + 1) + (65 + 1) + 2
    end = START + timedelta(minutes=110)
    assert spans(10)[0] >= end - timedelta(minutes=2, seconds=SECONDS)
    assert spans(60)[0] >= end - timedelta(minutes=66)
    assert spans(3600) == [START]
    assert ListenerSample.objects.get(step=3600).events == 360


def test_what_others_left_goes_too_a_little_at_a_time(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PRUNE", 3)
    WebSample.objects.bulk_create(
        WebSample(name="gone", step=SECONDS, at=START + timedelta(seconds=SECONDS * n), covered_ms=1)
        for n in range(7)
    )
    keeper = Keeper(WebSample, "here")
    later = START + timedelta(days=2)
    for n in range(3):
        before = WebSample.objects.filter(name="gone").count()
        keeper.write(WebSample(step=SECONDS, at=later + timedelta(seconds=SECONDS * n), covered_ms=1))
        assert before - WebSample.objects.filter(name="gone").count() == min(3, before)

    assert not WebSample.objects.filter(name="gone").exists()


def test_a_row_costs_a_few_queries_whatever_is_stored(db: None) -> None:
    keeper = Keeper(ListenerSample, "main")
    keeper.write(sample(START))
    with CaptureQueriesContext(
        connection,
    ) as few:
        keeper.write(sample(START + timedelta(seconds=SECONDS)))
    for n in range(2, 60):
        keeper.write(sample(START + timedelta(seconds=SECONDS * n)))
    with CaptureQueriesContext(connection) as many:
        keeper.write(sample(START + timedelta(seconds=SECONDS * 61)))

    assert len(many) == len(few) <= 8


def test_every_field_has_a_rule() -> None:
    """A field without one would be lost when rows are added up."""
    about = {"id", "name", "step", "at"}
    for model in (ListenerSample, WebSample):
        fields = {field.attname for field in model._meta.concrete_fields}
        assert set(history.measured(model)) == fields - about


def test_steps_divide_each_other() -> None:
    for fine, coarse in pairwise(STEPS):
        assert coarse.seconds % fine.seconds == 0
        assert coarse.kept >= fine.kept
    assert start_of(START + timedelta(seconds=59), 60) == START


def test_levels_keep_the_worst() -> None:
    rows = [
        sample(START, backlog=3, receive_buffer=200, memory_percent=None),
        sample(START, backlog=9, receive_buffer=100, memory_percent=41.5),
    ]

    whole = combined(ListenerSample, rows, 60, START)

    assert (whole.backlog, whole.receive_buffer, whole.memory_percent) == (9, 100, 41.5)
