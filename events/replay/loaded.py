"""The recordings that are played in this process: each loaded once, for all who watch it or ask for it."""

from __future__ import annotations

from threading import Lock

from events.models_replay import Replay
from events.replay.recording import Recording, load

# What is played -> its messages.
_loaded: dict[tuple[int | None, str, int], Recording] = {}
_lock = Lock()


def loaded(replay: Replay) -> Recording:
    """As `load`; the first who asks waits for it, with all others. RecordingError, DatabaseError."""
    with _lock:
        if replay.plays not in _loaded:
            _let_go()
            _loaded[replay.plays] = load(replay)
        return _loaded[replay.plays]


def let_go() -> None:
    """Forgets the messages of replays that have ended."""
    with _lock:
        _let_go()


def _let_go() -> None:
    going_on = {replay.plays for replay in Replay.objects.all()}
    for ended in _loaded.keys() - going_on:
        del _loaded[ended]
