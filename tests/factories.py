"""Objects for tests: each factory makes a believable row, and takes whatever the test is about."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import factory
from django.contrib.auth.models import Group, User
from django.db import transaction
from factory import LazyAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory

from events.models import (
    Athlete,
    Display,
    EventTally,
    HourTally,
    ListenerNode,
    Match,
    PssEvent,
    UdpSession,
    UnknownMessage,
)
from events.tallies import Amount, Key, shift_hours
from tournaments.models import ContextChange, Court, Tournament, TournamentDay

# A morning in a hall; far from midnight in every time zone the tests use.
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class UserFactory(DjangoModelFactory[User]):
    """A staff user; `group="Operator"` puts it into one of the groups the migrations make."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = Sequence(lambda n: f"user{n}")
    is_staff = True

    @factory.post_generation
    def group(user: User, create: bool, name: str | None, **kwargs: Any) -> None:
        if create and name:
            user.groups.add(Group.objects.get(name=name))


class TournamentFactory(DjangoModelFactory[Tournament]):
    """Saving makes its days: two, from 21 November 2026."""

    class Meta:
        model = Tournament

    name = Sequence(lambda n: f"Open {n}")
    start_date = date(2026, 11, 21)
    end_date = LazyAttribute(lambda tournament: tournament.start_date + timedelta(1))
    time_zone = "UTC"


def make_day(**tournament: Any) -> TournamentDay:
    """The first day of a new tournament."""
    day = TournamentFactory(**tournament).days.order_by("number").first()
    assert day is not None
    return day


class CourtFactory(DjangoModelFactory[Court]):
    class Meta:
        model = Court

    number = Sequence(lambda n: n + 1)
    name = LazyAttribute(lambda court: f"Court {court.number}")


class ContextChangeFactory(DjangoModelFactory[ContextChange]):
    class Meta:
        model = ContextChange

    effective_at = NOON


class ListenerNodeFactory(DjangoModelFactory[ListenerNode]):
    class Meta:
        model = ListenerNode

    name = Sequence(lambda n: f"node{n}")
    listen = ["127.0.0.1:6000"]


class UdpSessionFactory(DjangoModelFactory[UdpSession]):
    class Meta:
        model = UdpSession

    node = SubFactory(ListenerNodeFactory)
    court = SubFactory(CourtFactory)
    source = "192.168.1.13"
    source_port = Sequence(lambda n: 40_000 + n % 20_000)
    local_port = 6000
    dialect = "T"
    started_at = NOON
    last_event_at = NOON


class AthleteFactory(DjangoModelFactory[Athlete]):
    class Meta:
        model = Athlete

    name = Sequence(lambda n: f"ATHLETE {n}")
    short_name = LazyAttribute(lambda athlete: athlete.name)
    country = "KOR"


class MatchFactory(DjangoModelFactory[Match]):
    class Meta:
        model = Match

    court = SubFactory(CourtFactory)
    number = Sequence(lambda n: str(101 + n))
    phase = "Final"
    category = "MEN M -68KG"
    division = "SENIORS"
    blue = SubFactory(AthleteFactory)
    red = SubFactory(AthleteFactory, country="ITA")
    rounds_planned = 3
    round_seconds = 120
    loaded_at = NOON


class PssEventFactory(DjangoModelFactory[PssEvent]):
    """A blue point. Court and day come from the session's court and `day`; no tally is written."""

    class Meta:
        model = PssEvent

    session = SubFactory(UdpSessionFactory)
    sequence = Sequence(lambda n: n + 1)
    court = LazyAttribute(lambda event: event.session.court)
    day = None
    tournament = LazyAttribute(lambda event: event.day.tournament if event.day else None)
    match = None
    stream = "pt1"
    kind = "point"
    athlete = 1
    value = 3
    details = LazyAttribute(
        lambda event: {"points": event.value, "technique": "head"} if event.kind == "point" else {}
    )
    raw = "pt1;3\\r\\n"
    status = "recognized"
    received_at = Sequence(lambda n: NOON + timedelta(milliseconds=n))
    processing_ms = 8.0


class UnknownMessageFactory(DjangoModelFactory[UnknownMessage]):
    class Meta:
        model = UnknownMessage

    shape = Sequence(lambda n: f"zz{'y' * n};N")
    count = 1
    first_seen = NOON
    last_seen = NOON
    sample = "zz;7\\r\\n"


class DisplayFactory(DjangoModelFactory[Display]):
    """The scoreboard of a court of its own."""

    class Meta:
        model = Display

    name = Sequence(lambda n: f"Stream {n}")
    court = SubFactory(CourtFactory)


def tally_events() -> None:
    """Writes the tallies of all events as they stand, as the importer would have kept them."""
    EventTally.objects.all().delete()
    HourTally.objects.all().delete()
    tallies: dict[tuple[Any, ...], EventTally] = {}
    for event in PssEvent.objects.all():
        minute = event.received_at.replace(second=0, microsecond=0)
        key = (event.day_id, event.court_id, event.match_id, event.kind, event.status, minute)
        if key not in tallies:
            names = ("day_id", "court_id", "match_id", "kind", "status", "minute")
            tallies[key] = EventTally(**dict(zip(names, key, strict=True)))
        tally = tallies[key]
        tally.events += 1
        tally.processing_ms_sum += event.processing_ms
        tally.processing_ms_max = max(tally.processing_ms_max, event.processing_ms)
    EventTally.objects.bulk_create(tallies.values())
    names = ("processing_ms_sum", "processing_ms_max")
    with transaction.atomic():
        shift_hours(
            {
                Key(*(getattr(tally, name) for name in Key._fields)): Amount(
                    tally.events, *(getattr(tally, name) for name in names)
                )
                for tally in tallies.values()
            }
        )
