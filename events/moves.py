"""Putting stored events under another tournament day, with their matches and totals.

A *span* is a stretch of time on a court. The event table has no index by court or by time alone, so
the days that can hold events of a span are first read from the totals, and each is then searched
through its (tournament, day, received_at) index.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final, NamedTuple

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import User
from django.db import connections, models, transaction
from django.db.models import Count, Max, Q, Sum
from django.db.models.functions import Substr, TruncMinute
from django.utils import timezone

from events.models import ArchivedPssEvent, EventMove, EventTally, ListenerNode, Match, PssEvent
from events.tallies import Amount, Key, minute_of, shift_tallies
from tournaments.models import Court, Tournament, TournamentDay
from tournaments.wording import counted

MINUTE = timedelta(minutes=1)


class _Courts(Enum):
    ALL = "all courts"


# Not None, which is the court of events that came from nowhere known.
ALL_COURTS: Final = _Courts.ALL
Where = int | None | _Courts


class Span(NamedTuple):
    """A court from `start` up to, not including, `end`."""

    court: Where  # its id, None for events without a court, or ALL_COURTS
    start: datetime
    end: datetime | None  # None: no end
    day_id: int | None  # where its events belong


class Moved(NamedTuple):
    events: int
    matches: int


class NumbersChangedError(Exception):
    """What would move is no longer what was shown."""

    def __init__(self, now: Preview) -> None:
        super().__init__(f"Nothing was moved: it would be {now.in_words} now. Look again.")
        self.now = now


class ArchivedEventsError(Exception):
    """Some of the events are in the archive."""

    def __init__(self) -> None:
        super().__init__(
            "Some of these events are in the archive, where they cannot be moved. Bring their tournament "
            "back from the archive first."
        )


@dataclass(frozen=True)
class Preview:
    """What a move would do: events by the day they are under now, without those already in place."""

    events: int = 0
    matches: int = 0
    in_place: int = 0
    backlog: int = 0  # datagrams received but not yet stored, which a move cannot reach
    from_days: list[tuple[TournamentDay | None, int]] = field(default_factory=list)
    tournaments: list[Tournament] = field(default_factory=list)  # whose rows would change, by name
    archived: bool = False  # some are in the archive, where they cannot be moved

    @property
    def counts(self) -> tuple[int, int]:
        return self.events, self.matches

    @property
    def in_words(self) -> str:
        return f"{counted(self.events, 'event')} and {counted(self.matches, 'match', 'matches')}"


def file_events(court: Where, start: datetime, end: datetime | None, day_id: int | None) -> Moved:
    """`file_spans` for one span."""
    return file_spans([Span(court, start, end, day_id)])


def file_spans(spans: Iterable[Span], *, using: str = "default") -> Moved:
    """Puts the events and matches of each span under its day; returns how many changed.

    Events go by the time they were received, matches by the time they were loaded. Spans that
    differ only in the court cost as much as one. Runs in the transaction it is called in.
    """
    courts: dict[tuple[datetime, datetime | None, int | None], set[Where]] = defaultdict(set)
    for span in spans:
        courts[span.start, span.end, span.day_id].add(span.court)
    days = _tournaments_of_days(using)
    changes: dict[Key, Amount] = defaultdict(lambda: Amount(0, 0.0, 0.0))
    matches = events = 0
    with transaction.atomic(using=using):
        for (start, end, day_id), places in courts.items():
            where = _on(places)
            for old in days_with_events(start, end, where, using):
                if old == day_id:
                    continue
                for key, amount in _take(
                    start, end, places, days.get(old), old, days.get(day_id), day_id, using
                ):
                    events += amount.events
                    changes[key] = changes[key].plus(amount.negative())
                    new = key._replace(day_id=day_id)
                    changes[new] = changes[new].plus(amount)
            matches += (
                Match.objects.using(using)
                .filter(where, _during("loaded_at", start, end))
                .exclude(_is_day(day_id))
                .update(day=day_id)
            )
        shift_tallies(changes, using=using)
    return Moved(events, matches)


def preview(court: Where, start: datetime, end: datetime, day: TournamentDay | None) -> Preview:
    """What `move_events` with the same arguments would do now. Counts at most two minutes of events."""
    where = _on({court})
    target = day.pk if day else None
    counts: dict[int | None, int] = {}
    tournaments = _tournaments_of_days("default")
    for old in days_with_events(start, end, where, "default"):
        counts[old] = _count(start, end, where, tournaments.get(old), old)
    in_place = counts.pop(target, 0)
    matches = Match.objects.filter(where, _during("loaded_at", start, end)).exclude(_is_day(target))
    of_matches = dict(matches.order_by().values_list("day").annotate(Count("pk")))
    left = {pk for pk, n in counts.items() if n} | of_matches.keys()
    days = TournamentDay.objects.select_related("tournament").in_bulk([pk for pk in left if pk])
    changed = {one.tournament for one in [*days.values(), day] if one} if left else set()
    return Preview(
        events=sum(counts.values()),
        matches=sum(of_matches.values()),
        in_place=in_place,
        backlog=sum(node.backlog for node in ListenerNode.objects.all()),
        from_days=[(days.get(pk) if pk else None, n) for pk, n in counts.items() if n],
        tournaments=sorted(changed, key=str),
        archived=_has_archived(start, end, where, target),
    )


def move_events(
    court: Where,
    start: datetime,
    end: datetime,
    day: TournamentDay | None,
    user: User | None,
    *,
    expected: tuple[int, int] | None = None,
) -> EventMove:
    """Moves, and keeps it in the history. With `expected` (events, matches) moves that many or raises
    `NumbersChangedError` and changes nothing. `ArchivedEventsError` when some are in the archive.
    """
    with transaction.atomic():
        if _has_archived(start, end, _on({court}), day.pk if day else None):
            raise ArchivedEventsError
        moved = file_events(court, start, end, day.pk if day else None)
        if expected is None or moved == expected:
            return _remember(court, start, end, day, user, moved)
        transaction.set_rollback(True)
    raise NumbersChangedError(preview(court, start, end, day))


def _remember(
    court: Where, start: datetime, end: datetime, day: TournamentDay | None, user: User | None, moved: Moved
) -> EventMove:
    move = EventMove.objects.create(
        court=Court.objects.get(pk=court) if isinstance(court, int) else None,
        all_courts=court is ALL_COURTS,
        start=start,
        end=end,
        day=day,
        events=moved.events,
        matches=moved.matches,
        user=user,
    )
    if user is not None:
        LogEntry.objects.log_actions(user.pk, [move], ADDITION, move.in_words, single_object=True)
    return move


def _has_archived(start: datetime, end: datetime, where: Q, target: int | None) -> bool:
    tournaments = _tournaments_of_days("default")
    return any(
        ArchivedPssEvent.objects.filter(
            where, _during("received_at", start, end), _under(tournaments.get(old), old)
        ).exists()
        for old in days_with_events(start, end, where)
        if old != target
    )


def _on(places: set[Where]) -> Q:
    if ALL_COURTS in places:
        return Q()
    where = Q(court_id__in=[court for court in places if isinstance(court, int)])
    return where | Q(court=None) if None in places else where


def _during(column: str, start: datetime, end: datetime | None) -> Q:
    where = Q(**{f"{column}__gte": start})
    return where & Q(**{f"{column}__lt": end}) if end else where


def _is_day(day_id: int | None) -> Q:
    # `exclude(day=5)` keeps rows whose day is NULL only when NULL is named.
    return Q(day=None) if day_id is None else Q(day=day_id, day__isnull=False)


def _under(tournament_id: int | None, day_id: int | None) -> Q:
    # Both columns, since the index starts with the tournament.
    return Q(("tournament_id", tournament_id), ("day_id", day_id))


def _tournaments_of_days(using: str) -> dict[int | None, int]:
    return dict(TournamentDay.objects.using(using).order_by().values_list("pk", "tournament_id"))


def days_with_events(
    start: datetime | None, end: datetime | None, where: Q | None = None, using: str = "default"
) -> list[int | None]:
    """Ids of the days (None: no day) that can have events received in that time; from the totals."""
    during = Q(minute__gte=minute_of(start)) if start else Q()
    if end:
        during &= Q(minute__lt=end)
    tallies = EventTally.objects.using(using).filter(where or Q(), during, events__gt=0)
    return list(tallies.order_by().values_list("day_id", flat=True).distinct())


def _count(start: datetime, end: datetime, where: Q, tournament_id: int | None, day_id: int | None) -> int:
    """Exact: whole minutes from the totals, the pieces of minutes at both ends from the events."""
    first = minute_of(start) if start == minute_of(start) else minute_of(start) + MINUTE
    last = minute_of(end)
    events = PssEvent.objects.filter(where, _under(tournament_id, day_id))
    if first >= last:
        return events.between(start, end).count()
    tallies = EventTally.objects.filter(where, _during("minute", first, last), day_id=day_id)
    edges = [piece for piece in ((start, first), (last, end)) if piece[0] < piece[1]]
    return tallies.total() + sum(events.between(*piece).count() for piece in edges)


def _take(
    start: datetime,
    end: datetime | None,
    places: set[Where],
    old_tournament: int | None,
    old_day: int | None,
    new_tournament: int | None,
    new_day: int | None,
    using: str,
) -> list[tuple[Key, Amount]]:
    """Changes tournament and day of the span's events under one day; returns what was taken from it."""
    events = PssEvent.objects.using(using).filter(
        _on(places), _during("received_at", start, end), _under(old_tournament, old_day)
    )
    if connections[using].vendor == "postgresql":
        groups = _update_returning(events, new_tournament, new_day, using)
    else:
        # SQLite's transaction is the only writer, so both statements see the same events.
        groups = _groups(events, using)
        if groups:
            events.update(tournament=new_tournament, day=new_day)
    return [
        (Key(old_day, court, match, kind, status, _as_minute(minute)), Amount(count, ms_sum, ms_max))
        for court, match, kind, status, minute, count, ms_sum, ms_max in groups
    ]


