"""The Alerts page, the banner of every page, and what people do about an alert."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from events.alerts.lease import Lease
from events.alerts.showing import banner
from events.live.status import read_status
from events.models import Alert, AlertDelivery, AlertRule
from events.situation import Situation
from tests.events.alerts.hall import make_alert
from tests.factories import ListenerNodeFactory, UserFactory

pytestmark = pytest.mark.django_db

STAFF = ["Viewer", "Operator", "Manager"]


def client_of(group: str) -> Client:
    client = Client()
    client.force_login(UserFactory(group="" if group == "nobody" else group, username=group.lower()))
    return client


@pytest.fixture
def operator() -> Client:
    return client_of("Operator")


@pytest.fixture
def watched() -> None:
    assert Lease().hold(timezone.now())


def page(client: Client, name: str = "alerts") -> str:
    return client.get(reverse(name)).content.decode()


def post(client: Client, name: str, alert: Alert, **fields: Any) -> str:
    """What the page says after it."""
    url = reverse(name, args=[alert.pk])
    return client.post(url, fields, follow=True).content.decode()


# --- The page -----------------------------------------------------------------------------------------


def test_page_says_what_happened_and_what_to_do(operator: Client, watched: None) -> None:
    make_alert()
    shown = page(operator)
    assert "Court 3 has sent nothing for 25 s, but its match clock runs." in shown
    assert "Look at the scoring system and the network cable of this court." in shown
    assert "worst 25 s without a message" in shown
    assert "limit 10 s without a message" in shown


def test_page_says_that_nothing_is_wrong(operator: Client, watched: None) -> None:
    shown = page(operator)
    assert "Nothing is wrong." in shown
    assert "No alert is over yet." in shown
    assert "Nobody looks" not in shown


def test_page_never_says_that_nothing_is_wrong_when_nobody_looks(operator: Client) -> None:
    for name in ("alerts", "alerts_open"):
        shown = page(operator, name)
        assert "Nobody looks for alerts at the moment." in shown
        assert "Nothing is wrong" not in shown


def test_page_puts_the_urgent_first_and_the_earlier_below(operator: Client, watched: None) -> None:
    now = timezone.now()
    make_alert(kind="memory", subject="", name="", text="Memory text", began_at=now)
    make_alert(kind="court_silent", text="Silent text", began_at=now)
    make_alert(kind="not_recording", text="Recording text", began_at=now)
    make_alert(
        subject="court:9", text="Over text", state="resolved", resolved_at=now, note="pulled the cable"
    )
    shown = page(operator)
    places = [shown.index(f"{text} text</p>") for text in ("Recording", "Silent", "Memory")]
    assert places == sorted(places)
    assert shown.index("Over text") > places[-1]


def test_names_are_text_and_nothing_else(operator: Client) -> None:
    hostile = '"><script>alert(1)</script>'
    make_alert(name=hostile, text=hostile, note=hostile, acknowledged_at=timezone.now())
    make_alert(subject="", name=hostile, text=hostile)
    for shown in (page(operator), page(operator, "alerts_open"), page(operator, "admin:index")):
        assert "<script>alert(1)" not in shown
        assert "&lt;script&gt;alert(1)" in shown


def test_page_takes_the_same_queries_for_one_alert_and_three(operator: Client, settings: Any) -> None:
    settings.ALERT_EMAIL_TO = ["desk@example.org"]
    user = UserFactory()

    def count(n: int) -> dict[str, int]:
        now = timezone.now()
        by = {"acknowledged_at": now, "acknowledged_by": user}
        waiting = make_alert(subject=f"court:{n}")
        make_alert(subject=f"a{n}", **by)
        make_alert(subject=f"s{n}", snoozed_until=now + timedelta(hours=1), snoozed_by=user)
        make_alert(subject=f"r{n}", state="resolved", resolved_at=now, **by)
        AlertDelivery.objects.create(
            alert=waiting, channel="email", occasion="firing", message={}, made_at=now, next_at=now
        )
        counts = {}
        lists = [f"admin:events_{name}_changelist" for name in ("alert", "alertdelivery", "alertrule")]
        for name in ("alerts", "alerts_open", "admin:index", "today_parts", *lists):
            with CaptureQueriesContext(connection) as queries:
                assert operator.get(reverse(name)).status_code == 200
            counts[name] = len(queries)
        return counts

    count(0)
    one = count(1)
    count(2)
    assert count(3) == one


def test_page_is_not_kept_by_the_browser(operator: Client) -> None:
    assert "no-store" in operator.get(reverse("alerts"))["Cache-Control"]


# --- Seeing to it ---------------------------------------------------------------------------------------


def test_acknowledging_with_a_note(operator: Client, watched: None) -> None:
    alert = make_alert()
    said = post(operator, "acknowledge_alert", alert, note=" I go to\ncourt 3 ")
    alert.refresh_from_db()
    assert (alert.note, str(alert.acknowledged_by), alert.is_open) == ("I go to court 3", "operator", True)
    assert not alert.is_unattended()
    assert "It is quiet until it is over." in said
    assert "Acknowledged by operator" in said
    assert "“I go to court 3”" in said
    assert "Nothing else is wrong." in said
    entry = LogEntry.objects.get()
    assert (str(entry.user), entry.object_id, entry.get_change_message()) == (
        "operator",
        str(alert.pk),
        "Acknowledged. I go to court 3",
    )


def test_acknowledging_all_that_was_seen(operator: Client) -> None:
    now = timezone.now()
    seen = [make_alert(subject=f"court:{n}") for n in range(3)]
    snoozed = make_alert(subject="s", snoozed_until=now + timedelta(hours=1))
    mine = make_alert(subject="a", acknowledged_at=now, note="mine")
    over = make_alert(subject="o", state="resolved", resolved_at=now)
    new = make_alert(subject="n")
    url = reverse("acknowledge_alerts")
    assert "Acknowledge all 4" in page(operator)
    keys = [alert.pk for alert in (*seen, snoozed, mine, over)]
    said = operator.post(
        url, {"alert": [*keys, "x", "9" * 30], "note": "lunch"}, follow=True
    ).content.decode()
    assert "Acknowledged: 3 alerts." in said
    assert set(Alert.objects.filter(note="lunch")) == set(seen)
    new.refresh_from_db()
    assert new.is_unattended()
    assert LogEntry.objects.count() == 3
    again = operator.post(url, {"alert": keys, "note": "again"}, follow=True).content.decode()
    assert "They are over or acknowledged already." in again
    assert "Acknowledge all" not in again


def test_acknowledging_all_is_for_operators() -> None:
    alert = make_alert()
    for group, status in (("nobody", 403), ("Viewer", 403), ("Manager", 302)):
        assert alert.is_unattended()
        assert client_of(group).post(reverse("acknowledge_alerts"), {"alert": alert.pk}).status_code == status
        alert.refresh_from_db()
    assert not alert.is_unattended()
    assert client_of("Operator").get(reverse("acknowledge_alerts")).status_code == 405


def test_the_second_to_acknowledge_learns_who_was_first(operator: Client) -> None:
    alert = make_alert()
    post(operator, "acknowledge_alert", alert, note="mine")
    said = post(client_of("Manager"), "acknowledge_alert", alert, note="no, mine")
    alert.refresh_from_db()
    assert (alert.note, str(alert.acknowledged_by)) == ("mine", "operator")
    assert "It was acknowledged already, by operator" in said
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize("name", ["acknowledge_alert", "snooze_alert"])
def test_what_is_over_is_left_as_it_was(operator: Client, name: str) -> None:
    alert = make_alert(state="resolved", resolved_at=timezone.now())
    said = post(operator, name, alert, note="late", minutes="10")
    alert.refresh_from_db()
    assert (alert.acknowledged_at, alert.snoozed_until, alert.note) == (None, None, "")
    assert "It is over" in said


def test_snoozing_and_telling_again(operator: Client) -> None:
    alert = make_alert()
    before = timezone.now()
    said = post(operator, "snooze_alert", alert, minutes="30")
    alert.refresh_from_db()
    assert alert.snoozed_until is not None
    assert timedelta(minutes=30) <= alert.snoozed_until - before < timedelta(minutes=31)
    assert str(alert.snoozed_by) == "operator"
    assert "Quiet until" in said
    assert not alert.is_unattended()
    assert alert.is_unattended(alert.snoozed_until)
    post(operator, "snooze_alert", alert, minutes="0")
    alert.refresh_from_db()
    assert (alert.snoozed_until, alert.snoozed_by, alert.is_unattended()) == (None, None, True)


@pytest.mark.parametrize("minutes", ["", "7", "-10", "100000000000", "ten"])
def test_snoozing_for_a_time_that_is_not_offered_changes_nothing(operator: Client, minutes: str) -> None:
    alert = make_alert()
    said = post(operator, "snooze_alert", alert, minutes=minutes)
    alert.refresh_from_db()
    assert alert.snoozed_until is None
    assert "Nothing was changed." in said


@pytest.mark.parametrize("group", ["nobody", *STAFF])
@pytest.mark.parametrize(("name", "fields"), [("acknowledge_alert", {}), ("snooze_alert", {"minutes": "10"})])
def test_seeing_to_an_alert_is_for_operators(group: str, name: str, fields: dict[str, str]) -> None:
    alert = make_alert()
    client = client_of(group)
    status = client.post(reverse(name, args=[alert.pk]), fields).status_code
    alert.refresh_from_db()
    allowed = group in ("Operator", "Manager")
    assert status == (302 if allowed else 403)
    assert alert.is_unattended() is not allowed
    if group != "nobody":
        make_alert(subject="court:2")
        assert (reverse("acknowledge_alert", args=[Alert.objects.first().pk]) in page(client)) is allowed


@pytest.mark.parametrize("name", ["acknowledge_alert", "snooze_alert"])
def test_changes_take_a_post_with_a_token(name: str) -> None:
    alert = make_alert()
    client = Client(enforce_csrf_checks=True)
    client.force_login(UserFactory(group="Manager"))
    url = reverse(name, args=[alert.pk])
    assert client.get(url).status_code == 405
    assert client.post(url, {"minutes": "10"}).status_code == 403


def test_going_back_never_leaves_the_house(operator: Client) -> None:
    alert = make_alert()
    url = reverse("acknowledge_alert", args=[alert.pk])
    assert operator.post(url, {"next": "https://example.org/"})["Location"] == reverse("alerts")
    assert operator.post(url, {"next": "/live/"})["Location"] == "/live/"
    # A page that does not exist is said by that page.
    assert operator.post(url, {"next": "nowhere"})["Location"] == "nowhere"


# --- Rules and receivers --------------------------------------------------------------------------------


def test_rules_are_edited_by_managers_and_keep_their_history() -> None:
    rule = AlertRule.objects.get(kind="event_rate")
    url = reverse("admin:events_alertrule_change", args=[rule.pk])
    fields = {"enabled": "on", "threshold": "1500", "hold_s": "90", "recover_s": "40"}
    assert client_of("Operator").post(url, fields).status_code == 403
    assert client_of("Manager").post(url, fields).status_code == 302
    rule.refresh_from_db()
    assert (rule.threshold, rule.hold_s, rule.recover_s) == (1500, 90, 40)
    assert str(rule.history.first().history_user) == "manager"
    shown = page(client_of("Viewer"))
    assert "more than 1,500 events/s" in shown
    assert "1 min 30 s" in shown


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("memory", {"threshold": ""}, "Give a limit"),
        ("memory", {"threshold": "101"}, "No more than 100 %"),
        ("disk_low", {"threshold": "-1"}, "greater than or equal to 0"),
        ("disk_low", {"hold_s": "3601"}, "less than or equal to 3600"),
    ],
)
def test_rules_that_make_no_sense_are_refused(kind: str, fields: dict[str, str], says: str) -> None:
    rule = AlertRule.objects.get(kind=kind)
    sent = {"enabled": "on", "threshold": "50", "hold_s": "1", "recover_s": "1"} | fields
    url = reverse("admin:events_alertrule_change", args=[rule.pk])
    assert says in client_of("Manager").post(url, sent).content.decode()


def test_rules_of_yes_or_no_have_no_limit() -> None:
    rule = AlertRule.objects.get(kind="wrong_day")
    url = reverse("admin:events_alertrule_change", args=[rule.pk])
    manager = client_of("Manager")
    assert 'name="threshold"' not in manager.get(url).content.decode()
    manager.post(url, {"hold_s": "5", "recover_s": "5"})
    rule.refresh_from_db()
    assert (rule.enabled, rule.threshold, rule.hold_s) == (False, None, 5)


@pytest.mark.parametrize("name", ["add", "delete"])
def test_rules_are_neither_made_nor_deleted(name: str) -> None:
    rule = AlertRule.objects.get(kind="memory")
    args = [] if name == "add" else [rule.pk]
    manager = client_of("Manager")
    assert (
        manager.post(reverse(f"admin:events_alertrule_{name}", args=args), {"post": "yes"}).status_code == 403
    )


def test_test_message_is_for_managers_and_needs_somebody_who_sends_it(settings: Any) -> None:
    manager = client_of("Manager")
    url = reverse("alerts_test")
    assert client_of("Operator").post(url).status_code == 403
    assert "Nobody looks for alerts" in manager.post(url, follow=True).content.decode()
    assert Lease().hold(timezone.now())
    assert "There is no receiver." in manager.post(url, follow=True).content.decode()
    settings.ALERT_WEBHOOK_URL = "https://user:password@hooks.example.org/secret-path"
    said = manager.post(url, follow=True).content.decode()
    assert "The test is on its way." in said
    assert "https://hooks.example.org" in said
    assert "secret-path" not in said
    assert AlertDelivery.objects.get().occasion == "test"


# --- The banner ------------------------------------------------------------------------------------------


def all_is_well() -> None:
    now = timezone.now()
    ListenerNodeFactory(recorder_seen_at=now, importer_seen_at=now)


def test_banner_is_on_every_page_with_the_number_and_a_link(operator: Client) -> None:
    all_is_well()
    make_alert()
    make_alert(kind="memory", subject="", text="91 % of the memory is in use.")
    for name in ("live", "live_problems", "admin:events_athlete_changelist", "context"):
        shown = page(operator, name)
        assert "2 alerts are open. Court 3 has sent nothing for 25 s" in shown, name
        assert f'href="{reverse("alerts")}"' in shown
    # The page itself says all of it.
    assert "alerts are open" not in page(operator)


def test_today_says_each_alert_once(operator: Client) -> None:
    ListenerNodeFactory(name="hall", recorder_seen_at=timezone.now() - timedelta(minutes=1))
    (problem,) = Situation().problems()
    make_alert(kind="not_recording", subject="hall", name="hall", text=problem.text)
    make_alert(kind="memory", subject="", text="91 % of the memory is in use.")
    parts = operator.get(reverse("today_parts")).json()["parts"]
    for shown in (page(operator, "admin:index"), "".join(parts.values())):
        assert shown.count("91 % of the memory is in use.") == 1
        assert shown.count("Nothing is being recorded by listener “hall”") == 1
        assert "alerts are open" not in shown


def test_what_can_wait_until_the_tournament_is_over_has_no_banner(operator: Client, watched: None) -> None:
    all_is_well()
    text = "Berlin Open has 6,000 events on day 1."
    make_alert(kind="day_events", subject="tournament:1", name="Berlin Open", text=text, value=6_000)
    for name in ("live", "live_problems", "admin:events_athlete_changelist", "health"):
        assert text not in page(operator, name), name
    assert "Everything is in order." in page(operator, "health")
    for name in ("alerts", "admin:index"):
        assert page(operator, name).count(text) == 1, name
    make_alert()
    assert "1 alert is open." not in page(operator, "live_problems")
    assert "Court 3 has sent nothing for 25 s" in page(operator, "live_problems")


def test_page_says_each_alert_once(operator: Client, watched: None) -> None:
    ListenerNodeFactory(name="hall", recorder_seen_at=timezone.now() - timedelta(minutes=1))
    (problem,) = Situation().problems()
    assert page(operator).count(problem.text) == 1
    make_alert(kind="not_recording", subject="hall", name="hall", text=problem.text)
    assert page(operator).count(problem.text) == 1


def test_banner_goes_when_everything_was_seen_to(operator: Client) -> None:
    all_is_well()
    now = timezone.now()
    make_alert(acknowledged_at=now)
    make_alert(subject="court:2", snoozed_until=now + timedelta(minutes=1))
    make_alert(subject="court:3", state="resolved", resolved_at=now)
    assert "rs-banner" not in page(operator, "admin:events_athlete_changelist")


def test_banner_does_not_say_twice_what_another_banner_says(operator: Client) -> None:
    ListenerNodeFactory(name="hall", recorder_seen_at=timezone.now() - timedelta(minutes=1))
    (problem,) = Situation().problems()
    alert = make_alert(kind="not_recording", subject="hall", name="hall", text=problem.text)
    shown = page(operator, "admin:events_athlete_changelist")
    assert shown.count("Nothing is being recorded by listener “hall”") == 1
    assert "1 alert is open." in shown
    told = banner([alert], [], timezone.now())
    assert told is not None
    assert told.text == problem.text


def test_banner_is_not_for_those_who_may_see_nothing() -> None:
    make_alert()
    assert "Court 3 has sent nothing" not in page(client_of("nobody"), "admin:index")


def test_live_page_rings_for_what_is_urgent_and_not_seen_to() -> None:
    all_is_well()
    now = timezone.now()
    ringing = make_alert()
    make_alert(kind="memory", subject="", text="Not urgent.")
    make_alert(subject="court:2", acknowledged_at=now)
    make_alert(subject="court:3", snoozed_until=now + timedelta(minutes=1))
    make_alert(subject="court:4", state="recovering")
    status = read_status()
    assert status["alerts"] == {"open": 3, "ringing": [ringing.pk]}
    assert status["problems"][-1].startswith("3 alerts are open. Court 3 has sent nothing")
