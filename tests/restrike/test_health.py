"""What programs ask: /healthz, /readyz, /metrics."""

from __future__ import annotations

import http.client
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from events.alerts.kinds import KINDS
from restrike import checks
from tests.factories import UserFactory
from tests.processes import Stack, wait_until

TOKEN = "a-token-that-is-long-enough"


def numbers(text: str) -> dict[str, float]:
    """Value by name and labels, as Prometheus reads it."""
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def ask(port: int, path: str, token: str = "") -> tuple[int, str]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    client.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
    response = client.getresponse()
    text = response.read().decode()
    client.close()
    return response.status, text


def now(port: int) -> dict[str, float]:
    """All metrics."""
    return numbers(ask(port, "/metrics", TOKEN)[1])


def test_metrics_equal_the_ledger(stack: Stack, tcp_port: int) -> None:
    stack.env["METRICS_TOKEN"] = TOKEN
    process = stack.start("start", "--web", f"127.0.0.1:{tcp_port}")
    process.wait_for_line("Point the scoring system here", 60)
    stack.send(b"pt1;3\r\n", b"pt2;1\r\n", b"nonsense\r\n", b"clk;x\r\n")
    stack.wait_for_events(4)

    assert ask(tcp_port, "/healthz") == (200, "ok\n")
    assert ask(tcp_port, "/readyz") == (200, "ok\n")
    # Being on this machine is no right to see it.
    assert ask(tcp_port, "/metrics")[0] == 401
    assert ask(tcp_port, "/metrics", "wrong")[0] == 401
    status, text = ask(tcp_port, "/metrics", TOKEN)
    assert status == 200

    found, ledger = numbers(text), stack.status()
    for key, metric in {
        "received": "restrike_received_datagrams_total main",
        "stored": "restrike_stored_datagrams_total main",
        "backlog": "restrike_backlog_datagrams main",
        "kernel_drops": "restrike_kernel_drops_total main",
        "receive_buffer": "restrike_receive_buffer_bytes main",
        "sessions": "restrike_sessions",
        **{name: f"restrike_events {name}" for name in ("recognized", "partial", "unknown", "malformed")},
    }.items():
        assert found[metric] == ledger[key], key
    assert ledger["received"] == 4
    assert found["restrike_blind_seconds_total main"] == pytest.approx(ledger["blind_seconds"], abs=0.01)
    assert found["restrike_damaged_places_total main"] == 0
    assert found["restrike_recording main"] == found["restrike_importing main"] == 1
    assert 0 <= found["restrike_recorder_silent_seconds main"] < 5
    assert 0 <= found["restrike_importer_silent_seconds main"] < 5
    assert found["restrike_viewers"] == 0
    assert {name.split()[1] for name in found if name.startswith("restrike_open_alerts ")} == set(KINDS)
    assert found["restrike_open_alerts memory"] in (0, 1)
    assert 0 < found["restrike_memory_used_ratio"] <= 1
    assert 0 < found["restrike_disk_free_bytes"] < found["restrike_disk_size_bytes"]
    for name in ("web", "recorder main", "importer main", "supervisor main"):
        assert found[f"restrike_resident_memory_bytes {name}"] > 1e6

    # What takes ten seconds to be measured comes by itself.
    measured = wait_until(
        lambda: found if "restrike_commit_milliseconds main 0.99" in (found := now(tcp_port)) else None,
        30,
    )
    assert measured
    assert 0 < measured["restrike_commit_milliseconds main 0.5"] < 60_000
    assert 0 < measured["restrike_database_milliseconds main 0.5"] < 60_000
    assert measured["restrike_events_per_second main"] >= 0

    wait_until(lambda: numbers(ask(tcp_port, "/metrics", TOKEN)[1])["restrike_alerts_watched"] == 1, 20)

    # A listener that stands still is told by its silence; the pages stay.
    recorder = process.child("ingest.recorder")
    assert recorder
    recorder.suspend()
    try:
        began = time.monotonic()
        wait_until(lambda: now(tcp_port)["restrike_recording main"] == 0, 20)
        assert time.monotonic() - began < 15
        assert ask(tcp_port, "/readyz")[0] == 200
    finally:
        recorder.resume()


def test_metrics_are_for_staff_who_may_see_events(db: None, var: Path) -> None:
    def status(**user: Any) -> int:
        client = Client()
        client.force_login(UserFactory(**user))
        return client.get("/metrics").status_code

    assert status(group="Viewer") == 200
    assert status() == 401
    assert status(group="Viewer", is_staff=False) == 401
    assert Client().get("/metrics").status_code == 401


@pytest.mark.parametrize(
    ("wanted", "sent", "status"),
    [
        (TOKEN, f"Bearer {TOKEN}", 200),
        (TOKEN, f"bearer {TOKEN}", 200),
        (TOKEN, TOKEN, 401),
        (TOKEN, f"Basic {TOKEN}", 401),
        (TOKEN, "Bearer ", 401),
        (TOKEN, "Bearer ünknown", 401),
        ("", "Bearer ", 401),
        ("", "Bearer", 401),
    ],
)
def test_metrics_token(
    wanted: str, sent: str, status: int, db: None, var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "METRICS_TOKEN", wanted)

    assert Client().get("/metrics", HTTP_AUTHORIZATION=sent).status_code == status


def test_metrics_token_that_can_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "METRICS_TOKEN", "x" * (checks.LEAST_TOKEN - 1))
    assert [message.id for message in checks.check_metrics_token(None)] == ["restrike.E010"]
    monkeypatch.setattr(settings, "METRICS_TOKEN", "x" * checks.LEAST_TOKEN)
    assert checks.check_metrics_token(None) == []


def test_readyz_says_no_while_the_database_is_not_up_to_date(db: None) -> None:
    assert Client().get("/readyz").status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'events'")
    response = Client().get("/readyz")

    assert response.status_code == 503
    assert response.content == b"the database is not up to date\n"
    assert Client().get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_health_pages_take_no_posts_and_are_never_kept(path: str, db: None) -> None:
    assert Client().post(path).status_code == 405
    assert "no-store" in Client().get(path)["Cache-Control"]
