"""From the journal to the database: each batch in one transaction together with its position.

The position says which record is next. It moves in the transaction that stores the records before
it, so a crash anywhere repeats or skips nothing. What the importer keeps in memory mirrors the
database; after any failed transaction it is thrown away and loaded again.
"""

from __future__ import annotations

import json
import logging
import os
import select
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, DataError, IntegrityError, connection, connections, models, transaction

from events import bulk, moves
from events.kinds import Kind, Status
from events.models import ListenerNode
from ingest.journal import JournalReader, Position, Record
from ingest.matches import Tracks
from ingest.protocol import Message, escape, parse
from ingest.recorder import recorder_state
from ingest.senders import CourtFinder, Senders, moment
from ingest.tallies import Key, RowGone, Tallies, UnknownShapes
from tournaments.context import ContextTimeline
from tournaments.models import ContextChange

log = logging.getLogger(__name__)

# Under backlog a batch grows to this many records: beyond it a larger one gains nothing.
MAX_BATCH = 2_000
HEARTBEAT_S = 1.0
_RETRY_S = (0.2, 0.5, 1, 2, 5)

Parse = Callable[[bytes, str], Iterable[Message]]


class AnotherImporter(Exception):
    """The position moved under us: a second importer works on this journal."""


class State:
    """The mirror of the database that a batch is filed with."""

    def __init__(self, node_name: str, journal_uuid: str) -> None:
        self.node, _ = ListenerNode.objects.get_or_create(name=node_name)
        if str(self.node.journal) != journal_uuid:
            # A new journal, or a new database: begin at the first record.
            ListenerNode.objects.filter(pk=self.node.pk).update(
                journal=journal_uuid, segment=0, offset=0, sequence=0
            )
            self.node.refresh_from_db()
        self.position: Position | None = (
            Position(self.node.segment, self.node.offset, self.node.sequence) if self.node.sequence else None
        )
        self.senders = Senders(self.node, CourtFinder(settings.INGEST_AUTO_COURTS), settings.SESSION_IDLE_S)
        self.tracks = Tracks()
        self.tallies = Tallies()
        self.unknown = UnknownShapes()
        self.timeline = ContextTimeline([])
        self.tournament_of: dict[int | None, int | None] = {None: None}
        self.applied = self.node.context_id

    def refresh_context(self) -> None:
        """Learns of context changes; corrects events stored before a change became visible."""
        newest, count = ContextChange.objects.aggregate(
            newest=models.Max("pk"), count=models.Count("pk")
        ).values()
        # Keys are given before commits, so a late commit shows in the count alone.
        if (newest or 0, count) == (self.timeline.last_id, len(self.timeline)):
            return
        known = self.timeline.ids() if len(self.timeline) else None
        self.timeline = ContextTimeline.load()
        self.tournament_of = self.timeline.tournaments()
        late = [
            change
            for change in self.timeline.changes()
            if (change.pk > self.applied if known is None else change.pk not in known)
        ]
        if late:
            courts = {change.court_id for change in late}
            self._file_again(min(change.effective_at for change in late), courts)
            self.applied = max(self.applied, *(change.pk for change in late))

    def _file_again(self, since: datetime, courts: set[int | None]) -> None:
        """Files what was received from `since` on once more; `courts` holding None means all."""
        spans = []
        for court_id in [*self.senders.courts.ids(), None] if None in courts else courts:
            moments, days = self.timeline.steps(court_id)
            for start, end, day_id in zip(moments, [*moments[1:], None], days, strict=True):
                if end is None or end > since:
                    spans.append(moves.Span(court_id, max(start, since), end, day_id))
        moves.file_spans(spans)


