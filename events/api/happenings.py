"""Events, live and archived ones alike."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest
from ninja import Query, Router
from pydantic import AwareDatetime, Field

from events.api import schemas
from events.api.access import readers
from events.api.event_pages import Scope, find_page
from events.api.event_rows import ARCHIVED_COLUMNS, COLUMNS, Row, event_of
from events.api.pages import Asked, Key
from events.api.problems import nonsense
from events.kinds import Kind, Status
from events.models import ArchivedPssEvent, Match, PssEvent
from tournaments.models import Court, Tournament, TournamentDay

router = Router(tags=["Events"])
event_readers = readers("events.view_pssevent")

_Time = Annotated[AwareDatetime, Field(description="ISO 8601 with its time zone: 2026-11-21T12:00:00Z")]


class EventsAsked(Asked):
    tournament: Key | None = None
    day: Key | None = None
    match: Key | None = None
    court: Key | None = None
    kind: Kind | None = None
    status: Status | None = None
    since: _Time | None = Field(None, description="Received then or later: 2026-11-21T12:00:00Z")
    until: _Time | None = Field(None, description="Received before.")
    order: Literal["newest", "oldest", "stored"] = Field(
        "newest",
        description="By the time of receipt; or as they were stored, where `next` is never null and "
        "brings what was stored since; it is the cursor that was sent when nothing was.",
    )


@router.get("/events", response=schemas.Events, auth=event_readers)
def list_events(request: HttpRequest, asked: Query[EventsAsked]) -> Any:
    """Events in cursor pages.

    A page looks through a bounded number of events, so with filters it can be short or even empty while
    `next` is not null: go on until it is. Quickest within a match, a day or a tournament.
    """
    asked.only(request)
    rows, end = find_page(asked, _scope(asked))
    return {"items": [event_of(row) for row in rows], "next": end}


@router.get("/events/{event}", response=schemas.Event, auth=event_readers)
def get_event(request: HttpRequest, event: Key) -> Any:
    """One event."""
    # Live first: one on its way into the archive is then met in one place or the other.
    live = PssEvent.objects.filter(pk=event).values_list(*COLUMNS).first()
    found = live or ArchivedPssEvent.objects.filter(pk=event).values_list(*ARCHIVED_COLUMNS).first()
    if found is None:
        raise Http404("There is no such event.")
    return event_of(Row.read(found, archived=live is None))


def _scope(asked: EventsAsked) -> Scope:
    """What the filters name, looked up. Keys that are not there or exclude each other are refused."""
    if asked.since and asked.until and asked.since >= asked.until:
        raise nonsense("until", "“until” is not after “since”")
    for name in ("since", "until"):
        # Far away, a database no longer understands the time once it is turned into UTC.
        if (moment := getattr(asked, name)) and not 1970 <= moment.year <= 9000:
            raise nonsense(name, "No event can be of that time")
    day = TournamentDay.objects.filter(pk=asked.day).first() if asked.day else None
    if asked.day and day is None:
        raise nonsense("day", f"There is no tournament day {asked.day}")
    if day and asked.tournament and day.tournament_id != asked.tournament:
        raise nonsense("day", f"Day {asked.day} is not of tournament {asked.tournament}")
    if asked.tournament and not day and not Tournament.objects.filter(pk=asked.tournament).exists():
        raise nonsense("tournament", f"There is no tournament {asked.tournament}")
    if asked.court and not Court.objects.filter(pk=asked.court).exists():
        raise nonsense("court", f"There is no court {asked.court}")
    match = Match.objects.select_related("day").filter(pk=asked.match).first() if asked.match else None
    if asked.match and match is None:
        raise nonsense("match", f"There is no match {asked.match}")
    if match and asked.day and match.day_id != asked.day:
        raise nonsense("match", f"Match {asked.match} is not of day {asked.day}")
    if match and asked.tournament and (match.day is None or match.day.tournament_id != asked.tournament):
        raise nonsense("match", f"Match {asked.match} is not of tournament {asked.tournament}")
    return Scope(day.tournament_id if day else asked.tournament, asked.day, asked.match)
