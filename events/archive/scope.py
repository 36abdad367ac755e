"""What may go into the archive, and what may not because it is still going on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from events.models import ArchivedPssEvent, EventTally, ListenerNode, Match, PssEvent, UdpSession
from events.tallies import minute_of
from tournaments.context import days_in_force
from tournaments.models import Progress, Tournament, TournamentDay

#: After this long without a word the importer takes nothing up where it was left (ingest.matches).
QUIET = timedelta(hours=3)


class Part(NamedTuple):
    """Events to move: of a tournament or (None) of none; to archive, those received before a minute."""

    tournament: Tournament | None
    before: datetime | None
    events: int
    matches: int

    @property
    def name(self) -> str:
        return str(self.tournament) if self.tournament else "events without a tournament"


def why_not(tournament: Tournament, now: datetime | None = None) -> str:
    """Why nothing of it may be archived now, and what to do; '' when it may."""
    now = now or timezone.now()
    if tournament.status == Progress.RUNNING:
        return f"{tournament} is running. Set its status to “Finished” first."
    if day := _active_day(tournament, now):
        return f"Day {day.number} of {tournament} is active. Change the active day on the Context page first."
    last = PssEvent.objects.filter(tournament=tournament, received_at__gt=now - QUIET)
    if heard := last.order_by("-received_at").values_list("received_at", flat=True).first():
        at = timezone.localtime(heard, tournament.tz)
        return f"{tournament} was heard at {at:%H:%M}. It can be archived three hours after its last message."
    for session in busy_sessions(now).select_related("court"):
        if PssEvent.objects.filter(session=session, tournament=tournament).exists():
            who = session.court or session
            return (
                f"{who} has been sending without a break since {tournament}. "
                "It can be archived when that sender has been silent for three hours."
            )
    return ""


def _active_day(tournament: Tournament, now: datetime) -> TournamentDay | None:
    """Its day that is in force anywhere, unless its date has passed and it was only forgotten."""
    yesterday = timezone.localdate(now, tournament.tz) - timedelta(1)
    days = tournament.days.filter(pk__in=days_in_force(now))
    return days.filter(Q(date__gte=yesterday) | Q(tournament__status=Progress.RUNNING)).first()


def busy_sessions(now: datetime) -> QuerySet[UdpSession]:
    """Senders that may go on: heard lately, or with datagrams that are not stored yet."""
    waiting = [node.pk for node in ListenerNode.objects.all() if node.backlog]
    return UdpSession.objects.filter(Q(last_event_at__gt=now - QUIET) | Q(ended_at=None, node__in=waiting))


def busy_matches(now: datetime) -> set[int]:
    """Matches that a sender may go on with: the last two of its court, as the importer resumes them."""
    matches: set[int] = set()
    for session in busy_sessions(now):
        if session.court_id is not None:
            of_court = Match.objects.filter(court=session.court_id).order_by("-loaded_at", "-id")
            matches.update(of_court.values_list("pk", flat=True)[:2])
            continue
        of_sender = PssEvent.objects.filter(session=session).exclude(match=None).order_by("-sequence")
        matches.update(pk for pk in of_sender.values_list("match", flat=True)[:1] if pk)
    return matches


def live_events(part: Part, now: datetime) -> QuerySet[PssEvent]:
    """The events of a part that may be archived, the oldest first, through an index."""
    events = PssEvent.objects.filter(tournament=part.tournament)
    if part.before is not None:
        events = events.filter(received_at__lt=part.before)
    sessions = list(busy_sessions(now).values_list("pk", flat=True))
    if sessions:
        events = events.exclude(session__in=sessions)
    if matches := busy_matches(now):
        # `exclude` alone would also leave out the events without a match.
        events = events.filter(Q(match=None) | ~Q(match__in=matches))
    return events.order_by("received_at", "id")


def archived_events(part: Part) -> list[QuerySet[ArchivedPssEvent]]:
    """The archived events of a part, day by day as the index has them."""
    days: list[int | None] = [None]
    if part.tournament is not None:
        days += part.tournament.days.order_by("number").values_list("pk", flat=True)
    events = ArchivedPssEvent.objects.filter(tournament=part.tournament)
    return [events.filter(day=day).order_by("received_at", "id") for day in days]


# --- How many ----------------------------------------------------------------------------------------


def to_archive(tournament: Tournament, older_than: int | None = None, now: datetime | None = None) -> Part:
    """What of a tournament is to be archived: all of it when it is finished, else what is old."""
    now = now or timezone.now()
    finished = tournament.status == Progress.FINISHED and older_than is None
    before = None if finished else cutoff(older_than, now)
    live = _stored(tournament, before) - count_archived(tournament, before)
    matches = Match.objects.filter(day__tournament=tournament)
    if before is not None:
        matches = matches.filter(loaded_at__lt=before)
    return Part(tournament, before, max(live, 0), matches.count())


def to_bring_back(tournament: Tournament) -> Part:
    """What of a tournament is in the archive."""
    count = count_archived(tournament)
    matches = Match.objects.filter(day__tournament=tournament).count() if count else 0
    return Part(tournament, None, count, matches)


def due(older_than: int | None = None, now: datetime | None = None) -> tuple[list[Part], list[str]]:
    """Everything to archive today, and a sentence for each tournament that has to wait."""
    now = now or timezone.now()
    parts, waiting = [], []
    for tournament in Tournament.objects.order_by("start_date", "pk"):
        # A tournament that is finished goes at once, whatever age is asked for.
        part = to_archive(tournament, None if tournament.status == Progress.FINISHED else older_than, now)
        if not part.events:
            continue
        if reason := why_not(tournament, now):
            waiting.append(reason)
        else:
            parts.append(part)
    before = cutoff(older_than, now)
    homeless = _stored(None, before) - count_archived(None, before)
    if homeless > 0:
        matches = Match.objects.filter(day=None, loaded_at__lt=before).count()
        parts.append(Part(None, before, homeless, matches))
    return parts, waiting


def cutoff(older_than: int | None, now: datetime) -> datetime:
    """Events received before this are old. A full minute, so that the totals can tell how many."""
    days = settings.ARCHIVE_AFTER_DAYS if older_than is None else older_than
    return minute_of(min(now - timedelta(days=days), now - QUIET))


def _stored(tournament: Tournament | None, before: datetime | None) -> int:
    """Events of a tournament, live and archived, from the totals."""
    tallies = EventTally.objects.filter(
        **({"day__tournament": tournament} if tournament is not None else {"day": None})
    )
    return (tallies if before is None else tallies.filter(minute__lt=before)).total()


def count_archived(tournament: Tournament | None, before: datetime | None = None) -> int:
    """Archived events of a tournament. Counts them only where some are archived and some are not."""
    archived = ArchivedPssEvent.objects.filter(tournament=tournament)
    live = PssEvent.objects.filter(tournament=tournament)
    if before is not None:
        archived, live = archived.filter(received_at__lt=before), live.filter(received_at__lt=before)
    if not archived.exists():
        return 0
    return archived.count() if live.exists() else _stored(tournament, before)
