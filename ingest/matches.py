"""Which match an event belongs to, and keeping the match's row in step with the stream.

One `Track` per court folds its messages into a scoreboard. A match opens at its load; one met in its
middle opens with the first message that only a match can send.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db import connection

from events.kinds import Kind
from events.models import Athlete, Match, PssEvent
from events.scoreboard import Scoreboard
from ingest.senders import Sender, moment, nanoseconds

# After this long without a word, what comes next is not the same match.
MATCH_SILENCE_NS = 3 * 3600 * 1_000_000_000

# Messages that a sender can send without any match being loaded.
_OUTSIDE_A_MATCH = frozenset({Kind.CONNECT, Kind.DISCONNECT, Kind.SETTINGS, Kind.HARDWARE, Kind.UNKNOWN})

_ATHLETES_REMEMBERED = 2048
_TRACKS_KEPT = 256


_COLUMNS = {field.attname: field for field in Match._meta.concrete_fields}


@lru_cache(maxsize=4)
def _update_statement(names: tuple[str, ...]) -> str:
    columns = ", ".join(f'"{_COLUMNS[name].column}" = %s' for name in names)
    return f"UPDATE {Match._meta.db_table} SET {columns} WHERE id = %s"  # noqa: S608  columns of the model


class Track:
    """The match on one court."""

    __slots__ = (
        "board",
        "court_id",
        "day_id",
        "last_ns",
        "match_id",
        "previous",
        "previous_id",
        "session_id",
        "speaker",
        "written",
    )

    def __init__(self, court_id: int | None) -> None:
        self.court_id = court_id
        self.board = Scoreboard()
        self.match_id: int | None = None
        self.day_id: int | None = None
        self.last_ns = 0
        self.written = self.board.version
        # The match before, and what of it has been written: its end can show after the next one's load.
        self.previous_id: int | None = None
        self.previous: dict[str, Any] | None = None
        self.speaker: Sender | None = None
        self.session_id: int | None = None

    @classmethod
    def resume(cls, sender: Sender) -> Track:
        """The match in progress folded again from its stored events, so that a restart changes nothing."""
        track = cls(sender.court_id)
        matches = _last_matches(sender)
        if not matches:
            return track
        for match in matches:
            for event in PssEvent.objects.filter(match=match).order_by("id").iterator():
                track.hear(event.session_id)
                track.last_ns = nanoseconds(event.received_at)
                track.board.apply(event, track.last_ns, event.sequence)
        match = matches[-1]
        track.match_id, track.day_id = match.pk, match.day_id
        track.last_ns = track.last_ns or nanoseconds(match.loaded_at)
        track.written = track.board.version
        track.previous = track.board.previous
        track.previous_id = matches[0].pk if len(matches) > 1 else None
        return track

    def hear(self, session_id: int) -> None:
        """Says whose message comes next: sequences, by which hits are linked, are a session's own."""
        if session_id != self.session_id:
            if self.session_id is not None:
                self.board.start_session()
            self.session_id = session_id

    def belongs_to_a_match(self, kind: str) -> bool:
        return self.match_id is not None or kind not in _OUTSIDE_A_MATCH


def _last_matches(sender: Sender) -> list[Match]:
    """The last match of the sender's court, after the one before where its end still matters."""
    if sender.court_id is None:
        # A sender without a court has a scoreboard of its own.
        last = PssEvent.objects.filter(session=sender.pk).exclude(match=None).order_by("-sequence").first()
        return [last.match] if last is not None and last.match is not None else []
    matches = list(Match.objects.filter(court=sender.court_id).order_by("-loaded_at", "-id")[:2])
    if len(matches) == 2:
        first = (
            PssEvent.objects.filter(match=matches[0]).order_by("id").values_list("kind", flat=True).first()
        )
        # Only a load takes over what was known: answers about the match before must not be believed.
        if first not in (Kind.LOAD, Kind.MATCH):
            matches.pop()
    return matches[::-1]


