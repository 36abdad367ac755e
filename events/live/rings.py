"""The newest events of each court, kept ready to send."""

from __future__ import annotations

from collections import deque
from heapq import merge
from itertools import islice, takewhile
from typing import NamedTuple


class Entry(NamedTuple):
    """An event that was followed: its place in the feed, its key, its court, its row as JSON text."""

    ordinal: int
    id: int
    court: int | None
    text: str


class Rings:
    """One ring per court and one for events without a court; bounded in both directions.

    `reach` is the largest key that may be missing: events after it are all here.
    """

    def __init__(self, per_court: int = 1000, courts: int = 64) -> None:
        self.reach = 0
        self._per_court = per_court
        self._courts = courts
        self._rings: dict[int | None, deque[Entry]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._rings.values()))

    def add(self, entry: Entry) -> None:
        # Taken out and put back, so that the first is the one that has been quiet longest.
        ring = self._rings.pop(entry.court, None)
        if ring is None:
            ring = deque()
            if len(self._rings) >= self._courts:
                self._forget(self._rings.pop(next(iter(self._rings))))
        self._rings[entry.court] = ring
        ring.append(entry)
        if len(ring) > self._per_court:
            self.reach = max(self.reach, ring.popleft().id)

    def clear(self, reach: int) -> None:
        """Forgets everything; events up to the key `reach` are not here."""
        self._rings.clear()
        self.reach = reach

    def newest(self, upto: int, limit: int = 400, each: int = 50) -> list[Entry]:
        """The newest `limit` events and at least `each` of every court, up to the ordinal `upto`."""
        rings = [self._published(ring, upto) for ring in self._rings.values()]
        entries = set(islice(merge(*rings, key=lambda entry: -entry.ordinal), limit))
        for ring in self._rings.values():
            entries.update(islice(self._published(ring, upto), each))
        return sorted(entries)

    def since(self, after: int, upto: int) -> list[Entry] | None:
        """What followed the event with key `after`; None when that lies further back than the rings."""
        if after < self.reach:
            return None
        entries = sorted(entry for ring in self._rings.values() for entry in ring if entry.ordinal <= upto)
        # Two listeners on one database may commit keys out of order: the place in the feed decides.
        seen = next((entry.ordinal for entry in entries if entry.id == after), None)
        if seen is not None:
            return [entry for entry in entries if entry.ordinal > seen]
        return [entry for entry in entries if entry.id > after]

    def _forget(self, ring: deque[Entry]) -> None:
        self.reach = max(self.reach, *(entry.id for entry in ring))

    @staticmethod
    def _published(ring: deque[Entry], upto: int) -> islice[Entry]:
        """The ring from its newest published entry backwards."""
        waiting = sum(1 for _ in takewhile(lambda entry: entry.ordinal > upto, reversed(ring)))
        return islice(reversed(ring), waiting, None)
