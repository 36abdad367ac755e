"""The pages of replays: started, steered, bounded, seen by those who may."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from events.models import Match, PssEvent, Replay
from events.models_replay import FORGOTTEN_AFTER, MOST_REPLAYS
from events.replay.loaded import let_go, loaded
from tests.events.replay_stage import client_of, make_match, make_replay, stored
from tests.factories import NOON, DisplayFactory, MatchFactory, PssEventFactory, make_day

pytestmark = pytest.mark.django_db


def test_match_page_starts_a_replay_and_nothing_is_stored() -> None:
    match = make_match()
    client = client_of("Operator")
    assert reverse("start_replay") in client.get(match.get_absolute_url()).content.decode()
    before = stored()
    response = client.post(reverse("start_replay"), {"match": match.pk}, follow=True)
    replay = Replay.objects.get()
    assert response.redirect_chain[-1][0] == replay.get_absolute_url()
    assert "REPLAY" in response.content.decode()
    assert (replay.match, replay.duration_ms) == (match, 60_500)
    assert replay.name == f"Match 101 · {match.court}"
    assert client.get(reverse("replay_state", args=[replay.pk])).status_code == 200
    assert stored() == before


def test_replay_says_where_and_when_its_match_was() -> None:
    day = make_day()
    match = MatchFactory(number="101", day=day, court=None)
    PssEventFactory(match=match, day=day)
    client_of("Operator").post(reverse("start_replay"), {"match": match.pk})
    assert Replay.objects.get().name == f"Match 101 · {day}"


def test_event_of_another_court_than_its_match_is_shown_there() -> None:
    replay = make_replay()
    event = PssEventFactory(match=replay.match, received_at=NOON)
    answer = client_of("Viewer").get(reverse("replay_state", args=[replay.pk])).json()
    assert set(answer["courts"]) == {str(event.court.number), str(replay.match.court.number)}  # type: ignore[union-attr]


def test_state_is_the_same_as_the_player_has() -> None:
    replay = make_replay(paused=True, position_ms=33_000)
    answer = client_of("Viewer").get(reverse("replay_state", args=[replay.pk])).json()
    assert answer["replay"]["position"] == 33_000
    (card,) = answer["courts"].values()
    assert (card["blue"]["score"], card["clock_running"]) == (33, False)
    assert list(answer["courts"]) == [str(replay.match.court.number)]  # type: ignore[union-attr]
    # At its end nothing counts on, even of a match whose clock never stopped.
    replay.set(paused=False, position=replay.duration_ms)
    answer = client_of("Viewer").get(reverse("replay_state", args=[replay.pk])).json()
    assert [card["clock_running"] for card in answer["courts"].values()] == [False]


def test_state_reads_the_messages_once(django_assert_max_num_queries: Any) -> None:
    replay = make_replay(paused=True)
    client = client_of("Viewer")
    address = reverse("replay_state", args=[replay.pk])
    first = client.get(address).json()
    with django_assert_max_num_queries(10) as asked:
        assert client.get(address).json()["courts"].keys() == first["courts"].keys()
    assert not [query["sql"] for query in asked if "events_pssevent" in query["sql"]]
    assert loaded(replay) is loaded(replay)


def test_replay_that_nobody_watches_ends_by_itself() -> None:
    long_ago = timezone.now() - FORGOTTEN_AFTER - timedelta(seconds=1)
    unwatched, asked_for = make_replay(watched_at=long_ago), make_replay(watched_at=long_ago, paused=True)
    display, messages = DisplayFactory(replay=unwatched), loaded(unwatched)
    client_of("Viewer").get(reverse("replay_state", args=[asked_for.pk]))
    call_command("runjob", "replays")
    let_go()
    assert list(Replay.objects.all()) == [asked_for]
    display.refresh_from_db()
    assert display.replay is None
    # Its messages are not held any longer either.
    assert loaded(unwatched) is not messages


@pytest.mark.parametrize("group", [None, "", "Viewer", "Operator", "Manager"])
def test_replays_are_seen_by_viewers_and_steered_by_operators(group: str | None) -> None:
    replay = make_replay(paused=True)
    client = client_of(group)
    sees = 302 if group is None else 403 if not group else 200
    for name, args in (("replays", []), ("replay", [replay.pk]), ("replay_state", [replay.pk])):
        assert client.get(reverse(name, args=args)).status_code == sees, name
    steers = group in ("Operator", "Manager")
    client.post(reverse("control_replay", args=[replay.pk]), {"position": 7000})
    assert (Replay.objects.get().position_ms == 7000) is steers
    client.post(reverse("start_replay"), {"match": replay.match_id})
    assert (Replay.objects.count() == 2) is steers
    client.post(reverse("stop_replay", args=[replay.pk]))
    assert Replay.objects.filter(pk=replay.pk).exists() is not steers


@pytest.mark.parametrize("name", ["control_replay", "stop_replay"])
def test_replay_is_not_changed_by_looking(name: str) -> None:
    replay = make_replay()
    assert client_of("Operator").get(reverse(name, args=[replay.pk])).status_code == 405


@pytest.mark.parametrize(
    "asked", [{"speed": "3"}, {"speed": "-1"}, {"position": "x"}, {"paused": "2"}, {"position": "9" * 40}, {}]
)
def test_nonsense_changes_nothing(asked: dict[str, str]) -> None:
    replay = make_replay(paused=True, position_ms=4000)
    client_of("Operator").post(reverse("control_replay", args=[replay.pk]), asked)
    now = Replay.objects.get()
    assert (now.speed, now.paused, now.position_ms) == (1, True, 4000)


def test_number_of_replays_is_bounded_and_forgotten_ones_make_room() -> None:
    match = make_match()
    replays = [make_replay(match=match) for _ in range(MOST_REPLAYS)]
    client = client_of("Operator")
    response = client.post(reverse("start_replay"), {"match": match.pk}, follow=True)
    assert "Stop one of them first" in response.content.decode()
    Replay.objects.filter(pk=replays[0].pk).update(watched_at=timezone.now() - timedelta(minutes=11))
    client.post(reverse("start_replay"), {"match": match.pk})
    assert set(Replay.objects.all()) & set(replays) == set(replays[1:])
    assert Replay.objects.count() == MOST_REPLAYS


def test_replay_of_nothing_is_refused_in_words(var: Path) -> None:
    client = client_of("Operator")
    for asked in ({"match": MatchFactory().pk}, {"file": "nothing"}, {}):
        response = client.post(reverse("start_replay"), asked, follow=True)
        assert not Replay.objects.exists()
        assert response.redirect_chain[-1][0] == reverse("replays")
    assert client.post(reverse("start_replay"), {"match": "999999"}).status_code == 404


def test_replay_that_has_ended_leads_to_the_list() -> None:
    response = client_of("Viewer").get(reverse("replay", args=[77]), follow=True)
    assert "has ended" in response.content.decode()


def test_deleting_the_match_ends_its_replay_and_frees_its_displays() -> None:
    replay = make_replay()
    display = DisplayFactory(replay=replay)
    PssEvent.objects.all().delete()
    Match.objects.all().delete()
    assert not Replay.objects.exists()
    display.refresh_from_db()
    assert display.replay is None
