"""The messages of a match or a file, ready to be played from anywhere in them, in bounded memory."""

from __future__ import annotations

import logging
import pickle
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event as Signal
from threading import Lock, Thread
from typing import Any, NamedTuple

from django.conf import settings

from events.archive.seeing import Event, events_of
from events.live.cards import Board
from events.live.rows import Row
from events.live.status import day_status
from events.models import Match
from events.models_replay import Replay
from events.reader import reader
from events.replay.files import known_files
from tournaments.models import Court

logger = logging.getLogger(__name__)

# Messages are put aside so many at a time, with the boards before them: no way to a position is much longer.
CHUNK = 1_000
# More than any match has: the recorder begins a new one after 50,000.
MATCH_MESSAGES = 1_000_000
# Each has a board in every chunk. A file with more senders than a hall has courts is one of a flood.
MOST_COURTS = 64


class RecordingError(Exception):
    """It cannot be played. The message is one sentence for people."""


class StillReading(RecordingError):
    """It cannot be played yet."""


def no_place(error: OSError) -> RecordingError:
    """What people are told when a recording cannot be put aside."""
    where = settings.RESTRIKE_VAR
    return RecordingError(
        f"To be played it is written anew in {where}, which is not possible: {error.strerror}."
    )


class Chunk(NamedTuple):
    """`rows`, each at one of `times` (ms from the first message), and the boards of courts before them."""

    boards: dict[int, Board]
    rows: list[Row]
    times: list[int]


class Recording:
    """All messages lie in a file without a name, that goes with the process; in memory is where chunks begin.

    `courts` and `days` are as in the live status, `fraction` says how much is read (0 to 1), `left_out` that
    there are more senders than are played. RecordingError: there is no place for it.
    """

    def __init__(self, *, days: dict[int, dict[str, Any]] | None = None) -> None:
        self.courts: dict[int, dict[str, Any]] = {}
        self.days = days or {}
        self.began_us = 0
        self.duration_ms = 0
        self.fraction = 0.0
        self.left_out = False
        self.unwanted = False  # whoever reads it may stop
        self._trouble = ""
        self._read = Signal()
        try:
            # Its own directory: elsewhere temporary files may lie in memory.
            self._file = TemporaryFile(dir=settings.RESTRIKE_VAR)  # noqa: SIM115  as long as the recording
        except OSError as error:
            raise no_place(error) from error
        self._lock = Lock()
        self._starts: list[int] = []
        self._places: list[tuple[int, int]] = []

    def fill(self, rows: Iterable[Row]) -> None:
        """Takes in all messages, in their order; whoever waits is told at the end, however it comes."""
        try:
            self._fill(rows)
            if not self._starts:
                self._trouble = "There is no message in it that could be played."
        except RecordingError as error:
            self._trouble = str(error)
        except (ValueError, OSError) as error:
            self._trouble = f"It cannot be read: {error}"
        except Exception:
            self._trouble = "It cannot be read."
            logger.exception("A recording could not be read.")
        finally:
            self._read.set()

    def wait(self, patience_s: float) -> None:
        """Until all is read. StillReading after `patience_s`, RecordingError."""
        if not self._read.wait(patience_s):
            raise StillReading(f"The file is being read: {self.fraction:.0%}.")
        if self._trouble:
            raise RecordingError(self._trouble)

    def chunk_at(self, position: int) -> int:
        """The number of the chunk with the last message at or before `position` (ms)."""
        return max(bisect_right(self._starts, position) - 1, 0)

    def chunk(self, number: int) -> Chunk:
        """For the caller alone: its boards may be played on."""
        offset, size = self._places[number]
        with self._lock:
            self._file.seek(offset)
            data = self._file.read(size)
        return Chunk._make(pickle.loads(zlib.decompress(data)))  # noqa: S301  written by this process

    def _fill(self, rows: Iterable[Row]) -> None:
        boards: dict[int, Board] = {}
        held: list[Row] = []
        times: list[int] = []
        for row in rows:
            if not (self._starts or held):
                self.began_us = row.received_us
            # A clock that was set back does not turn the order round.
            self.duration_ms = max(self.duration_ms, (row.received_us - self.began_us) // 1000)
            held.append(row)
            times.append(self.duration_ms)
            if len(held) == CHUNK:
                self._put(Chunk(boards, held, times))
                held, times = [], []
                if self.unwanted:
                    return
        if held:
            self._put(Chunk(boards, held, times))

    def _put(self, chunk: Chunk) -> None:
        """Writes a chunk, and plays its messages on its boards, which are then those before the next."""
        data = zlib.compress(pickle.dumps(tuple(chunk), pickle.HIGHEST_PROTOCOL), 1)
        try:
            self._places.append((self._file.tell(), self._file.write(data)))
            self._file.flush()
        except OSError as error:
            raise no_place(error) from error
        self._starts.append(chunk.times[0])
        for row in chunk.rows:
            if row.court_id is not None:
                chunk.boards.setdefault(row.court_id, Board()).apply(row)


def load(replay: Replay) -> Recording:
    """Reads a match, live or archived; begins to read a file. RecordingError, DatabaseError."""
    if replay.match:
        return _of_match(replay.match)
    file = known_files().get(replay.file)
    if file is None:
        raise RecordingError("The file is no longer there.")
    recording = Recording()
    rows = _read(recording, file.path, reader().court_finder(), Court.objects.in_bulk())
    # A daemon: the end of the process does not wait for it.
    Thread(target=recording.fill, args=[rows], name="recording", daemon=True).start()
    return recording


def _of_match(match: Match) -> Recording:
    events = events_of(match, 0, MATCH_MESSAGES)
    recording = Recording(days={match.day.pk: day_status(match.day)} if match.day else {})
    # Events of a match can be of another court than it is, as after a move.
    for court in {match.court, *(event.court for event in events)}:
        if court:
            recording.courts[court.pk] = _about(court)
    recording.fill(_row_of(event, match.number) for event in events)
    return recording


def _row_of(event: Event, number: str) -> Row:
    return Row._make(number if name == "match_number" else getattr(event, name) for name in Row._fields)


def _about(court: Court) -> dict[str, Any]:
    return {"number": court.number, "name": str(court)}


def _read(
    recording: Recording, path: Path, find: Callable[[int, str], int | None], known: dict[int, Court]
) -> Iterator[Row]:
    # A sender whose court is not known is one of its own. Keys below 0 are of no row in the database.
    senders: dict[tuple[str, int], int] = {}
    highest = max((court.number for court in known.values()), default=0)
    unknown = number = 0
    recorded = reader().recorded(path)
    for at_ns, source, port, messages in recorded:
        if (court := senders.get((source, port), 0)) == 0:
            if len(senders) == MOST_COURTS:
                recording.left_out = True
                continue
            found = known.get(find(port, source) or 0)
            if found is None:
                unknown += 1
                court, about = -unknown, {"number": highest + unknown, "name": f"Court {highest + unknown}"}
            else:
                court, about = found.pk, _about(found)
            senders[source, port] = court
            recording.courts[court] = about
        for message in messages:
            number += 1
            if number % CHUNK == 1:
                recording.fraction = recorded.fraction()
            yield _row(message, number, court, at_ns)


def _row(message: Any, number: int, court: int, at_ns: int) -> Row:
    given: dict[str, Any] = dict.fromkeys(Row._fields)
    for name in (
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
    ):
        given[name] = getattr(message, name)
    given |= {
        "id": -number,
        "session_id": -court,
        "sequence": number,
        "court_id": court,
        "received_at": datetime.fromtimestamp(at_ns / 1e9, UTC),
    }
    return Row(**given)
