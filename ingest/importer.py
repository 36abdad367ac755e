"""From the journal to the database: each batch in one transaction together with its position.

The position says which record is next. It moves in the transaction that stores the records before
it, so a crash anywhere repeats or skips nothing. What the importer keeps in memory mirrors the
database; after any failed transaction it is thrown away and loaded again.
"""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from django.db import DataError, Error, IntegrityError, connection, connections, models, transaction

from events import bulk
from events.kinds import Kind, Status
from events.models import ListenerNode
from ingest.batch import Batch
from ingest.journal import JournalReader, Position, Record
from ingest.meter import Meter
from ingest.notes import Notes
from ingest.protocol import Message, escape, parse
from ingest.selftest import is_self_test
from ingest.senders import moment
from ingest.staging import recorder_state
from ingest.state import AnotherImporter, State
from ingest.tallies import ChangedMeanwhile

log = logging.getLogger(__name__)

# Under backlog a batch grows to this many records: beyond it a larger one gains nothing.
MAX_BATCH = 2_000
# Datagrams can be 65 kB: a batch of the largest must not fill the memory.
_MAX_BATCH_BYTES = 2_000_000
_READ_AT_ONCE = 100
# So often in a row may what is stored be changed under a batch before it waits like after a failure.
_MOST_CHANGES = 20
HEARTBEAT_S = 1.0
_RETRY_S = (0.2, 0.5, 1, 2, 5)
_WAITS = "Nothing is lost: it waits in the journal. Trying again."

Parse = Callable[[bytes, str], Iterable[Message]]

