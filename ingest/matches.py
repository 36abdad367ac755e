"""Which match an event belongs to, and keeping the match's row in step with the stream.

One `Track` per court folds its messages into a scoreboard. A match opens at its load; one met in its
middle opens with the first message that only a match can send.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from itertools import chain
from typing import Any

from django.db import connection

from events.board_json import to_json
from events.kinds import Kind
from events.match_state import to_ns
from events.models import Athlete, Match, PssEvent, StoredBoard
from events.scoreboard import Scoreboard
from ingest.outputs import Outputs
from ingest.senders import Sender, moment
from ingest.tallies import ChangedMeanwhile

# After this long without a word, what comes next is not the same match.
MATCH_SILENCE_NS = 3 * 3600 * 1_000_000_000
# Nor after so many messages: twenty times those of a real one. A restart folds a match from its first
# event on, which for a sender that never loads one would take longer with every hour.
MOST_MESSAGES = 50_000

# Messages that a sender can send without any match being loaded.
_OUTSIDE_A_MATCH = frozenset(
    {Kind.CONNECT, Kind.DISCONNECT, Kind.SETTINGS, Kind.HARDWARE, Kind.ECHO, Kind.UNKNOWN}
)

_ATHLETES_REMEMBERED = 2048
_TRACKS_KEPT = 256


_KEYS = f"SELECT id, session_id, sequence FROM {PssEvent._meta.db_table} WHERE "  # noqa: S608
_KEY = "(session_id = %s AND sequence = %s)"

_COLUMNS = {field.attname: field for field in Match._meta.concrete_fields}


@lru_cache(maxsize=4)
def _update_statement(names: tuple[str, ...]) -> str:
    # Django builds the text of an update anew each time, which takes longer than the update.
    columns = ", ".join(f'"{_COLUMNS[name].column}" = %s' for name in names)
    return f"UPDATE {Match._meta.db_table} SET {columns} WHERE id = %s AND recounts = %s"  # noqa: S608  columns


def _prepared(fields: dict[str, Any]) -> list[Any]:
    """The values as the database takes them."""
    return [_COLUMNS[name].get_db_prep_save(value, connection) for name, value in fields.items()]


class Track:
    """The match on one court."""

    __slots__ = (
        "board",
        "counted",
        "court_id",
        "day_id",
        "last_ns",
        "match_id",
        "messages",
        "outputs",
        "previous",
        "previous_row",
        "recounts",
        "session_id",
        "speaker",
        "stored",
        "told",
        "written",
    )

    def __init__(self, court_id: int | None) -> None:
        self.court_id = court_id
        self.board = Scoreboard()
        self.outputs = Outputs()
        self.match_id: int | None = None
        self.recounts = 0  # of this match, as its row had them when it was read
        self.messages = 0  # of this match
        self.day_id: int | None = None
        self.last_ns = 0
        # What of the board has been written: its version, and how many hits and points.
        self.written = self.board.version
        self.counted = self.board.counted
        # Session and sequence of the last event, and of the last whose board has been stored.
        self.told = self.stored = (0, 0)
        # The match before, and what of it has been written: its end can show after the next one's load.
        self.previous_row: tuple[int, int] | None = None  # its id and recounts
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
            track.messages = 0
            # Django lets through what psycopg says when the server goes while its cursor is closed.
            with connection.wrap_database_errors:
                for event in PssEvent.objects.filter(match=match).order_by("id").iterator():
                    track.messages += 1
                    track.last_ns = to_ns(event.received_at)
                    track.outputs.follow(event, track.last_ns)
                    if event.kind != Kind.ECHO:
                        track.hear(event.session_id)
                    track.board.apply(event, track.last_ns, event.sequence)
        match = matches[-1]
        track.match_id, track.recounts, track.day_id = match.pk, match.recounts, match.day_id
        track.last_ns = track.last_ns or to_ns(match.loaded_at)
        track.written, track.counted = track.board.version, track.board.counted
        track.previous = track.board.previous
        if len(matches) > 1:
            track.previous_row = matches[0].pk, matches[0].recounts
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
        match_id, board = track.match_id, track.board
        if match_id is not None and (
            received_ns - track.last_ns > MATCH_SILENCE_NS or track.messages >= MOST_MESSAGES
        ):
            self.write_match(track)
            board = track.board = Scoreboard()
            track.match_id = track.previous = track.previous_row = None
            match_id = None
        track.last_ns = received_ns
        track.messages += 1
        version, serial = board.version, board.match_serial
        board.apply(message, received_ns, sequence)
        if match_id is not None and board.version == version and board.previous is track.previous:
            # Nothing new for any match's row but its figures; nearly all messages say so little.
            if board.counted != track.counted:
                self._changed[match_id] = track
            if track.day_id is None and day_id is not None:
                self._give_day(match_id, track, day_id)
            return match_id
        if board.match_serial != serial or (match_id is None and track.belongs_to_a_match(message.kind)):
            track.previous_row = None if match_id is None else (match_id, track.recounts)
            track.previous = None  # what was written was of the match before that, however alike
            self._open(track, received_ns, day_id)
        elif match_id is not None and track.day_id is None and day_id is not None:
            self._give_day(match_id, track, day_id)
        if board.previous is not track.previous and board.previous != track.previous:
            # Its last messages and the load of the next can come in any order.
            track.previous = board.previous
            if track.previous_row is not None and board.previous is not None:
                self._update(track.previous_row, self._columns(board.previous))
        if (board.version != track.written or board.counted != track.counted) and track.match_id is not None:
            self._changed[track.match_id] = track
        return track.match_id

    def running_clocks(self) -> list[int]:
        """The courts on which the match clock runs, as far as was heard."""
        return sorted(
            key for key, track in self._tracks.items() if isinstance(key, int) and track.board.clock_running
        )

    def write(self) -> None:
        """Writes every match that changed since the last call; the events must be stored already."""
        # Together where they tell of the same columns: to PostgreSQL each would be a message there and back.
        alike: dict[tuple[str, ...], list[list[Any]]] = defaultdict(list)
        # A court may have gone on to its next match meanwhile: what counts is the one it is at now.
        for track in self._changed.values():
            if track.match_id is not None and (fields := self._news(track)):
                alike[tuple(fields)].append([*_prepared(fields), track.match_id, track.recounts])
        self._changed.clear()
        for names, rows in alike.items():
            self._put(names, rows)
        if len(self._tracks) > _TRACKS_KEPT:
            # Whoever scans ports must not fill the memory; one who speaks again is resumed.
            self._tracks = {key: track for key, track in self._tracks.items() if isinstance(key, int)}

    def store_boards(self) -> None:
        """Stores the scoreboard of each court that heard something since the last call; after the events."""
        # In one order, so that two importers on one database never wait for each other.
        heard = {
            track.told: (court_id, track.match_id, track)
            for court_id, track in sorted(
                (key, one) for key, one in self._tracks.items() if isinstance(key, int)
            )
            if track.told != track.stored and track.match_id is not None
        }
        if not heard:
            return
        with connection.cursor() as cursor:
            cursor.execute(_KEYS + " OR ".join([_KEY] * len(heard)), [*chain.from_iterable(heard)])
            # Those that have not been archived meanwhile.
            keys = {(session_id, sequence): pk for pk, session_id, sequence in cursor.fetchall()}
        StoredBoard.objects.bulk_create(
            [
                StoredBoard(
                    court_id=court_id,
                    match_id=match_id,
                    recounts=track.recounts,
                    event_id=keys[told],
                    heard_at=moment(track.last_ns),
                    state=to_json(track.board),
                )
                for told, (court_id, match_id, track) in heard.items()
                if told in keys
            ],
            update_conflicts=True,
            unique_fields=["court_id"],
            update_fields=["match_id", "recounts", "event_id", "heard_at", "state"],
        )
        for _, _, track in heard.values():
            track.stored = track.told

    def write_match(self, track: Track) -> None:
        if track.match_id is not None and (fields := self._news(track)):
            self._update((track.match_id, track.recounts), fields)
            self._changed.pop(track.match_id, None)

    def _news(self, track: Track) -> dict[str, Any]:
        """The columns that changed since the match was written last; it counts as written now."""
        board = track.board
        fields: dict[str, Any] = {}
        if board.version != track.written:
            fields = self._columns(board.match_fields())
        elif board.counted != track.counted:
            # Most batches bring hits and nothing else.
            fields = {"figures": board.figures()}
        track.written, track.counted = board.version, board.counted
        return fields

    def _columns(self, told: dict[str, Any]) -> dict[str, Any]:
        """What a scoreboard tells of a match as columns of its row."""
        fields = dict(told)
        for side in ("blue", "red"):
            who = fields.pop(side)
            fields[f"{side}_id"] = self._athlete(*who) if who else None
        # When it was loaded is ours: the day is chosen by it.
        del fields["loaded_ns"]
        for name in ("started", "ended"):
            time_ns = fields.pop(f"{name}_ns")
            fields[f"{name}_at"] = moment(time_ns) if time_ns else None
        return fields

    def _update(self, row: tuple[int, int], fields: dict[str, Any]) -> None:
        self._put(tuple(fields), [[*_prepared(fields), *row]])

    @staticmethod
    def _put(names: tuple[str, ...], rows: list[list[Any]]) -> None:
        """Each row is the values of these columns, then the match's id and recounts."""
        with connection.cursor() as cursor:
            cursor.executemany(_update_statement(names), rows)
            if cursor.rowcount != len(rows):
                raise ChangedMeanwhile

    def _open(self, track: Track, received_ns: int, day_id: int | None) -> None:
        match = Match.objects.create(court_id=track.court_id, day_id=day_id, loaded_at=moment(received_ns))
        track.match_id, track.recounts, track.day_id = match.pk, match.recounts, day_id
        track.messages = 1
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
