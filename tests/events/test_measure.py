"""Everything that is measured, read in one go."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from events import measure
from events.history import SECONDS, start_of
from events.latency import Histogram
from events.models import Backup, ListenerNode, ListenerSample, WebSample
from tests.factories import (
    ContextChangeFactory,
    CourtFactory,
    ListenerNodeFactory,
    TournamentFactory,
    UdpSessionFactory,
)


def running_node(**values: Any) -> ListenerNode:
    now = timezone.now()
    return ListenerNodeFactory(recorder_seen_at=now, importer_seen_at=now, **values)


def sampled(name: str, spans: int = 7, **values: Any) -> None:
    """One row for each of the last ten seconds that are over."""
    histogram = Histogram()
    histogram.add(20, times=100)
    end = start_of(timezone.now(), SECONDS)
    for n in range(1, spans + 1):
        row = {
            "covered_ms": 10_000,
            "events": 50,
            "errors": 1,
            "peak": 9.0,
            "latency": histogram.pack(),
            "memory_bytes": 10**8,
            "memory_percent": 40.0,
            "disk_free": 10**11,
            **values,
        }
        ListenerSample.objects.create(name=name, step=SECONDS, at=end - timedelta(seconds=SECONDS * n), **row)


def test_an_empty_installation_knows_nothing(db: None, var: Path) -> None:
    now = measure.read()

    assert (now.nodes, now.courts, now.days, now.sessions) == ([], [], [], 0)
    assert not now.is_recording
    # Not known is not zero.
    assert (now.rate_now, now.rate_minute, now.rate_peak, now.viewers, now.error_rate) == (None,) * 5
    assert (now.memory_percent, now.disk_free, now.receive_buffer, now.backlog) == (None, None, None, 0)


def test_a_listener_now(db: None, var: Path) -> None:
    running_node(name="main", received=120, stored=100, rate=7.5, receive_buffer=4096)
    sampled("main")

    now = measure.read()
    node = now.node("main")

    assert now.is_recording
    assert (node.ledger.received, node.ledger.backlog, now.backlog) == (120, 20, 20)
    assert (node.rate_now, now.rate_now) == (7.5, 7.5)
    assert node.rate_minute == pytest.approx(5.0)
    assert node.rate_peak == 9.0
    assert node.error_rate == pytest.approx(0.02)
    assert node.latency is not None
    assert node.latency.p99 == pytest.approx(20, rel=0.09)
    assert node.database is None
    assert (node.memory_percent, node.disk_free, now.receive_buffer) == (40.0, 10**11, 4096)


def test_what_was_measured_long_ago_is_not_known_now(db: None, var: Path) -> None:
    ListenerNodeFactory(name="main", rate=99, recorder_seen_at=timezone.now() - timedelta(minutes=5))
    sampled("main")
    ListenerSample.objects.update(at=F("at") - timedelta(minutes=5))

    node = measure.read().node("main")

    assert (node.rate_now, node.rate_minute, node.latency, node.memory_bytes) == (None, None, None, None)


def test_several_listeners_add_up_and_the_worst_counts(db: None, var: Path) -> None:
    running_node(name="hall-1", rate=3, receive_buffer=9_000)
    running_node(name="hall-2", rate=4, receive_buffer=1_000)
    ListenerNodeFactory(name="old", recorder_seen_at=timezone.now() - timedelta(days=9), received=5)
    sampled("hall-1", memory_percent=30.0, disk_free=5)
    sampled("hall-2", memory_percent=85.0, disk_free=9, events=10, errors=5)

    now = measure.read()

    assert [node.name for node in now.in_use] == ["hall-1", "hall-2"]
    assert now.rate_now == 7
    assert now.rate_minute == pytest.approx(6)
    assert (now.memory_percent, now.disk_free, now.receive_buffer) == (85.0, 5, 1_000)
    assert now.error_rate == pytest.approx(0.5)
    # What one that was taken away holds back is nobody's backlog any more.
    assert now.backlog == 0


def test_viewers_are_those_of_all_web_processes(db: None, var: Path) -> None:
    end = start_of(timezone.now(), SECONDS)
    for name, ages in {"a": (1, 2), "b": (1,), "gone": (30,)}.items():
        for age in ages:
            at = end - timedelta(seconds=SECONDS * age)
            WebSample.objects.create(name=name, step=SECONDS, at=at, covered_ms=10_000, viewers=age * 2)

    assert measure.read().viewers == 4


def test_a_court_with_a_running_clock_that_falls_silent(db: None, var: Path) -> None:
    now = timezone.now()
    silent, sending, ended, never = (CourtFactory(number=n) for n in (1, 2, 3, 4))
    node = running_node(name="main", clocks=[silent.pk, sending.pk, ended.pk])
    UdpSessionFactory(node=node, court=silent, last_event_at=now - timedelta(seconds=45))
    UdpSessionFactory(node=node, court=sending, last_event_at=now)
    gone = now - timedelta(minutes=10)
    UdpSessionFactory(node=node, court=ended, last_event_at=gone, ended_at=gone)
    sampled("main", courts={str(sending.pk): 30})

    courts = {court.court: court for court in measure.read(now).courts}

    assert [court.pk for court in courts] == [silent.pk, sending.pk, ended.pk, never.pk]
    assert (courts[silent].silent, courts[silent].clock_running) == (timedelta(seconds=45), True)
    assert (courts[sending].silent, courts[sending].clock_running) == (timedelta(0), True)
    # Its session is over: nobody plays there.
    assert (courts[ended].clock_running, courts[ended].last_heard) == (False, gone)
    assert (courts[never].silent, courts[never].clock_running) == (None, False)
    known = [rate for rate in courts[sending].rates if rate is not None]
    assert known[-1] == 3.0
    assert courts[silent].rates[0] is None
    assert [rate for rate in courts[silent].rates if rate is not None] == [0.0] * len(known)


def test_a_day_in_force_with_its_backup(db: None, var: Path) -> None:
    today = timezone.localdate()
    tournament = TournamentFactory(start_date=today, end_date=today + timedelta(1))
    first = tournament.days.get(number=1)
    ContextChangeFactory(day=first, effective_at=timezone.now() - timedelta(hours=1))
    now = timezone.now()
    about = {"slug": tournament.slug, "tournament": tournament, "tournament_name": str(tournament)}
    good = Backup.objects.create(made_at=now - timedelta(minutes=20), verified_at=now, file="a.zip", **about)
    Backup.objects.create(made_at=now - timedelta(minutes=9), file="b.zip", **about)

    day = measure.read(now).days[0]

    assert (day.day, day.tournament, day.last_backup) == (first, tournament, good)
    assert day.failed_backup is None
    failed = Backup.objects.create(made_at=now, error="The disk is full.", **about)
    assert measure.read(now).days[0].failed_backup == failed


def fill(number: int) -> None:
    """A hall of its own: listener, court, tournament with a day in force there, backup."""
    node = running_node(name=f"node{number}")
    court = CourtFactory()
    UdpSessionFactory(node=node, court=court, last_event_at=timezone.now())
    node.clocks = [court.pk]
    node.save()
    sampled(node.name)
    today = timezone.localdate()
    tournament = TournamentFactory(start_date=today, end_date=today)
    ContextChangeFactory(court=court, day=tournament.days.get(), effective_at=timezone.now())
    Backup.objects.create(
        tournament=tournament, slug=tournament.slug, tournament_name="x", made_at=timezone.now(), file="x.zip"
    )


def test_measures_take_the_same_number_of_queries_for_one_and_three(
    db: None, var: Path, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    fill(1)
    with django_assert_num_queries(13):
        assert len(measure.read().days) == 1
    fill(2)
    fill(3)
    with django_assert_num_queries(13):
        now = measure.read()

    assert (len(now.nodes), len(now.courts), len(now.days)) == (3, 3, 3)