class Tracks:
    """The matches in progress on all courts of one listener node."""

    def __init__(self) -> None:
        self._tracks: dict[int | tuple[int, ...], Track] = {}
        self._changed: dict[int, Track] = {}
        self._athletes: dict[tuple[str, str], int] = {}

    def of(self, sender: Sender) -> Track:
        key = sender.court_id if sender.court_id is not None else (sender.pk,)
        track = self._tracks.get(key)
        if track is None:
            track = self._tracks[key] = Track.resume(sender)
        return track

    def apply(
        self, track: Track, message: Any, received_ns: int, sequence: int, day_id: int | None
    ) -> int | None:
        """Folds the message in; returns the id of the match it belongs to, None when it has none."""
        if track.match_id is not None and received_ns - track.last_ns > MATCH_SILENCE_NS:
            self.write_match(track)
            track.board, track.match_id, track.previous, track.previous_id = Scoreboard(), None, None, None
        track.last_ns = received_ns
        board = track.board
        serial = board.match_serial
        board.apply(message, received_ns, sequence)
        if board.match_serial != serial or (
            track.match_id is None and track.belongs_to_a_match(message.kind)
        ):
            track.previous_id = track.match_id
            self._open(track, received_ns, day_id)
        elif track.match_id is not None and track.day_id is None and day_id is not None:
            self._give_day(track.match_id, track, day_id)
        if board.previous is not track.previous and board.previous != track.previous:
            # Its last messages and the load of the next can come in any order.
            track.previous = board.previous
            if track.previous_id is not None and board.previous is not None:
                self._write(track.previous_id, board.previous)
        if board.version != track.written and track.match_id is not None:
            self._changed[track.match_id] = track
        return track.match_id

    def write(self) -> None:
        """Writes every match that changed since the last call; the events must be stored already."""
        for track in list(self._changed.values()):
            self.write_match(track)
        self._changed.clear()
        if len(self._tracks) > _TRACKS_KEPT:
            # Whoever scans ports must not fill the memory; one who speaks again is resumed.
            self._tracks = {key: track for key, track in self._tracks.items() if isinstance(key, int)}

    def write_match(self, track: Track) -> None:
        board = track.board
        if track.match_id is None or board.version == track.written:
            return
        self._write(track.match_id, board.match_fields())
        track.written = board.version
        self._changed.pop(track.match_id, None)

    def _write(self, match_id: int, told: dict[str, Any]) -> None:
        fields = dict(told)
        for side in ("blue", "red"):
            who = fields.pop(side)
            fields[f"{side}_id"] = self._athlete(*who) if who else None
        # When it was loaded is ours: the day is chosen by it.
        del fields["loaded_ns"]
        for name in ("started", "ended"):
            time_ns = fields.pop(f"{name}_ns")
            fields[f"{name}_at"] = moment(time_ns) if time_ns else None
        # Django builds the text of an update anew each time, which takes longer than the update.
        values = [_COLUMNS[name].get_db_prep_save(value, connection) for name, value in fields.items()]
        with connection.cursor() as cursor:
            cursor.execute(_update_statement(tuple(fields)), [*values, match_id])

    def _open(self, track: Track, received_ns: int, day_id: int | None) -> None:
        match = Match.objects.create(court_id=track.court_id, day_id=day_id, loaded_at=moment(received_ns))
        track.match_id, track.day_id = match.pk, day_id
        track.written = -1

    def _give_day(self, match_id: int, track: Track, day_id: int) -> None:
        """A match loaded before any day was active belongs to the first day it meets."""
        Match.objects.filter(pk=match_id, day=None).update(day=day_id)
        track.day_id = day_id

    def _athlete(self, name: str, short_name: str, country: str) -> int | None:
        if not name:
            return None
        key = (name, country)
        if key not in self._athletes:
            if len(self._athletes) >= _ATHLETES_REMEMBERED:
                self._athletes.clear()
            athlete, _ = Athlete.objects.get_or_create(
                name=name, country=country, defaults={"short_name": short_name}
            )
            self._athletes[key] = athlete.pk
        return self._athletes[key]
