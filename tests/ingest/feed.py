"""A journal as a recorder would have written it, the importing of it, and what the database then holds."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from events.models import (
    Athlete,
    EventTally,
    HourTally,
    ListenerNode,
    Match,
    PssEvent,
    UdpSession,
    UnknownMessage,
)
from ingest.importer import Importer
from ingest.journal import JournalWriter, pack_address
from ingest.protocol import parse
from ingest.senders import moment
from tests import totals
from tournaments.models import Court

SECOND_NS = 1_000_000_000
EVENT_COLUMNS = (
    "stream",
    "kind",
    "athlete",
    "value",
    "round",
    "clock_ms",
    "details",
    "raw",
    "status",
    "error",
    "received_at",
)
MATCH_COLUMNS = (
    "number",
    "phase",
    "category",
    "division",
    "blue__name",
    "blue__country",
    "red__name",
    "red__country",
    "rounds_planned",
    "round_seconds",
    "body_level",
    "head_level",
    "rounds",
    "gam_jeoms",
    "replays",
    "injuries",
    "time_outs",
    "referees",
    "winner",
    "decision",
    "day_id",
    "loaded_at",
    "started_at",
    "ended_at",
)


class Feed:
    """Writes datagrams into a journal; `now_ns` is the time the next one is received at."""

    def __init__(self, directory: Path, start_ns: int | None = None) -> None:
        self.directory = directory
        self.writer = JournalWriter(directory, segment_bytes=4 << 20)
        # A minute ago, so that no session has been silent for long when it is imported.
        start_ns = start_ns if start_ns is not None else time.time_ns() - 60 * SECOND_NS
        self.now_ns = start_ns // 1000 * 1000
        self._importer: Importer | None = None
        self._latest: Importer | None = None

    def say(
        self,
        *payloads: bytes,
        source: str = "127.0.0.2",
        source_port: int = 40_001,
        port: int = 6000,
        after_s: float = 0.1,
    ) -> None:
        """Each payload is received `after_s` after the one before."""
        for payload in payloads:
            self.now_ns += round(after_s * 1e6) * 1000
            self.writer.append([(self.now_ns, port, pack_address(source), source_port, payload)])

    def moment(self) -> datetime:
        """Just after the last datagram, as a context change has it."""
        return moment(self.now_ns + 1000)

    def play(self, datagrams: list[tuple[float, bytes]], **who: Any) -> None:
        """Datagrams with their seconds from the first on."""
        begin_ns = self.now_ns
        for seconds, payload in datagrams:
            self.now_ns = begin_ns + round(seconds * 1e6) * 1000
            self.say(payload, after_s=0, **who)

    def importer(self, node: str = "main", **options: Any) -> Importer:
        """A new importer on this journal, as after a restart: the one before has its files closed."""
        if self._latest is not None:
            self._latest.reader.close()
        self._latest = Importer(self.directory, node, **options)
        return self._latest

    def store(self) -> int:
        """Imports what is new, always with the same importer; returns the number of records."""
        self._importer = self._importer or self.importer()
        return self._importer.drain()

    def store_in_pieces(self, sizes: list[int]) -> None:
        """Imports batches of these sizes in turn, each with an importer of its own, until all is in."""
        turn = 0
        while import_some(self.importer(), sizes[turn % len(sizes)]):
            turn += 1


def import_some(importer: Importer, number: int) -> int:
    """The next `number` records in one batch; returns how many there were."""
    records, after = importer.reader.read(importer.state.position, number)
    if records:
        importer.import_batch(records, after, parse)
    return len(records)


def recounted() -> dict[tuple[Any, ...], int]:
    """Tally key -> events, counted from the events themselves."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for event in PssEvent.objects.all():
        minute = event.received_at.replace(second=0, microsecond=0)
        counts[event.day_id, event.court_id, event.match_id, event.kind, event.status, minute] += 1
    return dict(counts)


def tallied() -> dict[tuple[Any, ...], int]:
    """The same as the tallies have it; those by the hour, and the figures of matches, are held to it too."""
    assert totals.hours() == totals.counted_hours()
    assert totals.figures() == totals.counted_figures()
    counts: Counter[tuple[Any, ...]] = Counter()
    for tally in EventTally.objects.filter(events__gt=0):
        counts[tally.day_id, tally.court_id, tally.match_id, tally.kind, tally.status, tally.minute] += (
            tally.events
        )
    return dict(counts)


def picture() -> dict[str, Any]:
    """All that importing wrote, without keys and times of writing, to compare two ways there."""
    courts: dict[int | None, Any] = {None: None, **dict(Court.objects.values_list("pk", "number"))}
    matches: dict[int | None, Any] = {None: None}
    for court_id in courts:
        of_court = Match.objects.filter(court_id=court_id).order_by("loaded_at", "id")
        matches |= {pk: (courts[court_id], n) for n, pk in enumerate(of_court.values_list("pk", flat=True))}
    sessions = {
        pk: (source, source_port, started_at)
        for pk, source, source_port, started_at in UdpSession.objects.values_list(
            "pk", "source", "source_port", "started_at"
        )
    }
    return {
        "courts": sorted(Court.objects.values_list("number", "name", "port", "source")),
        "sessions": sorted(
            UdpSession.objects.values_list(
                "source",
                "source_port",
                "local_port",
                "dialect",
                "started_at",
                "last_event_at",
                "datagrams",
                "events",
                "concurrent",
            )
        ),
        "matches": {
            matches[match["pk"]]: {name: match[name] for name in MATCH_COLUMNS}
            for match in Match.objects.values("pk", *MATCH_COLUMNS)
        },
        "athletes": sorted(Athlete.objects.values_list("name", "short_name", "country")),
        "events": [
            (
                sessions[event.session_id],
                event.sequence,
                courts[event.court_id],
                matches[event.match_id],
                event.day_id,
                event.tournament_id,
                *(getattr(event, name) for name in EVENT_COLUMNS),
            )
            for event in PssEvent.objects.order_by("id")
        ],
        "tallies": sorted(
            (
                (str(day), courts[court], str(matches[match]), kind, status, minute, number)
                for (day, court, match, kind, status, minute), number in tallied().items()
            ),
            key=str,
        ),
        "unknown": sorted(
            UnknownMessage.objects.values_list("shape", "count", "first_seen", "last_seen", "sample")
        ),
        "nodes": list(
            ListenerNode.objects.values_list(
                "name", "segment", "offset", "sequence", "stored", "kernel_drops", "blind_ms", "damaged"
            )
        ),
    }


def empty_tables() -> None:
    """As after an empty database was put in place of a full one."""
    for model in (
        EventTally,
        HourTally,
        PssEvent,
        Match,
        UdpSession,
        ListenerNode,
        Athlete,
        UnknownMessage,
        Court,
    ):
        model.objects.all().delete()


def received(time_ns: int) -> datetime:
    """As an event has it."""
    return moment(time_ns)
