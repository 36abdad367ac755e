"""Moving whole tournaments, slice by slice, with a record of how far it is.

What has to be moved is told by the tables alone, so whatever is killed goes on when it is started
again: a slice is moved as a whole or not at all, and with it what the record says.
"""

from __future__ import annotations

import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from events.archive import room, scope, slices
from events.archive.scope import Part
from events.models import ArchiveRun, ListenerNode, PssEvent

log = logging.getLogger(__name__)

#: Events in a transaction. On SQLite the importer waits for it, about 40 ms; on PostgreSQL nobody does.
SLICES = {"sqlite": 4_000, "postgresql": 12_000}
#: How often a slice is tried when the database is busy; each attempt waits up to 20 s by itself.
ATTEMPTS = 3
Direction = ArchiveRun.Direction
State = ArchiveRun.State
OnProgress = Callable[[ArchiveRun], None]
FULL = "The disk of the database is full. Make room, then start it again; what was moved is kept."
#: Runs of this process whose end the database could not take, as on a full disk: how they ended.
_unrecorded: dict[int, ArchiveRun] = {}


class StillGoingOnError(Exception):
    """A tournament has started again; says what to do."""


class NotBegunError(Exception):
    """Somebody archives or brings back at this moment, or the disk is full; says what to do."""


@dataclass
class _Bytes:
    before: int = 0
    after: int = 0


def begin(direction: str, parts: Sequence[Part], user: User | None = None) -> ArchiveRun:
    """The record of a run, made before its work. NotBegunError while another works, or on a full disk."""
    try:
        with transaction.atomic():
            for other in map(_as_ended, ArchiveRun.objects.select_for_update().filter(state=State.RUNNING)):
                if other.is_running:
                    raise NotBegunError(
                        f"{_what(other)} is going on ({other.percent} %). Wait until it is done."
                    )
                # Its process was killed, or its end could not be recorded; what it has done is kept.
                ArchiveRun.objects.filter(pk=other.pk).update(
                    state=State.STOPPED if other.state == State.RUNNING else other.state,
                    error=other.error,
                    ended_at=other.ended_at or other.seen_at,
                )
            one = parts[0].tournament if len(parts) == 1 else None
            now = timezone.now()
            run = ArchiveRun.objects.create(
                direction=direction,
                tournament_key=one.pk if one else None,
                tournament_name=str(one) if one else "",
                total=sum(part.events for part in parts),
                started_at=now,
                seen_at=now,
                host=platform.node()[:100],
                pid=os.getpid(),
                user=user,
            )
            if user is not None:
                log_start(run, parts, user)
        # Whatever ended has its record now.
        _unrecorded.clear()
    except OperationalError as error:
        if room.is_used_up(error):
            raise NotBegunError(FULL) from error
        raise
    return run


def log_start(run: ArchiveRun, parts: Sequence[Part], user: User) -> None:
    verb = "Archiving" if run.direction == Direction.ARCHIVE else "Bringing back from the archive"
    for part in parts:
        if part.tournament is not None:
            LogEntry.objects.log_actions(
                user.pk, [part.tournament], CHANGE, f"{verb}: {part.events} events.", single_object=True
            )


def work(
    run: ArchiveRun,
    parts: Sequence[Part],
    progress: OnProgress | None = None,
    stop: threading.Event | None = None,
    slice_size: int = 0,
) -> ArchiveRun:
    """Moves the events of the parts and keeps the record; returns it as it ended.

    `progress` is told the record after each slice. `stop` ends the work between two slices.
    """
    slice_size = slice_size or SLICES.get(connection.vendor, SLICES["sqlite"])
    try:
        size = _before_on_postgresql(run)
        finished = all(_move(run, part, progress, stop, slice_size) for part in parts)
        _after_on_postgresql(run, size)
        return _end(run, State.DONE if finished else State.STOPPED)
    except StillGoingOnError as error:
        return _end(run, State.STOPPED, str(error))
    except OperationalError as error:
        return _end(run, State.FAILED, _in_words(error))
    except BaseException as error:
        _end(run, State.FAILED, f"{type(error).__name__}: {error}"[:500])
        raise


def in_background(run: ArchiveRun, parts: Sequence[Part]) -> threading.Thread:
    """`work` in a thread of this process. Ends with the process; the next run goes on."""

    def body() -> None:
        try:
            work(run, parts)
        finally:
            connection.close()

    thread = threading.Thread(target=body, name="archive", daemon=True)
    thread.start()
    return thread


def _what(run: ArchiveRun) -> str:
    name = run.tournament_name or "old events"
    return f"{'Archiving' if run.direction == Direction.ARCHIVE else 'Bringing back'} {name}"


def _move(
    run: ArchiveRun, part: Part, progress: OnProgress | None, stop: threading.Event | None, slice_size: int
) -> bool:
    """All slices of a part; False when it was told to stop."""
    pace = _Pace(stop)
    archiving = run.direction == Direction.ARCHIVE
    for source in _sources(part, archiving):
        last: tuple[Any, int] | None = None
        while True:
            began = time.monotonic()
            last = _slice(run, part, source, last, slice_size)
            if last is None:
                break
            if progress is not None:
                progress(run)
            if pace.rest(time.monotonic() - began):
                return False
    return True


