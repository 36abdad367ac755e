"""What a replay shows now, for those who ask rather than watch."""

from __future__ import annotations

from typing import Any

from events.models_replay import Replay
from events.replay.loaded import loaded
from events.replay.player import Player


def courts_now(replay: Replay, now_ms: int) -> list[dict[str, Any]]:
    """Courts with `id` (None: of a file), `number`, `name` and `card`; clocks as of `now_ms` (epoch).

    To ask is to watch. RecordingError, DatabaseError.
    """
    player = Player(loaded(replay))
    replay.mark_watched()
    player.go_to(replay.position())
    cards = player.cards(now_ms, replay.speed, replay.runs())
    courts = player.recording.courts
    return [{"id": pk if pk > 0 else None, **courts[pk], "card": card} for pk, card in cards.items()]
