"""Who may open which page, and who may do what: every page and action against every kind of user."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from events import views_backup
from events.alerts import outbox
from events.archive import slices
from events.models import (
    Alert,
    AlertDelivery,
    AlertRule,
    ArchivedPssEvent,
    EventMove,
    PssEvent,
    UnknownMessage,
)
from tests.events.alerts.hall import make_alert
from tests.factories import (
    NOON,
    ContextChangeFactory,
    CourtFactory,
    DisplayFactory,
    MatchFactory,
    PssEventFactory,
    UnknownMessageFactory,
    UserFactory,
    make_day,
    tally_events,
)
from tournaments.models import ContextChange, Court, Tournament, TournamentDay

pytestmark = pytest.mark.django_db

STAFF = ["Viewer", "Operator", "Manager"]
VIEWED = [
    "events_alert",
    "events_alertdelivery",
    "events_alertrule",
    "events_archivedpssevent",
    "events_athlete",
    "events_display",
    "events_eventmove",
    "events_listenernode",
    "events_match",
    "events_pssevent",
    "events_udpsession",
    "events_unknownmessage",
    "tournaments_contextchange",
    "tournaments_court",
    "tournaments_tournament",
    "tournaments_tournamentday",
]
ADDED = {
    "events_display": ["Operator", "Manager"],
    "tournaments_court": ["Operator", "Manager"],
    "tournaments_tournament": ["Operator", "Manager"],
}
DELETED = {"events_display": ["Manager"], "tournaments_court": ["Manager"]}
# Leads to a page of its own, which asks for the name.
DELETED_ELSEWHERE = {"tournaments_tournament": ["Manager"]}


@pytest.fixture
def world(settings: Any) -> dict[str, Any]:
    """One of everything, keyed as the admin's addresses are."""
    settings.ALERT_EMAIL_TO = ["desk@example.org"]
    day = make_day()
    event = PssEventFactory(day=day, match=MatchFactory(day=day))
    tally_events()
    aside = PssEventFactory(received_at=NOON - timedelta(days=90))
    slices.archive(connection, [aside.pk])
    slices.delete(connection, slices.LIVE, [aside.pk])
    outbox.put_test(NOON)
    return {
        "events_alert": make_alert(),
        "events_alertdelivery": AlertDelivery.objects.get(),
        "events_alertrule": AlertRule.objects.get(kind="memory"),
        "events_archivedpssevent": ArchivedPssEvent.objects.get(),
        "events_athlete": event.match.blue,
        "events_display": DisplayFactory(),
        "events_eventmove": EventMove.objects.create(start=NOON, end=NOON, events=1, matches=0),
        "events_listenernode": event.session.node,
        "events_match": event.match,
        "events_pssevent": event,
        "events_udpsession": event.session,
        "events_unknownmessage": UnknownMessageFactory(),
        "tournaments_contextchange": ContextChangeFactory(day=day),
        "tournaments_court": CourtFactory(),
        "tournaments_tournament": Tournament.objects.create(
            name="Empty", start_date=day.date, end_date=day.date
        ),
        "tournaments_tournamentday": day,
    }


def client_of(group: str | None) -> Client:
    """A browser signed in as a member of staff; "nobody" has no group, None is not signed in."""
    client = Client(enforce_csrf_checks=False)
    if group:
        client.force_login(UserFactory(group="" if group == "nobody" else group))
    return client


def test_no_list_of_any_model_is_open_to_those_without_permission() -> None:
    """Whatever is registered, now or later."""
    admin.autodiscover()
    names = {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry}
    assert names > set(VIEWED)
    stranger, nobody = client_of(None), client_of("nobody")
    for name in names:
        url = reverse(f"admin:{name}_changelist")
        assert (stranger.get(url).status_code, nobody.get(url).status_code) == (302, 403), name


@pytest.mark.parametrize("group", [None, "nobody", *STAFF])
def test_lists_and_pages_are_for_those_who_may_view(world: dict[str, Any], group: str | None) -> None:
    client = client_of(group)
    expected = 302 if group is None else 403 if group == "nobody" else 200
    for name in VIEWED:
        pages = reverse(f"admin:{name}_changelist"), reverse(f"admin:{name}_change", args=[world[name].pk])
        assert [client.get(url).status_code for url in pages] == [expected, expected], name


@pytest.mark.parametrize("group", [None, "nobody", *STAFF])
def test_adding_is_for_those_who_may_add(world: dict[str, Any], group: str | None) -> None:
    client = client_of(group)
    for name in VIEWED:
        allowed = group in ADDED.get(name, [])
        status = client.get(reverse(f"admin:{name}_add")).status_code
        assert status == (200 if allowed else 302 if group is None else 403), name


@pytest.mark.parametrize("group", [None, "nobody", *STAFF])
def test_deleting_is_for_those_who_may_delete(world: dict[str, Any], group: str | None) -> None:
    client = client_of(group)
    for name, target in world.items():
        status = client.post(reverse(f"admin:{name}_delete", args=[target.pk]), {"post": "yes"}).status_code
        allowed = group in DELETED.get(name, [])
        assert type(target).objects.filter(pk=target.pk).exists() is not allowed, name
        led_on = group in DELETED_ELSEWHERE.get(name, [])
        assert status == (403 if group and not (allowed or led_on) else 302), name


