"""Who may read over the API: tokens in each of their states, staff with and without permission, nobody."""

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

from events.models import ApiToken
from events.models_api import digest_of
from tests.events.api.conftest import bearer, make_token
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

LISTS = ["tournaments", "days", "courts", "matches", "athletes", "events"]


def status_of(path: str, text: str) -> int:
    return Client().get(f"/api/v1/{path}", headers=bearer(text)).status_code


def client_of(group: str) -> Client:
    client = Client()
    client.force_login(UserFactory(group=group))
    return client


@pytest.mark.parametrize("path", LISTS)
def test_nobody_reads_without_a_token(path: str) -> None:
    response = Client().get(f"/api/v1/{path}")

    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert response.json()["title"] == "Unauthorized"


@pytest.mark.parametrize("path", [*LISTS, "openapi.json"])
def test_a_token_reads_everything(path: str) -> None:
    assert status_of(path, make_token()[1]) == 200


@pytest.mark.parametrize("text", ["", "x", "rst_", "\xff", "a b", "x" * 5000])
def test_what_is_no_token_opens_nothing(text: str) -> None:
    assert status_of("courts", text) == 401


def test_a_revoked_token_opens_nothing() -> None:
    token, text = make_token()
    assert status_of("courts", text) == 200
    token.revoke()

    response = Client().get("/api/v1/courts", headers=bearer(text))

    assert response.status_code == 401
    assert response.json()["detail"] == "This token was revoked."


def test_a_token_ends_when_it_was_said_to() -> None:
    now = timezone.now()
    assert status_of("courts", make_token(expires_at=now - timedelta(seconds=1))[1]) == 401
    assert status_of("courts", make_token(expires_at=now + timedelta(hours=1))[1]) == 200


def test_a_token_ends_with_the_account_that_made_it() -> None:
    token, text = make_token()
    assert token.created_by
    token.created_by.is_active = False
    token.created_by.save()
    assert status_of("courts", text) == 401
    token.created_by.is_active = True
    token.created_by.save()
    assert status_of("courts", text) == 200

    token.created_by.delete()

    assert status_of("courts", text) == 401


def test_a_token_for_the_live_state_opens_nothing_else() -> None:
    _, text = make_token(scope="live")

    assert {path: status_of(path, text) for path in LISTS} == {**dict.fromkeys(LISTS, 403), "courts": 200}


@pytest.mark.parametrize("group", ["", "Viewer"])
def test_staff_read_what_the_admin_shows_them(group: str) -> None:
    client = client_of(group)
    expected = 200 if group else 403

    assert {client.get(f"/api/v1/{path}").status_code for path in LISTS} == {expected}
    assert client.get(reverse("api_docs")).status_code == expected


def test_accounts_that_are_not_staff_read_nothing() -> None:
    client = Client()
    client.force_login(UserFactory(group="Viewer", is_staff=False))

    assert client.get("/api/v1/matches").status_code == 401
    assert client.get(reverse("api_docs")).status_code == 302


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", [*LISTS, "events/1", "live"])
def test_nothing_can_be_written(path: str, method: str) -> None:
    _, text = make_token()
    response = getattr(Client(headers=bearer(text)), method)(f"/api/v1/{path}")

    assert response.status_code == 405


def test_a_token_is_not_stored_and_says_when_it_was_used_once_a_minute() -> None:
    token, text = make_token()
    assert text not in {str(value) for value in ApiToken.objects.values_list().get()}
    assert token.digest == digest_of(text)

    def writes() -> int:
        with CaptureQueriesContext(connection) as queries:
            status_of("courts", text)
        return sum(query["sql"].startswith("UPDATE") for query in queries)

    assert [writes(), writes()] == [1, 0]
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    assert writes() == 1


def make_in_admin(client: Client, **asked: Any) -> Any:
    fields = {"name": "Screen", "scope": "read", "expires_at_0": "", "expires_at_1": ""}
    return client.post(reverse("admin:events_apitoken_add"), fields | asked)


def test_a_manager_makes_a_token_and_sees_it_once() -> None:
    client = client_of("Manager")
    response = make_in_admin(client)
    text = response.context["text"]

    assert text in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert status_of("matches", text) == 200
    token = ApiToken.objects.get()
    assert token.created_by
    listed = client.get(reverse("admin:events_apitoken_changelist")).content.decode()
    assert token.created_by.username in listed
    for page in ("changelist", "change"):
        url = reverse(f"admin:events_apitoken_{page}", args=[token.pk] if page == "change" else [])
        assert text not in client.get(url).content.decode()
    assert text not in "".join(str(entry.__dict__) for entry in LogEntry.objects.all())


def test_a_manager_revokes_a_token() -> None:
    token, text = make_token()
    asked = {"action": "revoke", "_selected_action": [token.pk]}
    client = client_of("Manager")

    page = client.post(reverse("admin:events_apitoken_changelist"), asked, follow=True)

    assert "Revoked 1 token." in page.content.decode()
    assert status_of("courts", text) == 401
    assert LogEntry.objects.filter(object_id=str(token.pk), change_message="Revoked.").count() == 1
    again = client.post(reverse("admin:events_apitoken_changelist"), asked, follow=True)
    assert "was revoked before" in again.content.decode()


@pytest.mark.parametrize("group", ["", "Viewer", "Operator"])
def test_tokens_are_for_managers_alone(group: str) -> None:
    token, text = make_token()
    client = client_of(group)

    assert make_in_admin(client).status_code == 403
    assert client.get(reverse("admin:events_apitoken_changelist")).status_code == 403
    client.post(
        reverse("admin:events_apitoken_changelist"), {"action": "revoke", "_selected_action": [token.pk]}
    )
    assert status_of("courts", text) == 200


def test_what_a_token_opens_cannot_be_changed_later() -> None:
    token, _ = make_token(scope="live")
    url = reverse("admin:events_apitoken_change", args=[token.pk])

    client_of("Manager").post(url, {"name": "Other", "scope": "read", "expires_at_0": "", "expires_at_1": ""})

    token.refresh_from_db()
    assert (token.name, token.scope) == ("Other", "live")
    assert (
        client_of("Manager")
        .post(reverse("admin:events_apitoken_delete", args=[token.pk]), {"post": "yes"})
        .status_code
        == 403
    )


def test_an_address_that_is_none_is_told_as_a_problem() -> None:
    for path in ("/api/", "/api/v1/nothing", "/api/v2/events"):
        response = Client().get(path)
        assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
