"""A program with a token, and a few events in both tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from events.archive import slices
from events.models import ApiToken
from tests.factories import UserFactory

Ask = Callable[..., Any]


def make_token(**fields: Any) -> tuple[ApiToken, str]:
    """A token and its text."""
    token = ApiToken(name="Screen", **({"created_by": UserFactory()} | fields))
    text = token.give_text()
    token.save()
    return token, text


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def put_aside(*events: Any) -> None:
    """Into the archive, as `events.archive.runs` does it."""
    ids = [event.pk for event in events]
    slices.archive(connection, ids)
    slices.delete(connection, slices.LIVE, ids)


@pytest.fixture
def ask(db: None) -> Ask:
    """GET below /api/v1/ with a token that reads everything; the JSON of the answer."""
    _, text = make_token()
    client = Client(headers=bearer(text))

    def get(path: str, expected: int = 200, /, **query: Any) -> Any:
        response = client.get(f"/api/v1/{path}", query)
        assert response.status_code == expected, response.content
        return response.json()

    return get
