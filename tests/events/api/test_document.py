"""The OpenAPI document: every operation is held to it with generated requests, sensible and not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.contrib.staticfiles import finders
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from events.api.api import api
from events.models import PssEvent, Replay
from tests.events.api.conftest import bearer, make_token, put_aside
from tests.factories import MatchFactory, PssEventFactory, UserFactory, make_day

# The live state comes from the loop of a web server; tests/events/api/test_now.py asks it there.
schema = schemathesis.openapi.from_dict(api.get_openapi_schema()).exclude(path="/api/v1/live")
schema.app = get_wsgi_application()


@pytest.fixture
def token(db: None) -> Iterator[str]:
    """Of a program that reads a database with something of everything in it."""
    # As Django's test client does: the end of a request must not end the test's transaction.
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    day = make_day()
    match = MatchFactory(
        day=day,
        rounds=[[3, 1, 1]],
        winner="blue",
        replays=[{"side": 0, "round": 1, "clock_ms": 9, "state": "opened", "won": None}],
    )
    events = [PssEventFactory(day=day, match=match) for _ in range(6)]
    put_aside(*events[:2])
    Replay.objects.create(match=match, name=str(match))
    yield make_token()[1]
    for signal in signals:
        signal.connect(close_old_connections)


@schema.parametrize()
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_keeps_to_the_document(case: Any, token: str) -> None:
    """Status, content type, headers and body as described; what is no sense is refused."""
    # A document can say neither that a key has to be there nor what a cursor looks like.
    response = case.call_and_validate(headers=bearer(token), excluded_checks=[positive_data_acceptance])
    if response.status_code == 422 and case.meta.generation.mode.is_positive:
        faults = {fault["where"].partition(".")[2] for fault in response.json()["errors"]}
        assert faults <= {"cursor", "tournament", "day", "match", "court", "since", "until"}


def test_the_document_names_every_address() -> None:
    document = api.get_openapi_schema()
    one_of = {
        "athletes": "athlete",
        "courts": "court",
        "days": "day",
        "events": "event",
        "matches": "match",
        "replays": "replay",
        "tournaments": "tournament",
    }
    addresses = {
        "live",
        "athletes/{athlete}/statistics",
        *one_of,
        *(f"{many}/{{{one}}}" for many, one in one_of.items()),
    }

    assert set(document["paths"]) == {f"/api/v1/{address}" for address in addresses}
    for operations in document["paths"].values():
        assert list(operations) == ["get"]
        operation = operations["get"]
        assert operation["description"]
        assert operation["security"] == [{"Token": []}, {"StaffSession": []}]
        assert {200, 401, 403, 422, 503} <= set(operation["responses"])


@pytest.mark.django_db
def test_the_page_about_it_needs_no_other_server() -> None:
    client = Client()
    client.force_login(UserFactory(group="Viewer"))
    response = client.get(reverse("api_docs"))
    page = response.content.decode()

    assert reverse("api-1:openapi-json") in page
    assert "http://" not in page
    assert "https://" not in page
    for name in ("swagger-ui-bundle.js", "swagger-ui-init.js", "swagger-ui.css"):
        assert f"/static/ninja/{name}" in page
        assert finders.find(f"ninja/{name}")
    # Dark and of a phone's width where the admin is.
    assert "/static/staff/api.js" in page
    assert finders.find("staff/api.js")
    assert 'name="viewport"' in page
    assert PssEvent.objects.count() == 0
