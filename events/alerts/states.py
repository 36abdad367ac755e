"""How a condition becomes an alert and ceases to be one; pure: no I/O, the clock is an argument.

    normal --bad--> pending --bad for hold_s--> firing --good--> recovering --good for recover_s--> resolved
      ^               |                           ^                  |
      +-----good------+                           +-------bad--------+

Nothing flaps: between firing and resolved the condition was away for `recover_s` without a break, and
between resolved and firing again it was there for `hold_s` without a break.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import TextChoices


class State(TextChoices):
    NORMAL = "normal", "Normal"
    PENDING = "pending", "Pending"
    FIRING = "firing", "Firing"
    RECOVERING = "recovering", "Recovering"
    RESOLVED = "resolved", "Resolved"


#: An alert is open: people are told of it.
OPEN = (State.FIRING, State.RECOVERING)


@dataclass(frozen=True, slots=True)
class Hold:
    """Seconds a condition must be there before it fires, and away before it is resolved."""

    hold_s: float
    recover_s: float


@dataclass(frozen=True, slots=True)
class Track:
    """Where a condition stands, and since when."""

    state: State = State.NORMAL
    since: datetime | None = None


def step(track: Track, bad: bool | None, now: datetime, hold: Hold) -> Track:
    """The track after one look. `bad` None: nobody knows at the moment, so everything stays as it is."""
    if bad is None:
        return track
    match track.state:
        case State.NORMAL | State.RESOLVED if not bad:
            return Track(State.NORMAL, track.since if track.state is State.NORMAL else now)
        case State.NORMAL | State.RESOLVED:
            return _pending(Track(State.PENDING, now), now, hold)
        case State.PENDING:
            return _pending(track, now, hold) if bad else Track(State.NORMAL, now)
        case State.FIRING:
            return track if bad else _recovering(Track(State.RECOVERING, now), now, hold)
        case _:
            return Track(State.FIRING, now) if bad else _recovering(track, now, hold)


def _pending(track: Track, now: datetime, hold: Hold) -> Track:
    track = _not_ahead(track, now)
    return Track(State.FIRING, now) if _held(track, now) >= hold.hold_s else track


def _recovering(track: Track, now: datetime, hold: Hold) -> Track:
    track = _not_ahead(track, now)
    return Track(State.RESOLVED, now) if _held(track, now) >= hold.recover_s else track


def _not_ahead(track: Track, now: datetime) -> Track:
    """A clock that was set back must not make an alert wait for the time that it had before."""
    return Track(track.state, now) if track.since is None or track.since > now else track


def _held(track: Track, now: datetime) -> float:
    assert track.since is not None
    return (now - track.since).total_seconds()
