"""What the importer keeps in memory: a mirror of the database, thrown away when a transaction fails."""

from __future__ import annotations

import time
from bisect import bisect_right
from datetime import datetime

from django.conf import settings
from django.db import connection, models

from events import moves
from events.match_state import to_ns
from events.models import ListenerNode
from ingest.journal import Position
from ingest.matches import Tracks
from ingest.senders import CourtFinder, Senders
from ingest.tallies import Tallies, UnknownShapes
from tournaments.context import ContextTimeline
from tournaments.models import ContextChange

# An importer says every second that it lives.
_ALIVE_S = 5
_FOREVER_NS = 1 << 63
# A change that commits after so many later ones is no longer waited for over a restart.
_AWAITED = 100

# Said for each batch: Django takes fifteen times as long to put them into words as a database to answer.
# Of those in force, as `ContextChange.objects` has them: what was restored is history.
_CHANGES = f"SELECT max(id), count(*) FROM {ContextChange._meta.db_table} WHERE NOT restored"  # noqa: S608
_ADVANCE = (
    f'UPDATE {ListenerNode._meta.db_table} SET segment = %s, "offset" = %s, sequence = %s,'  # noqa: S608
    " stored = stored + %s, context_id = %s WHERE id = %s AND journal = %s AND sequence = %s"
)
_JOURNAL = ListenerNode._meta.get_field("journal")


class AnotherImporter(Exception):
    """Someone else moved the position: a second importer works on this journal, or under this name."""


class State:
    """Loaded inside a transaction. `position` is None at the start of a journal.

    Raises `AnotherImporter` when a listener of the same name with another journal is at work.
    """

    def __init__(self, node_name: str, journal_uuid: str) -> None:
        # A new node has stored nothing yet that an earlier change could correct.
        newest = ContextChange.objects.aggregate(newest=models.Max("pk"))["newest"] or 0
        self.node, _ = ListenerNode.objects.get_or_create(name=node_name, defaults={"context_id": newest})
        if str(self.node.journal) != journal_uuid:
            self._take_journal(journal_uuid)
        self.position: Position | None = (
            Position(self.node.segment, self.node.offset, self.node.sequence) if self.node.sequence else None
        )
        self.senders = Senders(self.node, CourtFinder(settings.INGEST_AUTO_COURTS), settings.SESSION_IDLE_S)
        self.tracks = Tracks()
        self.tallies = Tallies()
        self.unknown = UnknownShapes()
        self.timeline = ContextTimeline([])
        # court -> (from, until (ns), day, tournament): what was in force when it was asked for last
        self._in_force: dict[int | None, tuple[int, int, int | None, int | None]] = {}
        self.tournament_of: dict[int | None, int | None] = {None: None}
        self.applied = self.node.context_id

    def refresh_context(self) -> None:
        """Learns of context changes; corrects events stored before a change became visible."""
        with connection.cursor() as cursor:
            cursor.execute(_CHANGES)
            newest, count = cursor.fetchone()
        # Keys are given before commits, so a late commit shows in the count alone.
        if (newest or 0, count) == (self.timeline.last_id, len(self.timeline)):
            return
        known = self.timeline.ids() if len(self.timeline) else None
        self.timeline = ContextTimeline.load()
        self.tournament_of = self.timeline.tournaments()
        self._in_force.clear()
        missing = self.node.context_missing
        late = [
            change
            for change in self.timeline.changes()
            if (change.pk > self.applied or change.pk in missing if known is None else change.pk not in known)
        ]
        if late:
            courts = {change.court_id for change in late}
            self._file_again(min(change.effective_at for change in late), courts)
            self.applied = max(self.applied, *(change.pk for change in late))
        self._remember_missing()

    def _remember_missing(self) -> None:
        """Notes which keys have yet to come, so that none is passed over that does while nobody imports."""
        there = self.timeline.ids()
        missing = [pk for pk in range(max(self.applied - _AWAITED, 1), self.applied) if pk not in there]
        if missing != self.node.context_missing:
            self.node.context_missing = missing
            ListenerNode.objects.filter(pk=self.node.pk).update(context_missing=missing)

    def day_at(self, court_id: int | None, received_ns: int) -> tuple[int | None, int | None]:
        """(day, tournament) in force on a court at a moment; asked for each datagram, so remembered."""
        known = self._in_force.get(court_id)
        if known is None or not known[0] <= received_ns < known[1]:
            moments, days = self.timeline.steps(court_id)
            steps = [to_ns(moment) for moment in moments]
            index = bisect_right(steps, received_ns)
            day_id = days[index - 1] if index else None
            known = self._in_force[court_id] = (
                steps[index - 1] if index else 0,
                steps[index] if index < len(steps) else _FOREVER_NS,
                day_id,
                self.tournament_of[day_id],
            )
        return known[2:]

    def move_position(self, **changes: object) -> None:
        """Writes to the node's row; raises `AnotherImporter` when it is no longer as it was left."""
        moved = ListenerNode.objects.filter(
            pk=self.node.pk,
            journal=self.node.journal,
            sequence=self.position.sequence if self.position else 0,
        ).update(**changes)
        self._expect(moved)

    def advance(self, after: Position, datagrams: int) -> None:
        """`move_position` for a batch of which there is nothing else to say."""
        node = self.node
        journal = _JOURNAL.get_db_prep_value(node.journal, connection)
        before = self.position.sequence if self.position else 0
        with connection.cursor() as cursor:
            cursor.execute(_ADVANCE, [*after, datagrams, self.applied, node.pk, journal, before])
            self._expect(cursor.rowcount)

    def _expect(self, moved: int) -> None:
        if not moved:
            raise AnotherImporter(
                f"A second importer is at work on the listener “{self.node.name}”; stop one of them."
            )

    def _take_journal(self, journal_uuid: str) -> None:
        """Begins with another journal: at its first record, or where it was left when it was known."""
        node = self.node
        seen = node.importer_seen_at
        if node.journal is not None and seen is not None and time.time() - seen.timestamp() < _ALIVE_S:
            raise AnotherImporter(
                f"Another listener called “{node.name}” is writing to this database. "
                "Stop it, or give this one a name of its own with INGEST_NODE."
            )
        if node.journal is not None:
            node.earlier[str(node.journal)] = [node.segment, node.offset, node.sequence, node.stored]
        node.segment, node.offset, node.sequence, node.stored = node.earlier.pop(journal_uuid, (0, 0, 0, 0))
        node.received = 0
        node.journal = journal_uuid
        node.save(update_fields=["journal", "segment", "offset", "sequence", "stored", "received", "earlier"])
        node.refresh_from_db()

    def _file_again(self, since: datetime, courts: set[int | None]) -> None:
        """Files what was received from `since` on once more; `courts` holding None means all."""
        # Before what it moves, as everybody who changes what is stored.
        ListenerNode.objects.filter(pk=self.node.pk).hold()
        spans = []
        for court_id in [*self.senders.courts.ids(), None] if None in courts else courts:
            moments, days = self.timeline.steps(court_id)
            for start, end, day_id in zip(moments, [*moments[1:], None], days, strict=True):
                if end is None or end > since:
                    spans.append(moves.Span(court_id, max(start, since), end, day_id))
        moves.file_spans(spans)