# An enumeration's member costs more to reach than all else that is compared for a message.
_GAM_JEOM, _POINT, _DISCONNECT = Kind.GAM_JEOM.value, Kind.POINT.value, Kind.DISCONNECT.value
_NOT_READ = frozenset((Status.UNKNOWN.value, Status.MALFORMED.value))
# A server that loses its power may forget the last commits, each whole: what they held is read from the
# journal again (docs/adr/0006-importer-commits.md).
_TELL = "SET LOCAL synchronous_commit TO off; NOTIFY restrike_events"
_to_json = msgspec.json.Encoder().encode


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
        self.meter = Meter(node_name, directory)
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
        self.meter.tick(write=self._state is not None, over=True)

    def drain(self) -> int:
        """Imports all that the journal holds; returns the number of records. Stops at a failure."""
        total = 0
        while records := self.step(patient=False):
            total += records
        return total

    @property
    def failing(self) -> bool:
        """Whether the last step failed."""
        return self._failures > 0

    def step(self, *, patient: bool = True) -> int:
        """Imports the next batch, or notes that we live; returns the number of records imported.

        `patient`: let a small batch fill until `flush_ms` after its first datagram.
        """
        self.meter.tick(write=self._state is not None)
        try:
            records, position = self._next_batch(patient)
            imported = self._import(records, position) if records else 0
            if not records:
                self._singly = 0
                if self._state and time.monotonic() >= self._heartbeat_due:
                    began = time.perf_counter()
                    with transaction.atomic():
                        self._beat(self.state)
                    self.meter.rested(time.perf_counter() - began)
        except Exception as error:
            self._recover(error)
            return 0
        if self._failures:
            log.warning("Storing works again.")
            self._failures = 0
        # A batch that failed as a whole is tried again at once, one record at a time.
        return imported if imported or not records else self.step(patient=False)

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
        records, after = self._read(self.state.position, limit)
        if patient and 0 < len(records) < self.batch_size and not self._singly:
            # By the monotonic clock: one set back must not hold a batch for longer than a flush takes.
            left_ns = records[0].received_ns + self.flush_ns - time.time_ns()
            due = time.monotonic() + min(left_ns, self.flush_ns) / 1e9
            while len(records) < self.batch_size and (left := due - time.monotonic()) > 0:
                if self.stop.is_set():
                    break
                self._wait(left, until_full=True)
                more, after = self._read(after, MAX_BATCH - len(records))
                records += more
        return records, after

    def _read(self, position: Position | None, limit: int) -> tuple[list[Record], Position]:
        records: list[Record] = []
        size = 0
        while True:
            asked = min(limit - len(records), _READ_AT_ONCE)
            more, position = self.reader.read(position, asked)
            records += more
            size += sum(len(record.payload) for record in more)
            if len(more) < asked or len(records) >= limit or size >= _MAX_BATCH_BYTES:
                return records, position

    def _wait(self, seconds: float, *, until_full: bool = False) -> None:
        if until_full:
            # Datagrams come one by one here; waking for each would only cost.
            time.sleep(min(seconds, 0.005))
        elif self.wake_fd is None:
            self.stop.wait(min(seconds, 0.005))
        else:
            wake = select.poll()
            wake.register(self.wake_fd, select.POLLIN)
            if wake.poll(seconds * 1000) and not os.read(self.wake_fd, 65536):
                # The supervisor is gone; nobody will ever wake us again.
                self.stop.set()

    def _recover(self, error: Exception) -> None:
        self._state = None
        with suppress(Error):
            connections.close_all()
        pause = _RETRY_S[min(self._failures, len(_RETRY_S) - 1)]
        self._failures += 1
        if self._failures == 1 or self._failures % 10 == 0:
            if isinstance(error, AnotherImporter):
                log.error("%s", error)
            elif isinstance(error, ChangedMeanwhile):
                log.warning("What is stored is changed again and again. %s", _WAITS)
            elif isinstance(error, Error):
                said = " ".join(str(error).split()) or type(error).__name__
                log.error("Cannot write to the database (%s). %s", said, _WAITS)
            else:
                log.error("A batch cannot be stored. %s", _WAITS, exc_info=error)
        self.stop.wait(pause)

    # --- One batch --------------------------------------------------------------------------------

    def _import(self, records: list[Record], after: Position) -> int:
        """Returns the number of records stored: all, or 0 when they have to be tried one at a time.

        A record that breaks its batch must not block the queue. Alone it is stored as it is, or not
        understood, or without its text.
        """
        alone = len(records) == 1
        what = f"Record {records[0].sequence}" if alone else f"A batch of {len(records)} records"
        ways: list[Parse] = [parse, _unreadable, _left_out(records[0])] if alone else [parse]
        before = self.state.position
        changes = 0
        while ways:
            try:
                if self.state.position != before:
                    raise AnotherImporter("Some of the batch has been stored by a second importer meanwhile.")
                self.import_batch(records, after, ways[0])
                self._singly = max(self._singly - 1, 0)
                return len(records)
            except ChangedMeanwhile:
                # Nothing failed: what was changed is read anew, and the batch stored once more.
                self._state = None
                changes += 1
                if changes == _MOST_CHANGES:
                    raise
            except Exception as error:
                ways.pop(0)
                if not _is_about_the_data(error) or (alone and not ways):
                    raise
                self._state = None
                log.warning("%s cannot be stored as it is.", what, exc_info=error)
        self._singly = len(records)
        return 0

    def import_batch(self, records: list[Record], after: Position, parse: Parse) -> None:
        """Stores the records, those from `state.position` on, and the position after them together."""
        state = self.state
        with transaction.atomic():
            state.refresh_context()
            notes = Notes(record for record in records if record.local_port == 0)
            beat = time.monotonic() >= self._heartbeat_due
            # First of all, so that of two importers one waits for the other here, and then gives up.
            self._advance(state, after, len(records) - notes.count, notes)
            batch = Batch()
            tests = 0
            for record in records:
                if record.local_port == 0:
                    continue
                if is_self_test(record):
                    tests += 1
                else:
                    self._file(state, record, parse, batch)
            if tests:
                ListenerNode.objects.filter(pk=state.node.pk).update(tests=models.F("tests") + tests)
            began = time.perf_counter()
            if batch.values:
                bulk.insert_values(connection, batch.finish())
                state.tallies.write(batch.totals)
            if beat:
                # By the stream's own time: what waited in the journal is not silence.
                state.senders.end_idle(records[-1].received_ns)
            state.senders.write()
            state.tracks.write()
            if beat:
                state.tracks.store_boards()
            state.unknown.write()
            notes.write_losses(self.node_name)
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute(_TELL)
        state.position = after
        self._bad_written = self.reader.bad
        self.meter.stored(batch.totals, batch.received_ns, time.perf_counter() - began)
        self.meter.lost(notes.kernel_drops, notes.blind_ms)

    def _file(self, state: State, record: Record, parse: Parse, batch: Batch) -> None:
        """Turns one datagram into event rows."""
        # To the microsecond, as it is stored: a restart folds stored events and must find the same.
        received_ns = record.received_ns // 1000 * 1000
        key = record[2:5]
        is_json = record.payload[:1] == b"{"
        speaking = batch.speaking.get(key)
        if speaking is None or not speaking[0].goes_on(received_ns, state.senders.idle_ns):
            sender = state.senders.of(key, received_ns, is_json=is_json)
            speaking = batch.speaking[key] = (sender, state.tracks.of(sender))
        sender, track = speaking
        outputs = track.outputs
        if track.session_id != sender.pk and not (is_json and outputs.text_speaks(received_ns)):
            track.hear(sender.pk)
        if track.speaker is not sender and not is_json:
            if track.speaker is None or track.speaker.ended or track.speaker.pk < sender.pk:
                track.speaker = sender
            elif not sender.concurrent:
                state.senders.mark_concurrent(sender, track.speaker)
        court_id, dialect = sender.court_id, sender.dialect
        day_id, tournament_id = state.day_at(court_id, received_ns)
        apply = state.tracks.apply
        for message in parse(record.payload, dialect):
            if not dialect and message.dialect:
                sender.dialect = dialect = message.dialect
            message = outputs.hear(message, received_ns)
            sequence = sender.events = sender.events + 1
            match_id = apply(track, message, received_ns, sequence, day_id)
            board = track.board
            athlete, value, details = message.athlete, message.value, message.details
            kind, status = message.kind, message.status
            if kind == _GAM_JEOM:
                if board.last_change is not None:
                    athlete, value = board.last_change
            elif board.linked:
                details = {**details, ("hits" if kind == _POINT else "points"): board.linked}
            elif status in _NOT_READ:
                state.unknown.add(message.raw, received_ns)
            elif kind == _DISCONNECT:
                state.senders.end(sender)
            batch.received_ns.append(received_ns)
            batch.values += (
                sender.pk,
                sequence,
                court_id,
                tournament_id,
                day_id,
                match_id,
                message.stream,
                kind,
                athlete,
                value,
                board.round if message.round is None else message.round,
                board.clock_ms if message.clock_ms is None else message.clock_ms,
                _to_json(details).decode() if details else "{}",
                message.raw,
                status,
                message.error,
                None,  # when it was received, and its processing time: when the batch is finished
                None,
            )
        track.told = sender.pk, sender.events

    def _advance(self, state: State, after: Position, datagrams: int, notes: Notes) -> None:
        beat = time.monotonic() >= self._heartbeat_due
        damaged = self.reader.bad - self._bad_written
        if not (beat or damaged or notes.count):
            state.advance(after, datagrams)
            return
        changes: dict[str, Any] = {
            "segment": after.segment,
            "offset": after.offset,
            "sequence": after.sequence,
            "stored": models.F("stored") + datagrams,
            "kernel_drops": models.F("kernel_drops") + notes.kernel_drops,
            "blind_ms": models.F("blind_ms") + notes.blind_ms,
            "damaged": models.F("damaged") + damaged,
            "context_id": state.applied,
            **notes.settings,
        }
        if beat:
            changes |= self._signs_of_life(state)
        state.move_position(**changes)

    def _beat(self, state: State) -> None:
        """Once a second when idle: what a batch would do besides storing."""
        state.refresh_context()
        state.senders.end_idle(time.time_ns())
        changes = self._signs_of_life(state)
        # First the guard, so that a second importer never overwrites what the first knows better.
        state.move_position(**changes, context_id=state.applied)
        state.senders.write()
        state.tracks.store_boards()

    def _signs_of_life(self, state: State) -> dict[str, Any]:
        self._heartbeat_due = time.monotonic() + HEARTBEAT_S
        state.senders.reload_courts()
        signs: dict[str, Any] = {
            "importer_seen_at": moment(time.time_ns()),
            "rate": self.meter.beat(),
            "clocks": state.tracks.running_clocks(),
        }
        if (recorder := recorder_state(self.directory)) is not None:
            signs["recorder_seen_at"] = moment(recorder.heartbeat_ns)
            signs["received"] = recorder.received
            signs["receive_buffer"] = recorder.receive_buffer
        return signs


def _unreadable(payload: bytes, _: str) -> tuple[Message, ...]:
    """For a datagram that could not be filed: kept whole, not understood."""
    return (
        Message("", Kind.UNKNOWN, raw=escape(payload), status=Status.MALFORMED, error="could not be filed"),
    )


def _left_out(record: Record) -> Parse:
    """The last resort for a datagram whose very text the database refuses: where to find it."""
    error = f"the database refuses its text; it is record {record.sequence} of the journal"
    return lambda payload, dialect: (Message("", Kind.UNKNOWN, status=Status.MALFORMED, error=error),)


def _is_about_the_data(error: Exception) -> bool:
    """Whether trying again cannot help: a value that cannot be stored, not a database out of reach."""
    if isinstance(error, DataError | IntegrityError):
        return True
    # What else a database says is about itself; anything else at all is about the message.
    return not isinstance(error, Error | AnotherImporter | OSError)
