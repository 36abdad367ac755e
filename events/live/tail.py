"""Follows the event table. Everything here runs in the feed's worker thread and may block.

`UdpSession.events` is the sequence of a session's last event and is written in the transaction
that stores the events, so comparing it with what is known says exactly what is new, and the unique
index on (session, sequence) fetches it. Keys would not do: two importers may commit them out of order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection
from django.db.models import Q

from events.board_json import from_json
from events.live import rows
from events.live.cards import Board
from events.live.rows import Row
from events.models import StoredBoard, UdpSession

# Rows followed in one step; when more are waiting the oldest are skipped, and counted.
STEP_LIMIT = 2000
# Senders looked at in one step, and how far below the newest key a session may still appear:
# keys are given out before they are committed.
SESSION_LIMIT = 200
SESSION_MARGIN = 64
# At the start: events of each court for its ring, and of its match for its scoreboard.
LOAD_EVENTS = 300
LOAD_MATCH_EVENTS = 3000
# What came later has an earlier time where the clock was set back; by more, the match is folded anew.
CLOCK_SET_BACK = timedelta(minutes=1)
# Courts with a scoreboard; the one that was quiet longest goes first.
MOST_BOARDS = 64
# What a client that was away longer than the rings reach gets at most.
MISSED_LIMIT = 2000


@dataclass
class Step:
    """What one look at the database brought."""

    entries: list[tuple[Row, str]] = field(default_factory=list)  # with the row's JSON text
    skipped: Counter[int | None] = field(default_factory=Counter)  # court -> events not fetched
    cards: dict[int, dict[str, Any]] = field(default_factory=dict)  # court -> card that changed
    more: bool = False  # there is more to follow at once


class Tail:
    """Cursors into the event table, and the scoreboard of each court."""

    def __init__(self) -> None:
        self.boards: dict[int, Board] = {}
        self._cursors: dict[int, int] = {}  # session -> sequence of the last event followed
        self._newest: dict[int | None, tuple[int, int]] = {}  # court -> session and sequence followed last
        self._open: set[int] = set()
        self._stale: set[int] = set()  # courts whose fold missed events

    def close(self) -> None:
        connection.close()

    # --- Start ----------------------------------------------------------------------------------

    def load(self) -> Step:
        """The state of each court's match, without events; these come with `recent`."""
        # First of all: what a board holds must be behind the cursors, or it would be followed once more.
        stored = {board.court_id: board for board in StoredBoard.objects.of_matches_as_folded()}
        heard: dict[int | None, datetime] = {}
        columns = ("pk", "court_id", "events", "ended_at", "last_event_at")
        sessions = UdpSession.objects.order_by("-id").values_list(*columns)[:SESSION_LIMIT]
        for pk, court, events, ended_at, last in sessions:
            self._cursors[pk] = events
            if ended_at is None:
                self._open.add(pk)
            if court not in heard or last > heard[court]:
                heard[court], self._newest[court] = last, (pk, events)
        self.boards = self._take_up(stored)
        for court, (session, events) in self._newest.items():
            if court is not None and court not in self.boards:
                self._rebuild(court, session, events)
        return Step(cards=self._cards(self.boards))

    def recent(self) -> Step:
        """The newest events of each court, as far as they have been followed."""
        spans = [(pk, max(events - LOAD_EVENTS, 0), events) for pk, events in self._newest.values()]
        return Step([(row, rows.encode(row)) for row in self._fetch(spans)])

    def _take_up(self, stored: dict[int, StoredBoard]) -> dict[int, Board]:
        """The boards that the importer stored and what came since, of courts still at the same match."""
        if not stored:
            return {}
        # With the last event that each board holds; by time as well, for the sake of the index.
        since = (
            Q(match_id=one.match_id, pk__gte=one.event_id, received_at__gte=one.heard_at - CLOCK_SET_BACK)
            for one in stored.values()
        )
        found = rows.fetch(rows.all_events().filter(reduce(or_, since))[: LOAD_MATCH_EVENTS + 1])
        if len(found) > LOAD_MATCH_EVENTS:
            return {}  # long ago: by the newest of each court, as without
        of_court: dict[int | None, list[Row]] = defaultdict(list)
        for row in filter(self._is_past, found):
            of_court[row.court_id].append(row)
        boards: dict[int, Board] = {}
        for court, one in stored.items():
            told = of_court[court]
            if not told or told[0].id != one.event_id:
                continue
            if self._newest.get(court) not in {(row.session_id, row.sequence) for row in told}:
                continue  # at another match since, or at none
            if scoreboard := from_json(one.state):
                board = boards[court] = Board(scoreboard, told[0])
                for row in told[1:]:
                    board.apply(row)
        return boards

    def _rebuild(self, court: int, session: int, upto: int) -> None:
        """Folds the match that is on from its first event on; `session` is the last heard on the court."""
        board = self.boards[court] = Board()
        recent = self._fetch([(session, max(upto - LOAD_EVENTS, 0), upto)])
        match_id = recent[-1].match_id if recent else None
        if match_id is not None:
            # The index alone tells which: they are read upwards, as the disk likes it.
            newest = rows.all_events().filter(match_id=match_id).order_by("-received_at").values("pk")
            of_match = rows.all_events().filter(pk__in=newest[:LOAD_MATCH_EVENTS])
            recent = [row for row in rows.fetch(of_match) if row.court_id == court]
        for row in filter(self._is_past, recent):
            board.apply(row)

    def _is_past(self, row: Row) -> bool:
        """Whether the cursors are beyond it; what was stored since they were read is still to be followed."""
        cursor = self._cursors.get(row.session_id)
        if cursor is None:
            return row.session_id <= max(self._cursors, default=0) - SESSION_MARGIN
        return row.sequence <= cursor

    # --- Following --------------------------------------------------------------------------------

    def step(self) -> Step:
        """What was stored since the last step: two queries, however much that is."""
        wanted: dict[int, tuple[int, int]] = {}
        courts: dict[int, int | None] = {}
        newest = max(self._cursors, default=0)
        for pk, court, events in self._sessions():
            # One that is not new, yet unknown, was silent for long: it is followed from here on.
            cursor = self._cursors.setdefault(pk, 0 if pk > newest - SESSION_MARGIN else events)
            if events < cursor:  # another database, from a backup
                self._cursors[pk] = events
            elif events > cursor:
                wanted[pk] = (cursor, events)
                courts[pk] = court
        if not wanted:
            return self._catch_up()
        more = len(wanted) > SESSION_LIMIT
        wanted = dict(list(wanted.items())[:SESSION_LIMIT])
        skipped: Counter[int | None] = Counter()
        if sum(upto - cursor for cursor, upto in wanted.values()) > STEP_LIMIT:
            # A fair share for each, so that one flooding sender does not hide the other courts.
            share = STEP_LIMIT // len(wanted)
            for pk, (cursor, upto) in wanted.items():
                if upto - cursor > share:
                    skipped[courts[pk]] += upto - share - cursor
                    wanted[pk] = (upto - share, upto)
        fetched = self._fetch((pk, *span) for pk, span in wanted.items())
        # Only now: had the query failed, the next step must ask for the same again.
        self._cursors.update({pk: upto for pk, (_, upto) in wanted.items()})
        self._stale.update(court for court in skipped if court is not None)
        step = self._follow(fetched)
        step.skipped, step.more = skipped, more
        return step

    def _sessions(self) -> list[tuple[int, int | None, int]]:
        """(session, court, events) of those that are open or new, or were open a moment ago."""
        newest = max(self._cursors, default=0)
        columns = ("pk", "court_id", "events", "ended_at")
        current = list(
            UdpSession.objects.filter(Q(ended_at=None) | Q(pk__gt=newest - SESSION_MARGIN))
            .order_by("-pk")
            .values_list(*columns)[: 10 * SESSION_LIMIT]
        )
        gone = self._open - {pk for pk, *_ in current}
        if gone:
            current += UdpSession.objects.filter(pk__in=gone).values_list(*columns)
        self._open = {pk for pk, _, _, ended_at in current if ended_at is None}
        known = {pk for pk, *_ in current}
        self._cursors = {pk: events for pk, events in self._cursors.items() if pk in known or pk == newest}
        return [(pk, court, events) for pk, court, events, _ in current]

    def _catch_up(self) -> Step:
        """Nothing new: time to fold again what a skipped court has missed, one court at a time."""
        if not self._stale:
            return Step()
        court = self._stale.pop()
        session = UdpSession.objects.filter(court_id=court).order_by("-last_event_at").first()
        if session is not None:
            self._rebuild(court, session.pk, session.events)
        return Step(cards=self._cards([court]), more=bool(self._stale))

    @staticmethod
    def _fetch(wanted: Iterable[tuple[int, int, int]]) -> list[Row]:
        """Rows of each (session, after this sequence, up to this one); one query."""
        spans = [Q(session_id=pk, sequence__gt=after, sequence__lte=upto) for pk, after, upto in wanted]
        return rows.fetch(rows.all_events().filter(reduce(or_, spans))) if spans else []

    def _follow(self, fetched: list[Row]) -> Step:
        step = Step()
        touched = set()
        for row in fetched:
            self._newest[row.court_id] = row.session_id, row.sequence
            if row.court_id is not None:
                self._board(row.court_id).apply(row)
                touched.add(row.court_id)
            step.entries.append((row, rows.encode(row)))
        step.cards = self._cards(touched)
        return step

    def _board(self, court: int) -> Board:
        # Taken out and put back, so that the first is the one that has been quiet longest.
        board = self.boards.pop(court, None) or Board()
        if len(self.boards) >= MOST_BOARDS:
            del self.boards[next(iter(self.boards))]
        self.boards[court] = board
        return board

    def _cards(self, courts: Iterable[int]) -> dict[int, dict[str, Any]]:
        return {court: self.boards[court].card() for court in courts if court in self.boards}

    # --- For one viewer -----------------------------------------------------------------------------

    def since(self, after: int, upto: int) -> tuple[list[str], int]:
        """Rows after the event `after` up to the key `upto`, and how many of them were left out."""
        events = rows.all_events().filter(pk__gt=after, pk__lte=upto)
        found = rows.fetch(events.order_by("-pk")[:MISSED_LIMIT])
        # Keys have no holes worth counting, and counting millions of rows would take seconds.
        missed = found[0].id - after - 1 if len(found) == MISSED_LIMIT else 0
        return [rows.encode(row) for row in found], missed
