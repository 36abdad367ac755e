"""How long things took, as a histogram small enough to keep one for every ten seconds of a year.

Buckets are an eighth of an octave wide, from 0.1 ms to 100 s, so a percentile read from them is right
within 9 % of itself, however many histograms were added up; percentiles could not be added.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

SMALLEST_MS = 0.1
PER_OCTAVE = 8
BUCKETS = 160
_PAIR = struct.Struct("<BI")
_MOST = 0xFFFF_FFFF


class Percentiles(NamedTuple):
    """Milliseconds that 50, 95 and 99 of 100 did not exceed."""

    p50: float
    p95: float
    p99: float


def bucket(ms: float) -> int:
    """The bucket of a time; what is too short or too long falls into the first or last."""
    if ms <= SMALLEST_MS:
        return 0
    return min(int(math.log2(ms / SMALLEST_MS) * PER_OCTAVE), BUCKETS - 1)


class Histogram:
    """How many times fell into each bucket."""

    __slots__ = ("counts",)

    def __init__(self, packed: bytes = b"") -> None:
        """From what `pack` gave; ValueError for anything else."""
        self.counts: Counter[int] = Counter()
        if packed:
            try:
                self.counts.update(dict(_PAIR.iter_unpack(packed)))
            except struct.error:
                raise ValueError("not a histogram") from None

    def add(self, ms: float, times: int = 1) -> None:
        self.counts[bucket(ms)] += times

    def pack(self) -> bytes:
        """Five bytes for each bucket that is not empty."""
        return b"".join(_PAIR.pack(key, min(n, _MOST)) for key, n in sorted(self.counts.items()) if n)

    def percentile(self, part: float) -> float | None:
        """Milliseconds that this part (0 to 1) did not exceed; None when nothing was measured."""
        total = self.counts.total()
        if not total:
            return None
        wanted, below = part * total, 0
        for key, count in sorted(self.counts.items()):
            if below + count >= wanted:
                # Spread evenly over the bucket.
                return float(SMALLEST_MS * 2 ** ((key + (wanted - below) / count) / PER_OCTAVE))
            below += count
        raise AssertionError("a part is at most 1")

    def percentiles(self) -> Percentiles | None:
        """None when nothing was measured."""
        p50, p95, p99 = (self.percentile(part) for part in (0.5, 0.95, 0.99))
        return None if p50 is None or p95 is None or p99 is None else Percentiles(p50, p95, p99)


def merged(packed: Iterable[bytes | memoryview]) -> Histogram:
    """All of them together."""
    counts = [0] * 256
    for one in packed:
        for key, times in _PAIR.iter_unpack(one):
            counts[key] += times
    total = Histogram()
    total.counts.update({key: times for key, times in enumerate(counts) if times})
    return total
