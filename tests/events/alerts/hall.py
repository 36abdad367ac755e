"""A hall in which all is well, to make one thing wrong in, and somebody who looks at it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from events.alerts.evaluate import Evaluator
from events.alerts.reading import Reader, Reading
from events.history import SECONDS, start_of
from events.latency import Histogram
from events.models import Alert, ListenerNode, ListenerSample, PssEvent, UdpSession
from tests.factories import (
    ContextChangeFactory,
    CourtFactory,
    ListenerNodeFactory,
    PssEventFactory,
    UdpSessionFactory,
    make_day,
    tally_events,
)


class Hall:
    """A listener at work, a court that is heard, and a day of today in force. Seconds count from `start`.

    `memory` (%), `free` (bytes), `drops` (datagrams) and `database_ms` are what the listener measures
    from now on; None: it does not measure.
    """

    memory: float | None = 40.0
    free: int | None = 10**11
    drops = 0
    database_ms: float | None = 5.0

    def __init__(self) -> None:
        self.start = timezone.now()
        self.now = self.start
        self.day = make_day(start_date=timezone.localdate(), name="Berlin Open")
        self.context = ContextChangeFactory(day=self.day, effective_at=self.start - timedelta(minutes=5))
        self.court = CourtFactory(name="Court 3")
        self.node: ListenerNode = ListenerNodeFactory(name="hall")
        self.session: UdpSession = UdpSessionFactory(node=self.node, court=self.court)
        self.evaluator = Evaluator(Reader())
        self.at(0)

    def at(self, seconds: float, *, heard: bool = True, alive: bool = True) -> datetime:
        """So many seconds later: the listener lives, and the court was heard a moment ago."""
        self.now = self.start + timedelta(seconds=seconds)
        if alive:
            self.node.recorder_seen_at = self.node.importer_seen_at = self.now
            self.node.save()
            self._measured()
        if heard:
            self.session.last_event_at = self.now
            self.session.save()
        return self.now

    def _measured(self) -> None:
        """The row of the ten seconds that are over."""
        database = Histogram()
        if self.database_ms is not None:
            database.add(self.database_ms, times=100)
        ListenerSample.objects.update_or_create(
            name=self.node.name,
            step=SECONDS,
            at=start_of(self.now, SECONDS) - timedelta(seconds=SECONDS),
            defaults={
                "covered_ms": 10_000,
                "events": 50,
                "database": database.pack(),
                "kernel_drops": self.drops,
                "memory_percent": self.memory,
                "disk_free": self.free,
            },
        )

    def clock_runs(self, *, runs: bool = True) -> None:
        self.node.clocks = [self.court.pk] if runs else []
        self.node.save()

    def look(self, seconds: float, **what: Any) -> list[str]:
        """The kinds of the open alerts after a look at that time."""
        self.evaluator.look(self.at(seconds, **what))
        return open_kinds()

    def read(self, kind: str) -> list[Reading]:
        """What a reader that begins now finds of a kind."""
        return [reading for reading in Reader().read(self.now) if reading.kind == kind]

    def say(self, *about: dict[str, Any]) -> list[PssEvent]:
        """Stores messages of the court, received now, and counts them."""
        events = []
        for fields in about:
            self.session.events += 1
            events.append(
                PssEventFactory(
                    session=self.session,
                    sequence=self.session.events,
                    received_at=self.now,
                    day=self.day,
                    **fields,
                )
            )
        self.session.last_event_at = self.now
        self.session.save()
        tally_events()
        return events


def open_kinds() -> list[str]:
    return sorted(Alert.objects.open().values_list("kind", flat=True))


def make_alert(**about: Any) -> Alert:
    """An open alert that nobody has seen to."""
    now = timezone.now()
    fields: dict[str, Any] = {
        "kind": "court_silent",
        "subject": "court:1",
        "name": "Court 3",
        "state": "firing",
        "text": "Court 3 has sent nothing for 25 s, but its match clock runs.",
        "threshold": 10,
        "value": 25,
        "worst": 25,
        "began_at": now,
    }
    fields.update(about)
    for name in ("since", "fired_at", "measured_at"):
        fields.setdefault(name, fields["began_at"])
    return Alert.objects.create(**fields)
