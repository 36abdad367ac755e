"""What the importer measures about itself: a row of `ListenerSample` each ten seconds.

All that happens for each batch is adding up numbers. Once in ten seconds the machine is asked and one small
row is written, outside of the transactions that store events; when the database does not take it, it is
tried again with the next, and given up after some: nothing of this ever holds up storing.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error

from events.history import SECONDS, Keeper
from events.kinds import Status
from events.latency import Histogram
from events.models import ListenerNode, ListenerSample, UdpSession
from ingest.processes import listener_memory, machine
from ingest.staging import recorder_state

log = logging.getLogger(__name__)

#: Of a batch so many events are looked at, evenly spread; each stands for its neighbours.
LOOKED_AT = 32
#: Rows that wait while the database does not answer.
_WAITING = 360
_STEP_NS = SECONDS * 1_000_000_000
_ERRORS = frozenset((Status.UNKNOWN.value, Status.MALFORMED.value))


class _Span:
    """What was counted since `began_ns`, within the ten seconds from `start_ns` on."""

    def __init__(self, began_ns: int) -> None:
        self.began_ns = began_ns
        self.start_ns = began_ns // _STEP_NS * _STEP_NS
        self.events = self.errors = 0
        self.peak = 0.0
        self.latency, self.database = Histogram(), Histogram()
        self.courts: Counter[str] = Counter()
        self.kernel_drops = self.blind_ms = 0


class Meter:
    """Of one importer. `clock_ns` tells the time since 1970."""

    def __init__(self, node: str, directory: Path, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._node = node
        self._directory = directory
        self._clock_ns = clock_ns
        self._keeper = Keeper(ListenerSample, node)
        self._waiting: deque[ListenerSample] = deque(maxlen=_WAITING)
        self._span = _Span(clock_ns())
        self._beat_ns = self._span.began_ns
        self._since_beat = 0
        self._stored: int | None = None
        self._sessions: int | None = None

    def stored(
        self, counts: Mapping[tuple[Any, ...], Sequence[float]], received_ns: Sequence[int], took_s: float
    ) -> None:
        """A batch is committed: its events by key of their total, their receive times, and how long
        writing and committing took."""
        span = self._span
        now_ns = self._clock_ns()
        for (_, court, _, _, status, _), (events, *_) in counts.items():
            span.courts["" if court is None else str(court)] += int(events)
            if status in _ERRORS:
                span.errors += int(events)
        number = len(received_ns)
        span.events += number
        self._since_beat += number
        if number:
            looked_at = min(number, LOOKED_AT)
            for place in range(looked_at):
                first, end = place * number // looked_at, (place + 1) * number // looked_at
                span.latency.add((now_ns - received_ns[(first + end) // 2]) / 1e6, end - first)
        span.database.add(took_s * 1000)

    def rested(self, took_s: float) -> None:
        """A transaction that only said that we live took so long."""
        self._span.database.add(took_s * 1000)

    def lost(self, kernel_drops: int, blind_ms: int) -> None:
        """The recorder told of losses, and it is committed."""
        self._span.kernel_drops += kernel_drops
        self._span.blind_ms += blind_ms

    def beat(self) -> float:
        """Events a second since the last call, which is made about once a second."""
        now_ns = self._clock_ns()
        elapsed_s = (now_ns - self._beat_ns) / 1e9
        # A clock set back, or two calls at once, tell nothing of a rate.
        rate = self._since_beat / elapsed_s if elapsed_s >= 0.5 else 0.0
        self._beat_ns, self._since_beat = now_ns, 0
        self._span.peak = max(self._span.peak, rate)
        return rate

    def tick(self, *, write: bool = True, over: bool = False) -> None:
        """Makes a row when ten seconds are over, or all is (`over`).

        `write`: whether the database is known to answer.
        """
        now_ns = self._clock_ns()
        span = self._span
        if 0 <= now_ns - span.start_ns < _STEP_NS and not over:
            return
        self._span = _Span(now_ns)
        try:
            if write:
                self._ask_levels()
            self._waiting.append(self._sample(span, now_ns))
            while write and self._waiting:
                self._keeper.write(self._waiting[0])
                self._waiting.popleft()
        except Error as error:
            log.debug("What was measured cannot be written yet: %s", error)
        except Exception:
            # A mistake in here must cost a row, and not the next batch.
            log.exception("What was measured cannot be kept.")

    def _ask_levels(self) -> None:
        """Kept for when the database does not answer: nothing is stored then, so they stay right."""
        node = ListenerNode.objects.filter(name=self._node)
        self._stored = node.values_list("stored", flat=True).first()
        self._sessions = UdpSession.objects.filter(node__in=node, ended_at=None).count()

    def _sample(self, span: _Span, now_ns: int) -> ListenerSample:
        end_ns = min(now_ns, span.start_ns + _STEP_NS)
        recorder = recorder_state(self._directory)
        sample = ListenerSample(
            name=self._node,
            step=SECONDS,
            at=datetime.fromtimestamp(span.start_ns // 1_000_000_000, UTC),
            covered_ms=max(end_ns - span.began_ns, 0) // 1_000_000,
            memory_bytes=sum(listener_memory(self._directory).values()) or None,
            events=span.events,
            errors=span.errors,
            peak=span.peak,
            latency=span.latency.pack(),
            database=span.database.pack(),
            courts=dict(span.courts),
            kernel_drops=span.kernel_drops,
            blind_ms=span.blind_ms,
            receive_buffer=recorder.receive_buffer if recorder else None,
            sessions=self._sessions,
        )
        if recorder and self._stored is not None:
            sample.backlog = max(recorder.received - self._stored, 0)
        with suppress(OSError):
            about = machine(Path(settings.RESTRIKE_VAR))
            sample.memory_percent, sample.disk_free = about.memory_percent, about.disk_free
        return sample
