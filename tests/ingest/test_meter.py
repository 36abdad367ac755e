"""What the importer measures, with a clock that is driven by hand."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError

from events.history import Keeper
from events.latency import Histogram
from events.models import ListenerSample
from ingest.meter import LOOKED_AT, Meter
from tests.factories import ListenerNodeFactory, UdpSessionFactory

#: A multiple of ten seconds.
BEGAN_S = 1_795_000_000
S = 1_000_000_000


class Clock:
    def __init__(self) -> None:
        self.ns = BEGAN_S * S

    def __call__(self) -> int:
        return self.ns

    def go(self, seconds: float) -> None:
        self.ns += int(seconds * S)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meter(db: None, var: Path, clock: Clock) -> Meter:
    return Meter("main", var / "journal" / "main", clock)


def counts(
    events: int, court: int | None = 1, status: str = "recognized"
) -> dict[tuple[Any, ...], list[int]]:
    return {(None, court, None, "point", status, 0): [events, 0, 0]}


def rows() -> list[ListenerSample]:
    return list(ListenerSample.objects.filter(step=10).order_by("at"))


def test_ten_seconds_become_one_row(meter: Meter, clock: Clock) -> None:
    node = ListenerNodeFactory(name="main", stored=40)
    UdpSessionFactory(node=node)
    clock.go(2)
    meter.stored(counts(3), [clock.ns - 20_000_000] * 3, 0.004)
    meter.stored(counts(1, None, "malformed") | counts(1, 2, "unknown"), [clock.ns - 40_000_000] * 2, 0.004)
    meter.lost(7, 1_500)
    meter.rested(0.001)
    meter.tick()
    assert rows() == []
    clock.go(8)
    meter.tick()

    row = rows()[0]
    assert row.at == datetime.fromtimestamp(BEGAN_S, UTC)
    assert (row.covered_ms, row.events, row.errors) == (10_000, 5, 2)
    assert row.courts == {"1": 3, "": 1, "2": 1}
    assert (row.kernel_drops, row.blind_ms, row.sessions) == (7, 1_500, 1)
    # Without a recorder nobody knows what was received.
    assert row.backlog is None
    assert row.receive_buffer is None
    assert row.memory_percent
    assert row.disk_free
    latency = Histogram(bytes(row.latency))
    assert latency.counts.total() == 5
    assert latency.percentile(0.5) == pytest.approx(20, rel=0.09)
    assert Histogram(bytes(row.database)).counts.total() == 3


def test_a_span_without_a_word_is_a_row_of_zeros_and_one_without_us_is_none(
    meter: Meter, clock: Clock
) -> None:
    clock.go(10)
    meter.tick()
    clock.go(35)
    meter.tick()
    clock.go(10)
    meter.tick()

    # The clock went on by 35 s at once: what lies between was measured by nobody.
    assert [(row.at.timestamp() - BEGAN_S, row.events) for row in rows()] == [(0, 0), (10, 0), (40, 0)]
    assert [row.covered_ms for row in rows()] == [10_000, 10_000, 5_000]


def test_latency_of_a_large_batch_is_that_of_all_its_events(meter: Meter, clock: Clock) -> None:
    chance = random.Random(3)
    ages = sorted((chance.lognormvariate(3, 0.6) for _ in range(2_000)), reverse=True)
    meter.stored(counts(2_000), [clock.ns - int(age * 1e6) for age in ages], 0.02)
    clock.go(10)
    meter.tick()

    latency = Histogram(bytes(rows()[0].latency))
    assert latency.counts.total() == 2_000
    assert len(latency.counts) <= LOOKED_AT
    ages.sort()
    for part in (0.5, 0.9):
        assert latency.percentile(part) == pytest.approx(ages[int(part * 2_000)], rel=0.12)


def test_rate_and_its_peak(meter: Meter, clock: Clock) -> None:
    for events in (10, 500, 20):
        clock.go(1)
        meter.stored(counts(events), [clock.ns] * events, 0.001)
        assert meter.beat() == pytest.approx(events)
    # Two at once tell nothing.
    meter.stored(counts(5), [clock.ns] * 5, 0.001)
    assert meter.beat() == 0
    clock.go(7)
    meter.tick()

    assert rows()[0].peak == pytest.approx(500)


def test_rows_wait_while_the_database_is_away(
    meter: Meter, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ListenerNodeFactory(name="main", stored=10)
    clock.go(10)
    meter.tick()

    def away(self: Keeper[ListenerSample], sample: ListenerSample) -> None:
        raise DatabaseError("away")

    with monkeypatch.context() as patch:
        patch.setattr(Keeper, "write", away)
        for n in range(3):
            meter.stored(counts(n + 1), [clock.ns] * (n + 1), 0.001)
            clock.go(10)
            # Known to be away: not even tried. Not known: tried, and given up.
            meter.tick(write=n == 1)
    assert len(rows()) == 1
    clock.go(10)
    meter.tick()

    assert [row.events for row in rows()] == [0, 1, 2, 3, 0]


def test_a_mistake_in_here_costs_a_row_and_not_the_next_batch(
    meter: Meter, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(meter, "_sample", broken)
    clock.go(10)
    meter.tick()

    assert "cannot be kept" in caplog.text


def test_a_clock_set_back_ends_the_span(meter: Meter, clock: Clock) -> None:
    clock.go(5)
    meter.stored(counts(2), [clock.ns] * 2, 0.001)
    clock.go(-3600)
    meter.tick()
    clock.go(10)
    meter.tick()

    assert sum(row.events for row in rows()) == 2
    assert all(0 <= row.covered_ms <= 10_000 for row in rows())
