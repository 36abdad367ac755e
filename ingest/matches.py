"""Which match an event belongs to, and keeping the match's row in step with the stream.

One `Track` per court folds its messages into a scoreboard. A match opens at its load; one met in its
middle opens with the first message that only a match can send.
"""

from __future__ import annotations

from typing import Any

from events.scoreboard import Scoreboard

from events.kinds import Kind
from events.models import Athlete, Match, PssEvent
from ingest.senders import Sender, moment, nanoseconds

# After this long without a word, what comes next is not the same match.
MATCH_SILENCE_NS = 3 * 3600 * 1_000_000_000

# Messages that a sender can send without any match being loaded.
_OUTSIDE_A_MATCH = frozenset({Kind.CONNECT, Kind.DISCONNECT, Kind.SETTINGS, Kind.HARDWARE, Kind.UNKNOWN})

_ATHLETES_REMEMBERED = 2048


class Track:
    """The match on one court."""

    __slots__ = ("board", "court_id", "day_id", "last_ns", "match_id", "speaker", "written")

    def __init__(self, court_id: int | None) -> None:
        self.court_id = court_id
        self.board = Scoreboard()
        self.match_id: int | None = None
        self.day_id: int | None = None
        self.last_ns = 0
        self.written = self.board.version
        self.speaker: Sender | None = None

    @classmethod
    def resume(cls, court_id: int | None) -> Track:
        """The court's last match folded again from its stored events, so that a restart changes nothing."""
        track = cls(court_id)
        if court_id is None:
            return track
        match = Match.objects.filter(court_id=court_id).order_by("-loaded_at", "-id").first()
        if match is None:
            return track
        events = list(PssEvent.objects.filter(match=match).order_by("received_at", "id"))
        track.board = Scoreboard.fold(events)
        track.match_id, track.day_id = match.pk, match.day_id
        track.last_ns = nanoseconds(events[-1].received_at if events else match.loaded_at)
        track.written = track.board.version
        return track

    def belongs_to_a_match(self, kind: str) -> bool:
        return self.match_id is not None or kind not in _OUTSIDE_A_MATCH


class Tracks:
    """The matches in progress on all courts of one listener node."""

    def __init__(self) -> None:
        self._tracks: dict[int | tuple[int, ...], Track] = {}
        self._changed: dict[int, Track] = {}
        self._athletes: dict[tuple[str, str], int] = {}

    def of(self, sender: Sender) -> Track:
        # Without a court, each sender has a scoreboard of its own.
        key = sender.court_id if sender.court_id is not None else (sender.pk,)
        track = self._tracks.get(key)
        if track is None:
            track = self._tracks[key] = Track.resume(sender.court_id)
        return track

    def apply(
        self, track: Track, message: Any, received_ns: int, sequence: int, day_id: int | None
    ) -> int | None:
        """Folds the message in; returns the id of the match it belongs to, None when it has none."""
        if track.match_id is not None and received_ns - track.last_ns > MATCH_SILENCE_NS:
            self.write_match(track)
            track.board, track.match_id = Scoreboard(), None
        track.last_ns = received_ns
        board = track.board
        serial = board.match_serial
        if message.kind == Kind.LOAD and track.match_id is not None:
            # The match before is complete as far as it goes; its row must not get the new one's state.
            self.write_match(track)
        board.apply(message, received_ns, sequence)
        if board.match_serial != serial or (
            track.match_id is None and track.belongs_to_a_match(message.kind)
        ):
            self._open(track, received_ns, day_id)
        elif track.match_id is not None and track.day_id is None and day_id is not None:
            self._give_day(track.match_id, track, day_id)
        if board.version != track.written and track.match_id is not None:
            self._changed[track.match_id] = track
        return track.match_id

    def write(self) -> None:
        """Writes every match that changed since the last call."""
        for track in list(self._changed.values()):
            self.write_match(track)
        self._changed.clear()

    def write_match(self, track: Track) -> None:
        board = track.board
        if track.match_id is None or board.version == track.written:
            return
        fields = board.match_fields()
        for side in ("blue", "red"):
            who = fields.pop(side)
            fields[f"{side}_id"] = self._athlete(*who) if who else None
        for name in ("started", "ended"):
            time_ns = fields.pop(f"{name}_ns")
            fields[f"{name}_at"] = moment(time_ns) if time_ns else None
        Match.objects.filter(pk=track.match_id).update(**fields)
        track.written = board.version
        self._changed.pop(track.match_id, None)

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
