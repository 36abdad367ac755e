"""The watcher with its threads: what it finds is sent, and no receiver can hold it up."""

from __future__ import annotations

import http.client
import signal
import threading
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from events import migrations
from events.alerts.running import AlertWork
from events.models import Alert, AlertDelivery, AlertRule, AlertWatch
from tests.events.alerts.receiver import receiving
from tests.factories import ContextChangeFactory, ListenerNodeFactory, make_day
from tests.processes import Stack, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def rules() -> None:
    """As the migrations make them, for a test that commits empties every table."""
    if not AlertRule.objects.exists():
        (name,) = (m.name for m in iter_modules(migrations.__path__) if m.name.endswith("_alert_rules"))
        module = import_module(f"{migrations.__name__}.{name}")
        with connection.schema_editor() as editor:
            module.make_rules(apps, editor)


@pytest.fixture
def silent_hall() -> None:
    """A day of today is in force, and nothing is being recorded."""
    ContextChangeFactory(day=make_day(start_date=timezone.localdate()), effective_at=timezone.now())
    ListenerNodeFactory(name="hall", recorder_seen_at=timezone.now().replace(year=2020))
    AlertRule.objects.exclude(kind="not_recording").update(enabled=False)
    AlertRule.objects.update(hold_s=0, recover_s=0)


def sent(channel: str) -> int:
    return AlertDelivery.objects.filter(channel=channel).exclude(sent_at=None).count()


def test_watcher_finds_and_sends_while_a_receiver_hangs(silent_hall: None, settings: Any) -> None:
    settings.ALERT_EMAIL_TO = ["desk@example.org"]
    with receiving() as receiver:
        receiver.slow = True
        settings.ALERT_WEBHOOK_URL = receiver.url
        work = AlertWork(every_s=0.02)
        work.begin()
        try:
            wait_until(lambda: receiver.got, 20, "the webhook")
            # The webhook hangs: the looking and the e-mail go on.
            wait_until(lambda: sent("email") == 1, 20, "the e-mail")
            AlertRule.objects.update(enabled=False)
            wait_until(lambda: not Alert.objects.open().exists(), 20, "the alert to be over")
            assert sent("webhook") == 0
            receiver.slow = False
            receiver.go.set()
            wait_until(lambda: len(receiver.got) == 2, 20, "both messages")
        finally:
            work.end()
        assert [message["occasion"] for message in receiver.messages] == ["firing", "resolved"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("alerts")]
    assert AlertWatch.objects.get().holder is None


def test_of_two_watchers_one_looks_and_nothing_is_sent_twice(silent_hall: None, settings: Any) -> None:
    with receiving() as receiver:
        settings.ALERT_WEBHOOK_URL = receiver.url
        works = [AlertWork(every_s=0.02), AlertWork(every_s=0.02)]
        for work in works:
            work.begin()
        try:
            wait_until(lambda: receiver.got, 20, "the webhook")
            AlertRule.objects.update(enabled=False)
            wait_until(lambda: len(receiver.got) == 2, 20, "that it is over")
        finally:
            for work in works:
                work.end()
        assert [message["occasion"] for message in receiver.messages] == ["firing", "resolved"]
    assert Alert.objects.count() == 1


def test_command_watches_until_it_is_told_to_end(stack: Stack) -> None:
    with receiving() as receiver:
        stack.env |= {"ALERT_WEBHOOK_URL": receiver.url}
        stack.manage("shell", "-v0", "-c", _PREPARE)
        process = stack.start("alerts")
        process.wait_for_line("Looking for alerts")
        wait_until(lambda: receiver.got, 30, "the webhook")
        assert receiver.messages[0]["kind"] == "not_recording"
        assert process.stop(signal.SIGTERM) == 0
        assert process.lines[-1] == "Stopped."
        assert "Traceback" not in process.output
        assert stack.fetch("SELECT holder FROM events_alertwatch") == [(None,)]


def test_start_records_and_serves_while_a_receiver_hangs(stack: Stack, tcp_port: int) -> None:
    with receiving() as receiver:
        receiver.slow = True
        stack.env |= {"ALERT_WEBHOOK_URL": receiver.url}
        process = stack.start("start", "--web", f"127.0.0.1:{tcp_port}")
        process.wait_for_line("web       answering", 60)
        # No day is active, so the first message is one too many.
        stack.send(b"pt1;3\r\n")
        wait_until(lambda: receiver.got, 40, "the webhook")
        assert receiver.messages[0]["kind"] == "no_active_day"
        stack.send(*[b"hl1;40\r\n"] * 500)
        stack.wait_for_events(501)
        client = http.client.HTTPConnection("127.0.0.1", tcp_port, timeout=30)
        client.request("GET", "/login/")
        assert client.getresponse().status == 200
        client.close()
        assert stack.fetch("SELECT count(*) FROM events_alertdelivery WHERE sent_at IS NOT NULL") == [(0,)]
        assert process.stop(signal.SIGINT) == 0
        assert process.lines[-1] == "Stopped. Everything received is kept."


_PREPARE = """
from django.utils import timezone
from events.models import AlertRule
from tournaments.models import Tournament
from tournaments.context import set_context
today = timezone.localdate()
tournament = Tournament.objects.create(name="Open", start_date=today, end_date=today)
set_context(tournament.days.get())
AlertRule.objects.update(hold_s=0)
"""
