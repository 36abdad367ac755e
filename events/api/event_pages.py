"""Pages of events, from the live table and the archive at once, in bounded time.

Within a match, a day or a tournament an index gives them by the time of receipt; else they go by their
keys, which are given in the order of storing. What no index knows (court, kind, status, and time among
keys) is looked for in the next `SCANNED` events only; the page then ends there, however few it found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import Q, QuerySet

from events.api.event_rows import Row, fetch
from events.api.pages import Order
from events.models import ArchivedPssEvent, PssEvent

if TYPE_CHECKING:
    from events.api.happenings import EventsAsked

# So many are read from a cold disk well within 50 ms.
SCANNED = 5_000


class Scope(NamedTuple):
    """What an index answers; the narrowest of them is used."""

    tournament: int | None
    day: int | None
    match: int | None


class Both(NamedTuple):
    """The same question to both tables."""

    live: QuerySet[Any]
    archived: QuerySet[Any]

    def filter(self, *where: Q, **equal: Any) -> Both:
        return Both(self.live.filter(*where, **equal), self.archived.filter(*where, **equal))

    def read(self, order: Order, looked_for: Q, most: int) -> tuple[list[Row], list[Any] | None]:
        """At most `most` of them, and the values of the order they end at; None at the end of all.

        `looked_for` is what no index knows.
        """
        both, edge = self, None
        if looked_for:
            edges = [list(values) for table in self if (values := _nth(table, order, SCANNED))]
            if edges:
                edge = max(edges) if order.descending else min(edges)
                both = both.filter(order.upto(edge))
            both = Both(both.live.filter(looked_for), both.archived.filter(_of_reading(looked_for)))
        found: dict[int, Row] = {}
        # Only while it is being moved is an event met in both; live first, so that none is missed.
        for table, archived in zip(both, (False, True), strict=True):
            for row in fetch(table.order_by(*order.names)[: most + 1], archived=archived):
                found.setdefault(row.id, row)
        rows = sorted(found.values(), key=lambda row: _key(row, order), reverse=order.descending)
        if len(rows) > most:
            return rows[:most], _key(rows[most - 1], order)
        return rows, edge


def find_page(asked: EventsAsked, scope: Scope) -> tuple[list[Row], str | None]:
    """The rows of one page, and the cursor of what follows."""
    events = Both(PssEvent.objects.all(), ArchivedPssEvent.objects.all())
    if asked.order == "stored":
        return _stored(events, asked, scope)
    descending = asked.order == "newest"
    if scope.match or scope.day:
        where = Q(match=scope.match) if scope.match else Q(tournament=scope.tournament, day=scope.day)
        in_time = events.filter(where, _in_time(asked))
        return _plain(in_time, Order(("received_at", "id"), descending), _unindexed(asked), asked)
    if scope.tournament:
        return _by_day(events.filter(tournament=scope.tournament), asked, descending)
    return _plain(events, Order(("id",), descending), _unindexed(asked) & _in_time(asked), asked)


def _plain(events: Both, order: Order, looked_for: Q, asked: EventsAsked) -> tuple[list[Row], str | None]:
    if start := asked.start(PssEvent, order.columns):
        events = events.filter(order.beyond(start))
    rows, end = events.read(order, looked_for, asked.limit)
    return rows, None if end is None else asked.end(end)


def _stored(events: Both, asked: EventsAsked, scope: Scope) -> tuple[list[Row], str | None]:
    """Upwards by key, for those who follow: at the end of all the cursor stays where it is."""
    order = Order(("id",), descending=False)
    start = asked.start(PssEvent, order.columns) or [0]
    looked_for = _unindexed(asked) & _in_time(asked) & _in_scope(scope)
    rows, end = events.filter(order.beyond(start)).read(order, looked_for, asked.limit)
    if end is None:
        end = [rows[-1].id] if rows else start
    return rows, asked.end(end)


def _by_day(events: Both, asked: EventsAsked, descending: bool) -> tuple[list[Row], str | None]:
    """A tournament, day by day: the rest of the day that the cursor is in, then those that follow.

    The archive's index knows the tournament by its days only.
    """
    order = Order(("day_id", "received_at", "id"), descending)
    of_day = Order(order.columns[1:], descending)
    looked_for = _unindexed(asked) & _in_time(asked)
    rows: list[Row] = []
    if start := asked.start(PssEvent, ("day", "received_at", "id")):
        day, *place = start
        rest = events.filter(of_day.beyond(place), day=day)
        rows, end = rest.read(of_day, looked_for, asked.limit)
        if end is not None:
            return rows, asked.end([day, *end])
        events = events.filter(Order(("day_id",), descending).beyond([day]))
    if len(rows) < asked.limit:
        more, end = events.read(order, looked_for, asked.limit - len(rows))
        rows += more
        return rows, None if end is None else asked.end(end)
    # The day ended with the page; only the next page can tell whether another follows.
    return rows, asked.end(_key(rows[-1], order))


def _unindexed(asked: EventsAsked) -> Q:
    names = ("court", "kind", "status")
    return Q(**{name: getattr(asked, name) for name in names if getattr(asked, name) is not None})


def _in_scope(scope: Scope) -> Q:
    return Q(**{name: key for name, key in scope._asdict().items() if key is not None})


def _in_time(asked: EventsAsked) -> Q:
    where = Q()
    if asked.since:
        where &= Q(received_at__gte=asked.since)
    if asked.until:
        where &= Q(received_at__lt=asked.until)
    return where


def _of_reading(where: Q) -> Q:
    """The same condition for the archive, which keeps the kind beside what many events share."""
    changed = Q(_connector=where.connector, _negated=where.negated)
    for child in where.children:
        if isinstance(child, Q):
            changed.add(_of_reading(child), where.connector)
        else:
            name, value = child  # type: ignore[misc]  # a condition, not a node of an expression
            changed.add(Q(**{"reading__kind" if name == "kind" else name: value}), where.connector)
    return changed


def _nth(events: QuerySet[Any], order: Order, number: int) -> Sequence[Any] | None:
    """The values of the order of the `number`th event; read from the index alone where it has them all."""
    found = events.order_by(*order.names).values_list(*order.columns)[number - 1 : number]
    return next(iter(found), None)


def _key(row: Row, order: Order) -> list[Any]:
    return [getattr(row, name) for name in order.columns]