class Importer:
    """Follows one node's journal until told to stop."""

    def __init__(
        self,
        directory: Path,
        node_name: str,
        *,
        batch_size: int = 100,
        flush_ms: int = 20,
        stop: threading.Event | None = None,
        wake_fd: int | None = None,
    ) -> None:
        self.directory = directory
        self.node_name = node_name
        self.batch_size = batch_size
        self.flush_ns = flush_ms * 1_000_000
        self.stop = stop or threading.Event()
        self.wake_fd = wake_fd
        self.reader = JournalReader(directory)
        self._state: State | None = None
        self._heartbeat_due = 0.0
        self._singly = 0  # records to import one at a time, after a batch failed
        self._failures = 0
        self._bad_written = 0

    # --- The loop ---------------------------------------------------------------------------------

    def follow(self) -> None:
        """Imports until `stop` is set, then what is still in the journal."""
        while not self.stop.is_set():
            if not self.step():
                self._wait(HEARTBEAT_S)
        self.drain()

    def drain(self) -> int:
        """Imports all that the journal holds; returns the number of records. Stops at a failure."""
        total = 0
        while records := self.step(patient=False):
            total += records
        return total

    def step(self, *, patient: bool = True) -> int:
        """Imports the next batch, or notes that we live; returns the number of records imported.

        `patient`: let a small batch fill until `flush_ms` after its first datagram.
        """
        try:
            records, position = self._next_batch(patient)
            if records:
                self._import(records, position)
            else:
                self._singly = 0
            if not records and self._state and time.monotonic() >= self._heartbeat_due:
                with transaction.atomic():
                    self._beat(self.state)
        except (DatabaseError, AnotherImporter, RowGone) as error:
            self._recover(error)
            return 0
        self._failures = 0
        return len(records)

    @property
    def state(self) -> State:
        if self._state is None:
            with transaction.atomic():
                self._state = State(self.node_name, self.reader.uuid)
        return self._state

    def _next_batch(self, patient: bool) -> tuple[list[Record], Position]:
        if self._state is None and not self.reader.uuid:
            return [], Position(0, 0, 0)  # the recorder has not made the journal yet
        limit = 1 if self._singly else MAX_BATCH
        position = self.state.position
        records, after = self.reader.read(position, limit)
        if patient and 0 < len(records) < self.batch_size and not self._singly:
            due_ns = records[0].received_ns + self.flush_ns
            while len(records) < self.batch_size and (left := due_ns - time.time_ns()) > 0:
                if self.stop.is_set():
                    break
                # A clock set back must not hold a batch for longer than a flush takes.
                self._wait(min(left, self.flush_ns) / 1e9, until_full=True)
                more, after = self.reader.read(after, MAX_BATCH - len(records))
                records += more
        return records, after

    def _wait(self, seconds: float, *, until_full: bool = False) -> None:
        if until_full:
            # Datagrams come one by one here; waking for each would only cost.
            time.sleep(min(seconds, 0.005))
        elif self.wake_fd is None:
            self.stop.wait(min(seconds, 0.005))
        else:
            readable, _, _ = select.select([self.wake_fd], [], [], seconds)
            if readable and not os.read(self.wake_fd, 65536):
                # The supervisor is gone; nobody will ever wake us again.
                self.stop.set()

    def _recover(self, error: Exception) -> None:
        self._state = None
        with suppress(DatabaseError):
            connections.close_all()
        pause = _RETRY_S[min(self._failures, len(_RETRY_S) - 1)]
        self._failures += 1
        if self._failures == 1 or self._failures % 10 == 0:
            log.error(
                "Cannot write to the database (%s). Nothing is lost: it waits in the journal. Trying again.",
                str(error).strip() or type(error).__name__,
            )
        self.stop.wait(pause)

    # --- One batch --------------------------------------------------------------------------------

    def _import(self, records: list[Record], after: Position) -> None:
        try:
            self.import_batch(records, after, parse)
            self._singly = max(self._singly - 1, 0)
            return
        except (AnotherImporter, RowGone, ConnectionError):
            raise
        except Exception as error:
            if isinstance(error, DatabaseError) and not _is_about_the_data(error):
                raise
            # One record may be what breaks the batch. It must not block the queue, so: one at a time.
            self._state = None
            if len(records) > 1:
                log.exception("A batch of %d records failed; importing them one at a time.", len(records))
                self._singly = len(records)
                return
            log.exception("Record %d cannot be filed as it is; storing it as malformed.", records[0].sequence)
        self.import_batch(records, after, _unreadable)
        self._singly = max(self._singly - 1, 0)

    def import_batch(self, records: list[Record], after: Position, parse: Parse) -> None:
        """Stores the records and the position after them, in one transaction."""
        state = self.state
        with transaction.atomic():
            state.refresh_context()
            notes = _Notes()
            rows: list[tuple[Any, ...]] = []
            filed: list[tuple[int | None, int | None, int | None, str, str, int]] = []
            for record in records:
                if record.local_port == 0:
                    notes.read(record.payload)
                else:
                    self._file(state, record, parse, rows, filed)
            if rows:
                self._write_events(state, rows, filed)
            datagrams = len(records) - notes.count
            self._advance(state, after, datagrams, notes)
            state.senders.write()
            state.tracks.write()
            state.unknown.write()
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("NOTIFY restrike_events")
        state.position = after
        self._bad_written = self.reader.bad

    def _file(
        self,
        state: State,
        record: Record,
        parse: Parse,
        rows: list[tuple[Any, ...]],
        filed: list[tuple[int | None, int | None, int | None, str, str, int]],
    ) -> None:
        """Turns one datagram into event rows, all but their processing time."""
        received_ns = record.received_ns
        sender = state.senders.of((record.local_port, record.source, record.source_port), received_ns)
        court_id = sender.court_id
        track = state.tracks.of(sender)
        if track.speaker is not sender:
            if track.speaker is None or track.speaker.ended or track.speaker.pk < sender.pk:
                track.speaker = sender
            elif not sender.concurrent:
                state.senders.mark_concurrent(sender, track.speaker)
        day_id = state.timeline.day_id_at(court_id, moment(received_ns))
        tournament_id = state.tournament_of[day_id]
        received = bulk.time_text(received_ns)
        for message in parse(record.payload, sender.dialect):
            if message.dialect and not sender.dialect:
                sender.dialect = message.dialect
            sender.events += 1
            match_id = state.tracks.apply(track, message, received_ns, sender.events, day_id)
            board = track.board
            athlete, value, details = message.athlete, message.value, message.details
            kind = message.kind
            if kind == Kind.GAM_JEOM:
                if board.last_change is not None:
                    athlete, value = board.last_change
            elif board.linked:
                details = {**details, ("hits" if kind == Kind.POINT else "points"): board.linked}
            elif message.status in (Status.UNKNOWN, Status.MALFORMED):
                state.unknown.add(message.raw, received_ns)
            elif kind == Kind.DISCONNECT:
                state.senders.end(sender)
            rows.append(
                (
                    sender.pk,
                    sender.events,
                    court_id,
                    tournament_id,
                    day_id,
                    match_id,
                    message.stream,
                    kind,
                    athlete,
                    value,
                    message.round if message.round is not None else board.round,
                    message.clock_ms if message.clock_ms is not None else board.clock_ms,
                    json.dumps(details) if details else "{}",
                    message.raw,
                    message.status,
                    message.error,
                    received,
                )
            )
            filed.append((day_id, court_id, match_id, kind, message.status, received_ns))

    def _write_events(
        self,
        state: State,
        rows: list[tuple[Any, ...]],
        filed: list[tuple[int | None, int | None, int | None, str, str, int]],
    ) -> None:
        now_ns = time.time_ns()
        counts: dict[Key, list[float]] = {}
        for index, (day, court, match, kind, status, received_ns) in enumerate(filed):
            processing_ms = max((now_ns - received_ns) / 1e6, 0.0)
            rows[index] += (processing_ms,)
            key = (day, court, match, kind, status, received_ns // 60_000_000_000)
            if (count := counts.get(key)) is None:
                counts[key] = [1, processing_ms, processing_ms]
            else:
                count[0] += 1
                count[1] += processing_ms
                if processing_ms > count[2]:
                    count[2] = processing_ms
        bulk.insert_rows(connection, rows)
        state.tallies.write(counts)

    def _advance(self, state: State, after: Position, datagrams: int, notes: _Notes) -> None:
        now = time.monotonic()
        changes: dict[str, Any] = {
            "segment": after.segment,
            "offset": after.offset,
            "sequence": after.sequence,
            "stored": models.F("stored") + datagrams,
            "kernel_drops": models.F("kernel_drops") + notes.kernel_drops,
            "blind_ms": models.F("blind_ms") + notes.blind_ns // 1_000_000,
            "damaged": models.F("damaged") + self.reader.bad - self._bad_written,
            "context_id": state.applied,
            **notes.settings,
        }
        if now >= self._heartbeat_due:
            changes |= self._signs_of_life(state)
        expected = state.position.sequence if state.position else 0
        moved = ListenerNode.objects.filter(pk=state.node.pk, sequence=expected).update(**changes)
        if not moved:
            raise AnotherImporter(
                f"A second importer is at work on node “{self.node_name}”; stop one of them."
            )

    def _beat(self, state: State) -> None:
        """Once a second when idle: what a batch would do besides storing."""
        state.refresh_context()
        changes = self._signs_of_life(state) | {"context_id": state.applied}
        ListenerNode.objects.filter(pk=state.node.pk).update(**changes)
        state.senders.end_idle(time.time_ns())
        state.senders.write()

    def _signs_of_life(self, state: State) -> dict[str, Any]:
        self._heartbeat_due = time.monotonic() + HEARTBEAT_S
        state.senders.reload_courts()
        signs: dict[str, Any] = {"importer_seen_at": moment(time.time_ns())}
        if (recorder := recorder_state(self.directory)) is not None:
            signs["recorder_seen_at"] = moment(recorder.heartbeat_ns)
            signs["received"] = recorder.received
            signs["receive_buffer"] = recorder.receive_buffer
        return signs


class _Notes:
    """What the recorder wrote about itself in the records of one batch."""

    def __init__(self) -> None:
        self.count = 0
        self.kernel_drops = 0
        self.blind_ns = 0
        self.settings: dict[str, Any] = {}

    def read(self, payload: bytes) -> None:
        self.count += 1
        note = json.loads(payload)
        self.kernel_drops += note.get("kernel_drops", 0)
        self.blind_ns += note.get("blind_ns", 0)
        if note["note"] == "start":
            self.settings = {"listen": note["listen"], "receive_buffer": note["receive_buffer"]}


def _unreadable(payload: bytes, _: str) -> tuple[Message, ...]:
    """The last resort for a datagram that could not be filed: kept whole, not understood."""
    return (
        Message(
            "", Kind.UNKNOWN, 0, None, None, None, {}, escape(payload), "malformed", "could not be filed", ""
        ),
    )


def _is_about_the_data(error: DatabaseError) -> bool:
    """Whether trying again cannot help: a value the database refuses, not a database out of reach."""
    return isinstance(error, DataError | IntegrityError)
