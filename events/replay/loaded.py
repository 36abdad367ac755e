"""The recordings that are played in this process: each read once, for all who watch it or ask for it."""

from __future__ import annotations

from threading import Lock

from events.models_replay import Replay
from events.replay.recording import Recording, load

# A file of a day's size is read in this time; of a longer one people are told how far it is.
PATIENCE_S = 2.0

# Key of a replay -> its messages.
_loaded: dict[int, Recording] = {}
_lock = Lock()


def loaded(replay: Replay, patience_s: float | None = None) -> Recording:
    """All of its messages; a replay of a file begins when they are read.

    Raises StillReading when they are not after `patience_s` (else PATIENCE_S), RecordingError, DatabaseError.
    """
    with _lock:
        if replay.pk not in _loaded:
            _let_go()
            _loaded[replay.pk] = load(replay)
        recording = _loaded[replay.pk]
    recording.wait(PATIENCE_S if patience_s is None else patience_s)
    if not replay.duration_ms:
        replay.begin(recording.duration_ms)
    return recording


def let_go() -> None:
    """Forgets the messages of replays that have ended."""
    with _lock:
        _let_go()


def _let_go() -> None:
    going_on = set(Replay.objects.values_list("pk", flat=True))
    for ended in _loaded.keys() - going_on:
        _loaded.pop(ended).unwanted = True
