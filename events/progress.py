"""A line that says how far long work is and how long it still takes."""

from __future__ import annotations

import time
from typing import TextIO


class ProgressLine:
    """Writes to a terminal at most each half second, elsewhere at most each ten seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._every = 0.5 if self._terminal else 10.0
        self._began = self._told = time.monotonic()
        self._shown = False

    def tell(self, what: str, fraction: float) -> None:
        """`what` is done ("1,200 datagrams sent"), which is this fraction (0 to 1) of all."""
        now = time.monotonic()
        if now - self._told < self._every:
            return
        self._told, self._shown = now, True
        fraction = min(fraction, 1)
        line = f"{what}, {fraction:.0%}"
        if fraction > 0.001:
            line += f", about {duration((now - self._began) * (1 - fraction) / fraction)} left"
        self._stream.write(f"\r{line}   " if self._terminal else f"{line}\n")
        self._stream.flush()

    def done(self) -> None:
        """End the line, if there is one."""
        if self._shown and self._terminal:
            self._stream.write("\n")


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
