"""The health page: in words, in figures, and over time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from events import series
from events.history import SECONDS, start_of
from events.latency import Histogram
from events.models import ListenerSample, Loss, WebSample
from tests.events.test_measure import fill, running_node, sampled
from tests.factories import CourtFactory, ListenerNodeFactory, UdpSessionFactory, UserFactory

PAGES = ["health", "health_parts", "health_history"]


@pytest.fixture
def staff(db: None, var: Path) -> Client:
    client = Client()
    client.force_login(UserFactory(group="Viewer"))
    return client


def parts(client: Client) -> dict[str, str]:
    return dict(client.get(reverse("health_parts")).json()["parts"])


def history(client: Client, **query: str) -> dict[str, Any]:
    return dict(client.get(reverse("health_history"), query).json())


@pytest.mark.parametrize("name", PAGES)
def test_health_is_for_staff_who_may_see_events(name: str, db: None, var: Path) -> None:
    def status(**user: Any) -> int:
        client = Client()
        client.force_login(UserFactory(**user))
        return client.get(reverse(name)).status_code

    assert status(group="Viewer") == 200
    assert status() == 403
    assert status(group="Viewer", is_staff=False) == 302
    assert Client().get(reverse(name)).status_code == 302


@pytest.mark.parametrize("name", PAGES)
def test_health_takes_no_posts_and_is_never_kept(name: str, staff: Client) -> None:
    assert staff.post(reverse(name)).status_code == 405
    assert "no-store" in staff.get(reverse(name))["Cache-Control"]


def test_a_fresh_installation_says_what_to_do(staff: Client) -> None:
    page = staff.get(reverse("health")).content.decode()

    assert "Nothing has been recorded here yet." in page
    assert "manage.py start" in page
    # No empty charts.
    assert "rs-charts" not in page
    assert staff.get(reverse("health_parts")).json()["started"] is False
    empty = history(staff)
    # What has only just begun is no gap, so the last one may be left out.
    assert set(empty["rate"]) == {None}
    assert len(empty["t"]) in (359, 360)


def test_all_well_is_said_in_one_sentence(staff: Client) -> None:
    running_node(name="main", rate=12, receive_buffer=10**9)
    sampled("main")

    found = parts(staff)

    assert "Everything is in order." in found["rs-health-state"]
    assert "12.0" in found["rs-health-numbers"]
    assert "1,000 MB" in found["rs-health-numbers"]


def test_what_is_wrong_is_said_first(staff: Client) -> None:
    ListenerNodeFactory(name="main", recorder_seen_at=timezone.now() - timedelta(minutes=2))

    state = parts(staff)["rs-health-state"]

    assert "One thing is not in order." in state
    assert "Nothing is being recorded by listener “main”" in state
    assert "manage.py start" in state


def test_ledger_by_court(staff: Client) -> None:
    node = running_node(name="main", received=105, stored=105, tests=2, kernel_drops=9)
    one, two = CourtFactory(number=1, name="<b>Ring</b>"), CourtFactory(number=2)
    now = timezone.now()
    UdpSessionFactory(node=node, court=one, datagrams=70, started_at=now, last_event_at=now)
    UdpSessionFactory(node=node, court=two, datagrams=30, started_at=now, last_event_at=now)
    UdpSessionFactory(node=node, court=None, datagrams=3, started_at=now, last_event_at=now)
    CourtFactory(number=3, name="Ring 3")
    Loss.objects.create(node="main", kind=Loss.Kind.DROPS, begin=now, end=now, port=6000, datagrams=9)
    sampled("main", courts={str(one.pk): 20})

    table = parts(staff)["rs-health-courts"]

    assert "&lt;b&gt;Ring&lt;/b&gt;" in table
    assert "<b>Ring</b>" not in table
    assert table.count("Up to 9 datagrams were dropped by the system; whose is not known.") == 3
    assert "Senders without a court" in table
    assert "Test datagrams" in table
    assert "In no session any more" not in table
    assert "<polyline" in table
    assert "Never heard: Ring 3." in table
    assert "9 datagrams dropped by the system at port 6000" in table
    assert "100 %" not in table


def test_history_shows_gaps_as_gaps(staff: Client) -> None:
    end = start_of(timezone.now(), SECONDS)
    histogram = Histogram()
    histogram.add(50, times=10)
    for n in range(1, 61):
        if 20 <= n < 30:
            continue
        ListenerSample.objects.create(
            name="main",
            step=SECONDS,
            at=end - timedelta(seconds=SECONDS * n),
            covered_ms=10_000,
            events=0 if n < 20 else 40,
            latency=histogram.pack(),
            backlog=3,
        )

    found = history(staff, range="10m")

    at = {moment: place for place, moment in enumerate(found["t"])}
    for n in range(1, 59):
        place = at[int(end.timestamp()) - SECONDS * n]
        measured = None if 20 <= n < 30 else 0.0 if n < 20 else 4.0
        assert found["rate"][place] == measured
        assert (found["backlog"][place] is None) == (measured is None)
        if measured is not None:
            assert found["p99"][place] == pytest.approx(50, rel=0.09)
    assert set(found["viewers"]) == {None}
    assert all(b - a == SECONDS for a, b in zip(found["t"], found["t"][1:], strict=False))


def test_history_adds_up_listeners_and_web_processes(staff: Client) -> None:
    at = start_of(timezone.now(), SECONDS) - timedelta(seconds=SECONDS)
    about = {"step": SECONDS, "at": at, "covered_ms": 10_000}
    ListenerSample.objects.create(
        name="a", events=100, backlog=1, memory_bytes=10**8, memory_percent=30, **about
    )
    ListenerSample.objects.create(
        name="b", events=50, backlog=2, memory_bytes=10**8, memory_percent=70, **about
    )
    WebSample.objects.create(name="w1", viewers=3, memory_bytes=10**8, **about)
    WebSample.objects.create(name="w2", viewers=4, memory_bytes=10**8, **about)

    def last(**query: str) -> dict[str, Any]:
        found = history(staff, range="10m", **query)
        place = found["t"].index(int(at.timestamp()))
        return {name: found[name][place] for name in ("rate", "backlog", "listener_mb", "viewers", "web_mb")}

    assert last() == {"rate": 15, "backlog": 3, "listener_mb": 200, "viewers": 7, "web_mb": 200}
    assert last(node="b") == {"rate": 5, "backlog": 2, "listener_mb": 100, "viewers": 7, "web_mb": 200}
    assert last(node="nobody")["rate"] is None


def test_long_ranges_take_finer_rows_for_what_is_not_added_up_yet(staff: Client) -> None:
    now = start_of(timezone.now(), 3600) + timedelta(minutes=30, seconds=25)
    hour = start_of(now, 3600)
    for step, at, events in (
        (3600, hour - timedelta(hours=1), 3600),
        # Of the hour before there is a row for the whole: its minutes must not count again.
        (60, hour - timedelta(minutes=5), 999_999),
        (60, hour + timedelta(minutes=3), 120),
        (10, hour + timedelta(minutes=3), 999_999),
        (10, start_of(now, 60), 30),
    ):
        ListenerSample.objects.create(name="main", step=step, at=at, covered_ms=step * 1000, events=events)

    found = series.read(series.RANGES["1y"], now)

    rates = [rate for rate in found["rate"] if rate is not None]
    covered = [(3600, 3600), (120, 60), (30, 10)]
    if start_of(hour - timedelta(hours=1), 43_200) == start_of(hour, 43_200):
        expected = [sum(a for a, _ in covered) / sum(b for _, b in covered)]
    else:
        expected = [1.0, 150 / 70]
    assert rates == pytest.approx(expected, abs=0.01)
    assert len(found["t"]) in (731, 732)


def test_history_of_a_range_there_is_not_is_refused(staff: Client) -> None:
    assert staff.get(reverse("health_history"), {"range": "<script>"}).status_code == 400


def test_health_takes_the_same_number_of_queries_for_one_and_three(
    staff: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    fill(1)
    staff.get(reverse("health_parts"))
    with django_assert_num_queries(25):
        staff.get(reverse("health_parts"))
    fill(2)
    fill(3)
    with django_assert_num_queries(25):
        staff.get(reverse("health_parts"))


def test_sparkline_ends_where_nothing_is_known() -> None:
    lines = series.sparkline([None, 1.0, 2.0, None, 4.0], width=40, height=14)

    assert lines == ["10.0,9.5 20.0,7.0", "40.0,2.0 40.0,2.0"]
    assert series.sparkline([None, None]) == []
    # A court that says nothing has a line on the ground.
    assert series.sparkline([0.0, 0.0], width=10, height=14) == ["0.0,12.0 10.0,12.0"]
