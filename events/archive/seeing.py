"""Events wherever they are: archived ones are read as the events they were."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from events.models import ArchivedPssEvent, Match, PssEvent

Event = PssEvent | ArchivedPssEvent
NEAR = timedelta(minutes=2)


def find_event(pk: int, *related: str) -> Event | None:
    """The event with this id, live or archived, with the rows it refers to."""
    # Live first: an event on its way into the archive is then met in one place or the other.
    live = PssEvent.objects.select_related(*related).filter(pk=pk).first()
    return live or ArchivedPssEvent.objects.select_related("reading", *related).filter(pk=pk).first()


def neighbours(event: Event, reach: int) -> list[Event]:
    """Events of the same sender, up to `reach` before and after, itself included."""
    near = {
        "session_id": event.session_id,
        "sequence__range": (event.sequence - reach, event.sequence + reach),
    }
    found: list[Event] = [*PssEvent.objects.filter(**near)]
    if len(found) <= reach:
        found += _archived_neighbours(event, near)
    return list({other.sequence: other for other in sorted(found, key=lambda one: one.sequence)}.values())


def lacks_neighbours(event: Event, found: list[Event], reach: int) -> bool:
    """Whether the sender said more around an archived event than `neighbours` could find."""
    around = min(event.session.events, event.sequence + reach) - max(1, event.sequence - reach) + 1
    return isinstance(event, ArchivedPssEvent) and len(found) < around


def _archived_neighbours(event: Event, near: dict[str, Any]) -> list[ArchivedPssEvent]:
    # The archive has no index by sender: looked for in the event's match and in the minutes around it.
    archived = ArchivedPssEvent.objects.as_events().filter(**near)
    around = (event.received_at - NEAR, event.received_at + NEAR)
    found = archived.filter(tournament=event.tournament_id, day=event.day_id, received_at__range=around)
    of_match = archived.filter(match=event.match_id) if event.match_id else archived.none()
    return [*found, *of_match]


def events_of(match: Match, first: int, count: int, *, with_ticks: bool = True) -> list[Event]:
    """`count` events of a match from number `first` on, in the order they came."""
    live: Any = match.events.select_related("court").order_by("received_at", "id")
    archived: Any = match.archived_events.select_related("reading", "court")
    archived = archived.order_by("received_at", "id")
    if not with_ticks:
        live, archived = live.without_ticks(), archived.without_ticks()
    last = first + count
    found: dict[int, Event] = {}
    # Only while it is being moved does a match have both; live first, so that none is missed.
    for events in (live, archived):
        found.update({event.pk: event for event in events[:last]})
    ordered = sorted(found.values(), key=lambda event: (event.received_at, event.pk))
    return ordered[first:last]
