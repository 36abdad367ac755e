"""The states an alert goes through, with a clock of the test's own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.alerts.states import OPEN, Hold, State, Track, step
from tests.factories import NOON

HOLD = Hold(hold_s=10, recover_s=30)
NORMAL, PENDING, FIRING = State.NORMAL, State.PENDING, State.FIRING
RECOVERING, RESOLVED = State.RECOVERING, State.RESOLVED


def walk(looks: list[tuple[float, bool | None]], hold: Hold = HOLD) -> list[State]:
    """The state after each look, given as (seconds since noon, bad)."""
    track, states = Track(), []
    for seconds, bad in looks:
        track = step(track, bad, NOON + timedelta(seconds=seconds), hold)
        states.append(track.state)
    return states


@pytest.mark.parametrize(
    ("looks", "states"),
    [
        ([(0, False), (2, False)], [NORMAL, NORMAL]),
        # Gone before its time: nobody was told.
        ([(0, True), (8, True), (9, False)], [PENDING, PENDING, NORMAL]),
        # Each break begins the time anew.
        (
            [(0, True), (8, False), (9, True), (18, True), (19, True)],
            [PENDING, NORMAL, PENDING, PENDING, FIRING],
        ),
        ([(0, True), (10, True), (500, True)], [PENDING, FIRING, FIRING]),
        (
            [(0, True), (10, True), (12, False), (41, False), (42, False), (44, False)],
            [PENDING, FIRING, RECOVERING, RECOVERING, RESOLVED, NORMAL],
        ),
        # Back before it was over: the same alert goes on.
        (
            [(0, True), (10, True), (12, False), (41, True), (43, False), (72, False), (73, False)],
            [PENDING, FIRING, RECOVERING, FIRING, RECOVERING, RECOVERING, RESOLVED],
        ),
        (
            [(0, True), (10, True), (20, False), (50, False), (51, True), (61, True)],
            [PENDING, FIRING, RECOVERING, RESOLVED, PENDING, FIRING],
        ),
        # Not known: everything stays as it is.
        (
            [(0, None), (2, True), (4, None), (12, True), (14, None)],
            [NORMAL, PENDING, PENDING, FIRING, FIRING],
        ),
        (
            [(0, True), (10, True), (12, False), (20, None), (42, False)],
            [PENDING, FIRING, RECOVERING, RECOVERING, RESOLVED],
        ),
        # The clock was set back by an hour: the time begins anew, and no later.
        ([(3600, True), (0, True), (9, True), (10, True)], [PENDING, PENDING, PENDING, FIRING]),
    ],
)
def test_states_follow_the_condition_and_the_clock(
    looks: list[tuple[float, bool | None]], states: list[State]
) -> None:
    assert walk(looks) == states


def test_states_without_hold_times_change_at_once() -> None:
    assert walk([(0, True), (2, False), (4, True)], Hold(0, 0)) == [FIRING, RESOLVED, FIRING]


def test_states_say_since_when() -> None:
    track = step(Track(), True, NOON, HOLD)
    assert track.since == NOON
    later = NOON + timedelta(seconds=12)
    assert step(track, True, later, HOLD) == Track(FIRING, later)
    assert step(Track(FIRING, NOON), True, later, HOLD).since == NOON


LOOKS = st.lists(st.tuples(st.floats(0.1, 20), st.sampled_from([True, False, None])), min_size=1, max_size=80)
HOLDS = st.builds(Hold, st.integers(0, 30), st.integers(0, 30))


@given(LOOKS, HOLDS)
def test_states_never_flap_within_the_hold_times(looks: list[tuple[float, bool | None]], hold: Hold) -> None:
    track, now = Track(), NOON
    #: Since when each known look has said the same.
    said: tuple[bool, float] | None = None
    seconds = 0.0
    for pause, bad in looks:
        seconds += pause
        now = NOON + timedelta(seconds=seconds)
        if bad is not None and (said is None or said[0] is not bad):
            said = bad, seconds
        before, track = track, step(track, bad, now, hold)
        was_open, is_open = before.state in OPEN, track.state in OPEN
        lasted = 0.0 if said is None else seconds - said[1]
        if is_open and not was_open:
            assert bad is True
            assert lasted >= hold.hold_s - 1e-6
        if was_open and not is_open:
            assert track.state is RESOLVED
            assert bad is False
            assert lasted >= hold.recover_s - 1e-6
        if bad is None:
            assert track == before


@given(LOOKS, HOLDS)
def test_states_always_end_when_all_stays_in_order(
    looks: list[tuple[float, bool | None]], hold: Hold
) -> None:
    track, seconds = Track(), 0.0
    opened = 0
    for pause, bad in looks:
        seconds += pause
        before, track = track, step(track, bad, NOON + timedelta(seconds=seconds), hold)
        opened += track.state in OPEN and before.state not in OPEN
    ends = []
    for _ in range(3):
        seconds += hold.recover_s + 0.1
        track = step(track, False, NOON + timedelta(seconds=seconds), hold)
        ends.append(track.state)
    assert ends[-1] is NORMAL
    assert ends.count(RESOLVED) <= min(opened, 1)
