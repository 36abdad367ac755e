"""What is played again, over the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from events.api.schemas import Card
from events.models import Replay
from tests.events.api.conftest import Ask, bearer, make_token
from tests.factories import NOON, MatchFactory, PssEventFactory, UdpSessionFactory

pytestmark = pytest.mark.django_db


def make_replay() -> Replay:
    """Held 2.5 s into a match with a blue point each second."""
    match = MatchFactory(number="101")
    session = UdpSessionFactory(court=match.court)
    for n in range(5):
        PssEventFactory(
            session=session,
            match=match,
            received_at=NOON + timedelta(seconds=n),
            stream="sc1",
            kind="score",
            athlete=0,
            details={"blue": n, "red": 0},
        )
    return Replay.objects.create(
        match=match, name="Match 101", duration_ms=4_000, position_ms=2_500, paused=True
    )


def test_replays_are_listed_and_marked(ask: Ask) -> None:
    assert ask("replays") == {"items": []}
    replay = make_replay()
    assert ask("replays")["items"] == [
        {
            "id": replay.pk,
            "name": "Match 101",
            "replay": True,
            "position": 2_500,
            "duration": 4_000,
            "speed": 1,
            "paused": True,
        }
    ]


def test_state_has_the_shape_of_the_live_state_and_is_watched(ask: Ask) -> None:
    replay = make_replay()
    long_ago = timezone.now() - timedelta(minutes=9)
    Replay.objects.update(watched_at=long_ago)
    told = ask(f"replays/{replay.pk}")
    (court,) = told["courts"]
    assert (told["replay"], told["position"], court["id"]) == (True, 2_500, replay.match.court_id)  # type: ignore[union-attr]
    assert set(court["card"]) == set(Card.model_fields)
    assert court["card"]["blue"]["score"] == 2
    replay.refresh_from_db()
    assert replay.watched_at > long_ago


def test_replay_that_is_not_there_or_has_nothing_to_play_is_a_problem(ask: Ask) -> None:
    assert "no such replay" in ask("replays/99", 404)["detail"]
    gone = Replay.objects.create(file="journal/main/00000001.journal", name="00000001.journal")
    assert ask(f"replays/{gone.pk}", 404)["detail"] == "The file is no longer there."


def test_token_of_the_live_state_opens_no_replay() -> None:
    client = Client(headers=bearer(make_token(scope="live")[1]))
    assert client.get("/api/v1/replays").status_code == 403
    assert client.get(f"/api/v1/replays/{make_replay().pk}").status_code == 403