PAGES = {
    "index": STAFF,
    "alerts": STAFF,
    "alerts_open": STAFF,
    "today_parts": STAFF,
    "context": STAFF,
    "move_events": ["Manager"],
}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("group", [None, "nobody", *STAFF])
def test_pages_beside_the_admin_check_their_permission(name: str, group: str | None) -> None:
    url = reverse("admin:index") if name == "index" else reverse(name)
    status = client_of(group).get(url).status_code
    if name == "index" and group == "nobody":
        assert status == 200  # says that the account may see nothing yet
    else:
        assert status == (200 if group in PAGES[name] else 302 if group is None else 403)


def test_refusal_and_what_is_gone_are_said_in_words() -> None:
    viewer = client_of("Viewer")
    refused = viewer.get(reverse("move_events"))
    assert refused.status_code == 403
    assert "may not open this page" in refused.content.decode()
    gone = viewer.get(reverse("day_statistics", args=[999]))
    assert gone.status_code == 404
    assert "What was asked for is not here, or is gone." in gone.content.decode()


@pytest.mark.parametrize("group", [None, "nobody", *STAFF])
def test_setting_the_context_is_for_operators(world: dict[str, Any], group: str | None) -> None:
    day = world["tournaments_tournamentday"]
    before = ContextChange.objects.count()
    client_of(group).post(reverse("set_context"), {"court": "all", "day": day.pk})
    assert (ContextChange.objects.count() > before) is (group in ("Operator", "Manager"))


@pytest.mark.parametrize("group", [None, "nobody", *STAFF])
def test_moving_events_is_for_managers(
    world: dict[str, Any], group: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[list[str]] = []
    monkeypatch.setattr(views_backup, "start_process", lambda command, state: begun.append(command))
    asked = {"court": "all", "start": "2026-11-21T00:00:00", "end": "2026-11-22T00:00:00", "day": "none"}
    client_of(group).post(reverse("move_events"), asked | {"expected_events": "1", "expected_matches": "1"})
    assert [command[0] for command in begun] == (["move_events"] if group == "Manager" else [])


@pytest.mark.parametrize("group", [None, "nobody", *STAFF])
def test_parsing_again_is_for_operators(world: dict[str, Any], group: str | None) -> None:
    unread = PssEventFactory(kind="unknown", status="unknown", raw="pt1;3\\r\\n", stream="pt1")
    tally_events()
    unknown = UnknownMessageFactory(shape="pt1;N")
    asked = {"action": "parse_again", "_selected_action": [unknown.pk]}
    client_of(group).post(reverse("admin:events_unknownmessage_changelist"), asked)
    unread.refresh_from_db()
    assert (unread.status == "recognized") is (group in ("Operator", "Manager"))


@pytest.mark.parametrize("group", STAFF)
def test_notes_of_unknown_messages_are_for_operators(world: dict[str, Any], group: str) -> None:
    unknown = world["events_unknownmessage"]
    url = reverse("admin:events_unknownmessage_change", args=[unknown.pk])
    client_of(group).post(url, {"notes": "asked the maker", "shape": "other"})
    unknown.refresh_from_db()
    assert (unknown.notes == "asked the maker") is (group != "Viewer")
    assert unknown.shape != "other"


@pytest.mark.parametrize("name", ["events_pssevent", "events_match"])
def test_events_and_matches_take_no_post(world: dict[str, Any], name: str) -> None:
    boss = Client()
    boss.force_login(User.objects.create_superuser("boss"))
    response = boss.post(reverse(f"admin:{name}_change", args=[world[name].pk]), {"raw": "x"})
    assert response.status_code == 405


def test_only_managers_see_users() -> None:
    url = reverse("admin:auth_user_changelist")
    assert [client_of(group).get(url).status_code for group in STAFF] == [403, 403, 200]


def test_managers_change_no_user() -> None:
    other = UserFactory()
    url = reverse("admin:auth_user_change", args=[other.pk])
    assert client_of("Manager").post(url, {"username": "x", "is_superuser": "on"}).status_code == 403


@pytest.mark.parametrize("name", ["set_context", "move_events"])
def test_posts_need_the_token_of_the_page(name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(UserFactory(group="Manager"))
    assert client.post(reverse(name), {"court": "all", "day": "none"}).status_code == 403


def test_no_get_changes_anything(world: dict[str, Any]) -> None:
    def state() -> list[Any]:
        models = (
            Tournament,
            TournamentDay,
            Court,
            ContextChange,
            PssEvent,
            UnknownMessage,
            EventMove,
            Alert,
            AlertRule,
            AlertDelivery,
        )
        return [list(model.objects.order_by("pk").values()) for model in models]

    client = client_of("Manager")
    day = world["tournaments_tournamentday"]
    before = state()
    asked = {"court": "all", "start": "2026-11-21T00:00:00", "end": "2026-11-22T00:00:00", "day": "none"}
    pages = [reverse("set_context"), reverse("context"), reverse("today_parts"), reverse("admin:index")]
    pages += [reverse("alerts"), reverse("alerts_open"), reverse("alerts_test")]
    pages += [
        reverse(name, args=[world["events_alert"].pk]) for name in ("acknowledge_alert", "snooze_alert")
    ]
    for url in pages:
        client.get(url, {"court": "all", "day": day.pk, "note": "x", "minutes": "10"})
    client.get(reverse("move_events"), asked | {"expected_events": "1", "expected_matches": "1"})
    for name in VIEWED:
        client.get(reverse(f"admin:{name}_changelist"), {"action": "parse_again"})
        client.get(reverse(f"admin:{name}_change", args=[world[name].pk]))
    assert state() == before
