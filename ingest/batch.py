"""The event rows of one transaction, with what the totals need of them."""

from __future__ import annotations

import time
from typing import Any

from events import bulk
from ingest.matches import Track
from ingest.senders import Sender, SenderKey
from ingest.tallies import MINUTE_NS, Key

_WIDTH = len(bulk.COLUMNS)
_TOTALLED = [bulk.COLUMNS.index(name) for name in ("day_id", "court_id", "match_id", "kind", "status")]
_RECEIVED = bulk.COLUMNS.index("received_at")
_PROCESSING = bulk.COLUMNS.index("processing_ms")


class Batch:
    """Rows on their way into the database.

    values       the columns of `bulk.COLUMNS`, row after row in one flat list
    received_ns  receive times, one for each row
    speaking     the senders, with the match on the court of each
    totals       once it is finished: events, sum and greatest of the processing time in ms
    """

    __slots__ = ("received_ns", "speaking", "totals", "values")

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.received_ns: list[int] = []
        self.speaking: dict[SenderKey, tuple[Sender, Track]] = {}
        self.totals: dict[Key, list[float]] = {}

    def finish(self) -> list[Any]:
        """Fills in the receive and processing times, column by column, and sums up; returns the values."""
        values, received_ns, totals = self.values, self.received_ns, self.totals
        now_ns = time.time_ns()
        took = [(now_ns - ns) / 1e6 for ns in received_ns]
        if took and min(took) < 0:
            # A clock set back must not make anything negative.
            took = [max(ms, 0.0) for ms in took]
        values[_RECEIVED::_WIDTH] = bulk.time_texts(received_ns)
        values[_PROCESSING::_WIDTH] = took
        minutes = [ns // MINUTE_NS for ns in received_ns]
        keys = zip(*(values[at::_WIDTH] for at in _TOTALLED), minutes, strict=True)
        for key, ms in zip(keys, took, strict=True):
            if (total := totals.get(key)) is None:
                totals[key] = [1, ms, ms]
            else:
                total[0] += 1
                total[1] += ms
                if ms > total[2]:
                    total[2] = ms
        return values