def _sources(part: Part, archiving: bool) -> Iterator[QuerySet[Any] | None]:
    if archiving:
        # Made anew for each slice: what goes on changes.
        yield None
    else:
        yield from scope.archived_events(part)


def _slice(
    run: ArchiveRun, part: Part, source: QuerySet[Any] | None, last: tuple[Any, int] | None, size: int
) -> tuple[Any, int] | None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return _slice_once(run, part, source, last, size)
        except OperationalError:
            if attempt == ATTEMPTS:
                raise
    return None


def _slice_once(
    run: ArchiveRun, part: Part, source: QuerySet[Any] | None, last: tuple[Any, int] | None, size: int
) -> tuple[Any, int] | None:
    """Moves the slice after `last` (received_at, id); returns its last event, None when there is none."""
    archiving = source is None
    if source is None:
        source = _still_allowed(part)
    if last is not None:
        at, pk = last
        source = source.filter(received_at__gte=at).filter(Q(received_at__gt=at) | Q(pk__gt=pk))
    rows = list(source.select_for_update(of=("self",)).values_list("pk", "received_at")[:size])
    if not rows:
        return None
    ids = [pk for pk, _ in rows]
    found = _Bytes()
    if archiving:
        start = room.used()
        slices.archive(connection, ids)
        middle = room.used()
        slices.delete(connection, slices.LIVE, ids)
        found = _Bytes(before=middle - room.used(), after=middle - start)
    else:
        slices.bring_back(connection, ids)
    ArchiveRun.objects.filter(pk=run.pk).update(
        events=F("events") + len(ids),
        bytes_before=F("bytes_before") + max(found.before, 0),
        bytes_after=F("bytes_after") + max(found.after, 0),
        seen_at=timezone.now(),
    )
    run.refresh_from_db()
    return rows[-1][1], rows[-1][0]


def _still_allowed(part: Part) -> QuerySet[PssEvent]:
    now = timezone.now()
    if part.tournament is not None:
        tournament = type(part.tournament).objects.filter(pk=part.tournament.pk).first()
        if tournament is None:
            return PssEvent.objects.none()
        if reason := scope.why_not(tournament, now):
            raise StillGoingOnError(reason)
    return scope.live_events(part, now)


def _end(run: ArchiveRun, state: str, error: str = "") -> ArchiveRun:
    now = timezone.now()
    try:
        ArchiveRun.objects.filter(pk=run.pk).update(state=state, error=error[:500], ended_at=now)
        run.refresh_from_db()
    except OperationalError as failure:
        with suppress(OperationalError):
            # A slice may have been counted that was then undone.
            run.refresh_from_db()
        run.state, run.error, run.ended_at = State.FAILED, error[:500] or _in_words(failure), now
        _unrecorded[run.pk] = run
        log.error("%s ended without a record. %s", _what(run), run.error)
    return run


def _as_ended(run: ArchiveRun) -> ArchiveRun:
    """The run, with its end where only this process knows of it."""
    return _unrecorded.get(run.pk, run) if run.state == State.RUNNING else run


def _in_words(error: OperationalError) -> str:
    if room.is_used_up(error):
        return FULL
    said = " ".join(str(error).split()).rstrip(".")
    return f"The database said: {said}. What was moved is kept; start it again."


def _before_on_postgresql(run: ArchiveRun) -> int:
    """PostgreSQL keeps the room of deleted rows for new ones, so its tables are measured as a whole."""
    if run.direction != Direction.ARCHIVE or not run.total:
        return 0
    return room.of_rows(run.total, live=True)


def _after_on_postgresql(run: ArchiveRun, before: int) -> None:
    if not before or not run.events:
        return
    ArchiveRun.objects.filter(pk=run.pk).update(
        bytes_before=before * run.events // max(run.total, 1),
        bytes_after=room.of_rows(run.events, live=False),
    )


class _Pace:
    """Leaves the importer its turn: while datagrams are being stored, rests as long as it worked."""

    def __init__(self, stop: threading.Event | None) -> None:
        self._stop = stop or threading.Event()
        self._looked = 0.0
        self._stored = -1
        self._receiving = False

    def rest(self, worked: float) -> bool:
        """True when the work is to end."""
        if time.monotonic() - self._looked > 1:
            stored = ListenerNode.objects.aggregate(n=Sum("stored"))["n"] or 0
            self._receiving = self._stored not in (-1, stored)
            self._looked, self._stored = time.monotonic(), stored
        return self._stop.wait(min(worked, 0.2) if self._receiving else 0)


def to_show(tournament_key: int) -> ArchiveRun | None:
    """What goes on at this moment, of any tournament; else the run that touched this one last."""
    for run in map(_as_ended, ArchiveRun.objects.filter(state=State.RUNNING)[:1]):
        if run.is_running:
            return run
    last = ArchiveRun.objects.filter(tournament_key=tournament_key).select_related("user").first()
    return _as_ended(last) if last is not None else None
