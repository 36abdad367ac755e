"""Looks that make alerts of readings: what is written, what is left to people, and who may look."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from events.alerts.evaluate import Evaluator
from events.alerts.lease import LASTS, Lease, watcher
from events.alerts.reading import Reading
from events.models import Alert, AlertDelivery, AlertRule, AlertWatch
from tests.events.alerts.hall import make_alert, open_kinds
from tests.factories import NOON, UserFactory

pytestmark = pytest.mark.django_db


class Told:
    """Readings as a test gives them: 50 % of memory unless told otherwise."""

    def __init__(self, memory: float | None = 50.0) -> None:
        self.memory = memory
        self.more: list[Reading] = []

    def read(self, now: datetime) -> list[Reading]:
        value = self.memory
        known = value is not None
        reading = Reading("memory", f"{value} % is used.", value or 0.0, name="here", known=known)
        return [reading, *self.more]


class Watch:
    def __init__(self) -> None:
        self.told = Told()
        self.evaluator = Evaluator(self.told)

    def look(self, seconds: float, memory: float | None = 50.0) -> bool:
        self.told.memory = memory
        return self.evaluator.look(NOON + timedelta(seconds=seconds))


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_alert_tells_what_it_was(watch: Watch) -> None:
    for seconds, memory in ((0, 85), (30, 90), (42, 97), (54, 88), (60, 50), (90, 50)):
        watch.look(seconds, memory)
    alert = Alert.objects.get()
    assert (alert.began_at, alert.fired_at, alert.resolved_at) == (
        NOON,
        NOON + timedelta(seconds=30),
        NOON + timedelta(seconds=90),
    )
    assert (alert.value, alert.worst, alert.threshold) == (88, 97, 80)
    assert (alert.state, alert.text, alert.lasted) == ("resolved", "88 % is used.", "1 min 30 s")


def test_each_episode_is_a_row_of_its_own(watch: Watch) -> None:
    for episode in range(3):
        for seconds, memory in ((0, 85), (30, 85), (40, 50), (70, 50)):
            watch.look(episode * 100 + seconds, memory)
    assert Alert.objects.count() == 3
    assert open_kinds() == []


def test_a_new_watcher_takes_the_open_alerts_over(watch: Watch) -> None:
    watch.look(0, 85)
    watch.look(30, 85)
    other = Watch()
    other.look(32, 85)
    assert Alert.objects.count() == 1
    other.look(40, 50)
    # And again, in the middle of its recovery.
    last = Watch()
    last.look(60, 50)
    assert open_kinds() == ["memory"]
    last.look(70, 50)
    assert open_kinds() == []


def test_looking_writes_nothing_while_nothing_changes(watch: Watch) -> None:
    for seconds in range(0, 40, 2):
        watch.look(seconds, 85.0)
    with CaptureQueriesContext(connection) as queries:
        for seconds in range(40, 44, 2):
            watch.look(seconds, 85.0)
    assert [query["sql"] for query in queries if not query["sql"].startswith("SELECT")] == []


def test_figures_that_rise_all_the_time_are_written_each_ten_seconds(watch: Watch) -> None:
    values = []
    for second in range(60):
        watch.look(second, 85.0 + second / 10)
        values += Alert.objects.values_list("value", flat=True)
    assert len(set(values)) == 3


def test_what_people_did_is_left_alone(watch: Watch) -> None:
    watch.look(0, 85)
    watch.look(30, 85)
    user = UserFactory()
    # Between reading and writing of a look.
    read = watch.told.read

    def meanwhile(now: datetime) -> list[Reading]:
        Alert.objects.update(acknowledged_at=NOON, acknowledged_by=user, note="I go there")
        return read(now)

    watch.told.read = meanwhile  # type: ignore[method-assign]
    watch.look(40, 99)
    watch.look(42, 50)
    alert = Alert.objects.get()
    assert (alert.state, alert.worst) == ("recovering", 99)
    assert (alert.acknowledged_by, alert.note) == (user, "I go there")


def test_unknown_reading_keeps_everything(watch: Watch) -> None:
    watch.look(0, 85)
    watch.look(30, 85)
    for seconds in (40, 100, 200):
        watch.look(seconds, None)
    assert open_kinds() == ["memory"]


def test_limit_is_that_of_the_rule(watch: Watch) -> None:
    AlertRule.objects.filter(kind="memory").update(threshold=95, hold_s=0, recover_s=0)
    watch.look(0, 90)
    assert open_kinds() == []
    watch.look(2, 96)
    assert open_kinds() == ["memory"]
    watch.look(4, 94)
    assert open_kinds() == []


def test_rule_switched_off_ends_its_alert(watch: Watch) -> None:
    watch.look(0, 85)
    watch.look(30, 85)
    AlertRule.objects.filter(kind="memory").update(enabled=False)
    watch.look(32, 85)
    watch.look(90, 85)
    assert open_kinds() == []
    assert Alert.objects.get().resolved_at == NOON + timedelta(seconds=32)


def test_snooze_ends_by_itself_and_tells_again(watch: Watch, settings: Any) -> None:
    settings.ALERT_WEBHOOK_URL = "http://127.0.0.1:9/"
    watch.look(0, 85)
    assert watch.look(30, 85) is True
    until = NOON + timedelta(minutes=10)
    Alert.objects.update(snoozed_until=until, snoozed_by=UserFactory())
    alert = Alert.objects.get()
    assert not alert.is_unattended(until - timedelta(seconds=1))
    assert watch.look(590, 85) is False
    assert watch.look(600, 85) is True
    alert.refresh_from_db()
    assert (alert.snoozed_until, alert.snoozed_by) == (None, None)
    assert alert.is_unattended(until)
    occasions = AlertDelivery.objects.order_by("id").values_list("occasion", flat=True)
    assert list(occasions) == ["firing", "reminder"]
    watch.look(610, 50)
    watch.look(640, 50)
    assert list(occasions.all()) == ["firing", "reminder", "resolved"]


def test_look_that_cannot_be_written_is_made_again(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.look(0, 85)
    monkeypatch.setattr("events.alerts.outbox.put", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        watch.look(30, 85)
    assert not Alert.objects.exists()
    monkeypatch.undo()
    watch.look(32, 85)
    assert Alert.objects.get().began_at == NOON


def test_an_alert_is_open_once_whoever_writes_it() -> None:
    make_alert()
    with pytest.raises(IntegrityError), transaction.atomic():
        make_alert(state="recovering")
    make_alert(state="resolved", resolved_at=NOON)
    make_alert(subject="court:2")


# --- Who looks ----------------------------------------------------------------------------------------


def test_one_of_two_watches_until_it_is_silent() -> None:
    first, second = Lease(), Lease()
    at = NOON
    assert (first.hold(at), second.hold(at)) == (True, False)
    for _ in range(10):
        at += timedelta(seconds=4)
        assert (first.hold(at), second.hold(at)) == (True, False)
    assert watcher(at) is not None
    assert second.hold(at + LASTS - timedelta(seconds=5)) is False
    later = at + LASTS + timedelta(seconds=1)
    assert watcher(later) is None
    assert second.hold(later) is True
    # The first one comes back and finds that it has been taken.
    assert first.hold(later + timedelta(seconds=1)) is False
    assert second.hold(later + timedelta(seconds=2)) is True


def test_who_ends_in_order_lets_the_next_begin_at_once() -> None:
    first, second = Lease(), Lease()
    assert first.hold(NOON)
    second.release()  # is not its to give
    assert not second.hold(NOON)
    first.release()
    assert second.hold(NOON)
    assert AlertWatch.objects.count() == 1


def test_lease_asks_the_database_each_five_seconds_only() -> None:
    lease = Lease()
    with CaptureQueriesContext(connection) as queries:
        for seconds in range(0, 20, 2):
            assert lease.hold(NOON + timedelta(seconds=seconds))
    assert len(queries) == 4