def _groups(events: models.QuerySet[PssEvent], using: str) -> list[tuple[Any, ...]]:
    # SQLite keeps times as text; cutting it there is ten times faster than Django's Python function.
    minute = (
        Substr("received_at", 1, 16)
        if connections[using].vendor == "sqlite"
        else TruncMinute("received_at", tzinfo=UTC)
    )
    return list(
        events.order_by()
        .values_list("court_id", "match_id", "kind", "status", minute)
        .annotate(Count("pk"), Sum("processing_ms"), Max("processing_ms"))
    )


def _update_returning(
    events: models.QuerySet[PssEvent], tournament_id: int | None, day_id: int | None, using: str
) -> list[tuple[Any, ...]]:
    """One statement, since another listener may store events of the same span between two."""
    compiler = events.order_by().query.get_compiler(using)
    where, params = compiler.compile(events.query.where)
    sql = f"""
        WITH moved AS (
            UPDATE events_pssevent SET tournament_id = %s, day_id = %s WHERE {where}
            RETURNING court_id, match_id, kind, status, received_at, processing_ms
        )
        SELECT court_id, match_id, kind, status,
               date_trunc('minute', received_at AT TIME ZONE 'UTC') AS minute,
               count(*), sum(processing_ms), max(processing_ms)
        FROM moved GROUP BY court_id, match_id, kind, status, minute
    """  # noqa: S608  the condition is Django's, with its parameters apart
    with connections[using].cursor() as cursor:
        cursor.execute(sql, [tournament_id, day_id, *params])
        return list(cursor.fetchall())


def _as_minute(value: str | datetime) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if timezone.is_naive(moment) else moment
