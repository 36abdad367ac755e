"""The messages of a match or a file, ready to be played."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from events.archive.seeing import Event, events_of
from events.live.cards import Board
from events.live.rows import Row
from events.live.status import day_status
from events.models import Match
from events.models_replay import Replay
from events.reader import reader
from events.replay.files import known_files

# Messages that are played; with their texts about 1 KB each. A match has a thousand, a court 30,000 a day.
MOST_MESSAGES = 60_000


class RecordingError(Exception):
    """It cannot be played. The message is one sentence for people."""


@dataclass
class Recording:
    """`rows`, each at one of `times` (ms from the first); `courts` and `days` as in the live status."""

    rows: list[Row] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    courts: dict[int, dict[str, Any]] = field(default_factory=dict)
    days: dict[int, dict[str, Any]] = field(default_factory=dict)
    cut: bool = False  # there was more than `MOST_MESSAGES`
    # Number of messages -> the boards of the courts after them, as players passed there. Never changed.
    kept: dict[int, dict[int, Board]] = field(default_factory=dict)

    @property
    def duration_ms(self) -> int:
        return self.times[-1] if self.times else 0


def load(replay: Replay) -> Recording:
    """Reads it from the database, live or archived, or from its file. RecordingError, DatabaseError."""
    recording = _of_match(replay.match) if replay.match else _of_file(replay.file)
    if not recording.rows:
        raise RecordingError("There is no message in it that could be played.")
    first = recording.rows[0].received_us
    recording.times = [max((row.received_us - first) // 1000, 0) for row in recording.rows]
    return recording


def _of_match(match: Match) -> Recording:
    events = events_of(match, 0, MOST_MESSAGES + 1)
    rows = [_row_of(event, match.number) for event in events[:MOST_MESSAGES]]
    # Events of a match can be of another court than it is, as after a move.
    found = {match.court, *(event.court for event in events)}
    courts = {court.pk: {"number": court.number, "name": str(court)} for court in found if court}
    days = {match.day.pk: day_status(match.day)} if match.day else {}
    return Recording(rows, courts=courts, days=days, cut=len(events) > MOST_MESSAGES)


def _row_of(event: Event, number: str) -> Row:
    return Row._make(number if name == "match_number" else getattr(event, name) for name in Row._fields)


def _of_file(name: str) -> Recording:
    file = known_files().get(name)
    if file is None:
        raise RecordingError("The file is no longer there.")
    recording = Recording()
    try:
        _read(recording, file.path)
    except (ValueError, OSError) as error:
        raise RecordingError(f"It cannot be read: {error}") from None
    return recording


def _read(recording: Recording, path: Path) -> None:
    # Each sender is a court, numbered as they appear. Keys below 0 are of no row in the database.
    senders: dict[tuple[str, int], int] = {}
    for at_ns, source, port, messages in reader().recorded(path):
        court = senders.setdefault((source, port), -1 - len(senders))
        for message in messages:
            if len(recording.rows) >= MOST_MESSAGES:
                recording.cut = True
                return
            number = len(recording.rows) + 1
            recording.rows.append(_row(message, number, court, at_ns))
            recording.courts.setdefault(court, {"number": -court, "name": f"Court {-court}"})


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
