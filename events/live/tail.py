"""Follows the event table. Everything here runs in the feed's worker thread and may block.

`UdpSession.events` is the sequence of a session's last event and is written in the transaction
that stores the events, so comparing it with what is known says exactly what is new, and the unique
index on (session, sequence) fetches it. Keys would not do: two importers may commit them out of order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection
from django.db.models import Q

from events.live import rows
from events.live.cards import NO_MOMENT, Board, Moment
from events.live.rows import Row
from events.models import UdpSession

# Rows followed in one step; when more are waiting the oldest are skipped, and counted.
STEP_LIMIT = 2000
# Senders looked at in one step, and how far below the newest key a session may still appear:
# keys are given out before they are committed.
SESSION_LIMIT = 200
SESSION_MARGIN = 64
# At the start: events of each court for its ring, and of its match for its scoreboard.
LOAD_EVENTS = 300
LOAD_MATCH_EVENTS = 3000
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
        self._open: set[int] = set()
        self._stale: set[int] = set()  # courts whose fold missed events

    def close(self) -> None:
        connection.close()

    # --- Start ----------------------------------------------------------------------------------

    def load(self) -> Step:
        """The newest events of each court and the state of its match."""
        newest: dict[int | None, UdpSession] = {}
        for session in UdpSession.objects.order_by("-id")[:SESSION_LIMIT]:
            self._cursors[session.pk] = session.events
            if session.ended_at is None:
                self._open.add(session.pk)
            known = newest.get(session.court_id)
            if known is None or session.last_event_at > known.last_event_at:
                newest[session.court_id] = session
        recent = self._fetch(
            {s.pk: (max(s.events - LOAD_EVENTS, 0), s.events) for s in newest.values() if s.events}
        )
        of_session: dict[int, list[Row]] = defaultdict(list)
        for row in recent:
            of_session[row.session_id].append(row)
        moments: dict[int, Moment] = {}
        for court, session in newest.items():
            if court is not None:
                self._rebuild(court, of_session[session.pk], moments)
        entries = [(row, rows.encode(row, *moments.get(row.id, NO_MOMENT))) for row in recent]
        return Step(entries, cards=self._cards(self.boards))

    def _rebuild(self, court: int, recent: list[Row], moments: dict[int, Moment] | None = None) -> None:
        """Folds the court's match from its first event on; `recent` are its newest events."""
        board = self.boards[court] = Board()
        match_id = recent[-1].match_id if recent else None
        if match_id is not None:
            # The index alone tells which: they are read upwards, as the disk likes it.
            newest = rows.all_events().filter(match_id=match_id).order_by("-received_at").values("pk")
            of_match = rows.all_events().filter(pk__in=newest[:LOAD_MATCH_EVENTS])
            recent = [row for row in rows.fetch(of_match) if row.court_id == court]
        for row in recent:
            board.apply(row)
            if moments is not None:
                moments[row.id] = board.moment()

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
        fetched = self._fetch(wanted)
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
            span = (max(session.events - LOAD_EVENTS, 0), session.events)
            self._rebuild(court, self._fetch({session.pk: span}))
        return Step(cards=self._cards([court]), more=bool(self._stale))

    @staticmethod
    def _fetch(wanted: dict[int, tuple[int, int]]) -> list[Row]:
        """Rows of each session after the first sequence, up to the second; one query."""
        if not wanted:
            return []
        spans = (
            Q(session_id=pk, sequence__gt=after, sequence__lte=upto) for pk, (after, upto) in wanted.items()
        )
        return rows.fetch(rows.all_events().filter(reduce(or_, spans)))

    def _follow(self, fetched: list[Row]) -> Step:
        step = Step()
        touched = set()
        for row in fetched:
            moment = NO_MOMENT
            if row.court_id is not None:
                board = self._board(row.court_id)
                board.apply(row)
                moment = board.moment()
                touched.add(row.court_id)
            step.entries.append((row, rows.encode(row, *moment)))
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
