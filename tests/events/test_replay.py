"""Replays: the same state however one gets there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from events.archive import slices
from events.models import PssEvent, Replay
from events.replay import player as players
from events.replay import recording as recordings
from events.replay.player import Player
from tests.events.replay_stage import blue, load, make_match, make_replay, messages_of
from tests.factories import NOON

pytestmark = pytest.mark.django_db


# --- Position ------------------------------------------------------------------------------------------


def test_position_follows_from_the_row_alone() -> None:
    replay = Replay(duration_ms=100_000, position_ms=5_000, speed=20, anchor_at=NOON)
    assert replay.position(NOON) == 5_000
    assert replay.position(NOON + timedelta(seconds=2)) == 45_000
    assert replay.position(NOON + timedelta(hours=1)) == 100_000
    replay.paused = True
    assert replay.position(NOON + timedelta(hours=1)) == 5_000


def test_changing_the_speed_goes_on_from_where_it_stands() -> None:
    replay = make_replay(speed=10, position_ms=20_000, paused=True)
    replay.set(speed=20)
    assert (replay.position_ms, replay.speed, replay.paused) == (20_000, 20, True)
    replay.set(paused=False, position=999_999_999)
    assert replay.position() == replay.duration_ms
    replay.set(position=0, paused=True)
    assert Replay.objects.get(pk=replay.pk).position() == 0


# --- State ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", [0, 499, 500, 12_000, 30_250, 60_500])
def test_seeking_gives_the_state_of_playing_to_there(position: int) -> None:
    recording = load(make_replay())
    played, sought, back = Player(recording), Player(recording), Player(recording)
    for step in range(0, position + 1, 250):
        played.go_to(step)
    played.go_to(position)
    sought.go_to(position)
    back.go_to(recording.duration_ms)
    back.go_to(position)
    cards = [player.cards(1_000_000, 5, True) for player in (played, sought, back)]
    assert cards[0] == cards[1] == cards[2]
    assert blue(sought) == position // 1000


def test_a_leap_to_a_chunk_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    replay = make_replay()
    whole = load(replay)
    monkeypatch.setattr(players, "SHOWN_BEFORE", 4)
    everything = Player(whole).go_to(whole.duration_ms)
    with monkeypatch.context() as small:
        small.setattr(recordings, "CHUNK", 10)
        recording = load(replay)
        leaping = Player(recording)
        leaping.go_to(recording.duration_ms)
        # Back, on, far ahead, to where it is; and by a player that begins there.
        for position in (12_000, 499, 58_250, 58_250, 30_000, 60_500, 0):
            upto = sum(time <= position for time, _ in messages_of(recording))
            fresh, straight = Player(recording), Player(recording)
            for step in range(0, position + 1, 500):
                straight.go_to(step)
            straight.go_to(position)
            for player in (leaping, fresh):
                played = player.go_to(position)
                assert player.cards(1_000, 1, True) == straight.cards(1_000, 1, True), position
                assert played == everything[upto - len(played) : upto], position
                assert len(played) < 14, position
                # Whatever the length of the recording, so much of it is in memory.
                assert len(player._chunks) <= 3, position
            assert len(played) >= min(4, upto), position


def test_archived_match_is_played_as_the_live_one() -> None:
    match = make_match()
    before = load(Replay(match=match))
    keys = list(PssEvent.objects.values_list("pk", flat=True))
    slices.archive(connection, keys)
    slices.delete(connection, slices.LIVE, keys)
    after = load(Replay(match=match))
    assert messages_of(after) == messages_of(before)


def test_clocks_stand_where_they_stood_and_are_moved_to_now() -> None:
    player = Player(load(make_replay()))
    player.go_to(10_750)  # a quarter of a second after the tick at 1:50
    (card,) = player.cards(1_000_000, 5, True).values()
    assert (card["clock_ms"], card["clock_at"], card["clock_running"]) == (110_000, 1_000_000 - 50, True)
    assert card["heard"] == 1_000_000
    (held,) = player.cards(1_000_000, 5, False).values()
    assert not held["clock_running"]
