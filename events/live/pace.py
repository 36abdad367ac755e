"""When the next frame may go out."""

from __future__ import annotations

# A frame costs Daphne about half a millisecond for each viewer: 25 frames/s for 50 viewers are more
# than half a core, which is all that a laptop which also records has to spare.
FRAMES_PER_S = 25.0
VIEWER_FRAMES_PER_S = 1250.0
BURST = 10.0
SHORTEST_S = 0.012
LONGEST_S = 1.0
# Sending may take this share of a core; the rest belongs to pages.
SHARE = 0.4


class Pace:
    """A token bucket: single events go out at once, a steady stream in frames of 40 ms or wider.

    Times are seconds of a monotonic clock, handed in.
    """

    def __init__(self) -> None:
        self._tokens = BURST
        self._at: float | None = None
        self._not_before = 0.0

    def delay(self, now: float, viewers: int) -> float:
        """Seconds until the next frame may be sent."""
        rate = min(FRAMES_PER_S, VIEWER_FRAMES_PER_S / max(viewers, 1))
        if self._at is not None:
            self._tokens = min(BURST, self._tokens + (now - self._at) * rate)
        self._at = now
        lacking = max(1.0 - self._tokens, 0.0) / rate
        return min(max(lacking, self._not_before - now, 0.0), LONGEST_S)

    def sent(self, now: float, took: float) -> None:
        """A frame went out; handing it to everyone took `took` seconds of the processor."""
        self._tokens -= 1.0
        self._not_before = now + max(SHORTEST_S, took / SHARE - took)
