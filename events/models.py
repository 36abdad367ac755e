"""What happened: senders' sessions, events, unknown messages, athletes, matches."""

from __future__ import annotations

import re
from datetime import datetime

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from events.epoch import IndexedEpoch
from events.kinds import Dialect, Kind, Outcome, Side, Status
from events.models_alerts import Alert as Alert
from events.models_alerts import AlertDelivery as AlertDelivery
from events.models_alerts import AlertRule as AlertRule
from events.models_alerts import AlertWatch as AlertWatch
from events.models_api import ApiToken as ApiToken
from events.models_archive import ArchivedPssEvent as ArchivedPssEvent
from events.models_archive import ArchivedReading as ArchivedReading
from events.models_archive import ArchiveRun as ArchiveRun
from events.models_backup import Backup as Backup
from events.models_display import Display as Display
from events.models_health import ListenerSample as ListenerSample
from events.models_health import Loss as Loss
from events.models_health import WebSample as WebSample
from events.models_live import StoredBoard as StoredBoard
from events.models_replay import Replay as Replay
from events.models_tallies import EventTally as EventTally
from events.models_tallies import HourTally as HourTally
from events.querysets import ListenerNodeQuerySet, MatchQuerySet, PssEventQuerySet
from tournaments.models import Court, Tournament, TournamentDay
from tournaments.wording import counted


class ListenerNode(models.Model):
    """One listener and how far its journal is in the database.

    Written by its importer in the transaction that stores a batch, so that position and events
    never disagree. `sequence` is the next record to read; `received` and the counters below it are
    what the recorder said last.
    """

    name = models.SlugField(max_length=64, unique=True)
    journal = models.UUIDField(null=True)
    segment = models.PositiveIntegerField(default=0)
    offset = models.PositiveBigIntegerField(default=0)
    sequence = models.PositiveBigIntegerField(default=0)
    stored = models.PositiveBigIntegerField(
        default=0, help_text="Datagrams whose events are in the database."
    )
    tests = models.PositiveBigIntegerField(
        default=0, help_text="Of all datagrams ever stored, test datagrams: they make no event."
    )
    received = models.PositiveBigIntegerField(default=0, help_text="Datagrams in the journal.")
    kernel_drops = models.PositiveBigIntegerField(default=0)
    blind_ms = models.PositiveBigIntegerField(default=0, help_text="Time in which no socket was open.")
    damaged = models.PositiveIntegerField(
        default=0, help_text="Places of the journal that could not be read."
    )
    receive_buffer = models.PositiveBigIntegerField(default=0, help_text="Bytes.")
    listen = models.JSONField(default=list)
    earlier = models.JSONField(
        default=dict,
        help_text="Segment, offset, sequence and datagrams stored of the journals before this one, by uuid.",
    )
    context_id = models.PositiveBigIntegerField(
        default=0, help_text="The last context change it has applied."
    )
    context_missing = models.JSONField(
        default=list,
        help_text="Keys below it that were not there yet: they are given before the commit.",
    )
    recorder_seen_at = models.DateTimeField(null=True)
    importer_seen_at = models.DateTimeField(null=True)
    rate = models.FloatField(
        default=0, help_text="Events a second, between its importer's last two signs of life."
    )
    clocks = models.JSONField(default=list, help_text="The courts, by id, whose match clock runs.")

    objects = ListenerNodeQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def backlog(self) -> int:
        return max(self.received - self.stored, 0)

    def is_recording(self, now: datetime | None = None) -> bool:
        """Whether its recorder said it lives within the last 5 s."""
        return self.recorder_seen_at is not None and (
            ((now or timezone.now()) - self.recorder_seen_at).total_seconds() < 5
        )


class UdpSession(models.Model):
    """One sender on one court, until it says goodbye or is silent for `SESSION_IDLE_S`."""

    node = models.ForeignKey(ListenerNode, on_delete=models.PROTECT, related_name="sessions")
    court = models.ForeignKey(Court, on_delete=models.PROTECT, null=True, blank=True, related_name="sessions")
    source = models.GenericIPAddressField(unpack_ipv4=True)
    source_port = models.PositiveIntegerField()
    local_port = models.PositiveIntegerField()
    dialect = models.CharField(max_length=1, blank=True, choices=Dialect)
    started_at = models.DateTimeField()
    last_event_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    datagrams = models.PositiveBigIntegerField(default=0)
    events = models.PositiveBigIntegerField(default=0, help_text="Also the sequence of its last event.")
    concurrent = models.BooleanField(
        default=False, help_text="Another sender spoke on the same court at the same time."
    )

    class Meta:
        ordering = ["-id"]
        verbose_name = "UDP session"
        indexes = [
            models.Index(fields=["node"], name="session_open", condition=models.Q(ended_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.source}:{self.source_port}"


# Characters that set the direction of the text after them.
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")


class Athlete(models.Model):
    """Who fought, as the scoring system wrote it."""

    name = models.CharField(max_length=200)
    short_name = models.CharField(max_length=100, blank=True)
    country = models.CharField("IOC code", max_length=10, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["name", "country"], name="athlete_unique")]
        permissions = [("import_athlete", "Can take in a roster of athletes")]

    def __str__(self) -> str:
        # As `plain` of the pages' scripts: a name does not turn round what is written after it.
        name = _TURNS.sub("\ufffd", self.name)
        return f"{name} ({self.country})" if self.country else name

    def get_absolute_url(self) -> str:
        return reverse("admin:events_athlete_change", args=[self.pk])


class Match(models.Model):
    """One match, as told by the stream and kept by the importer with `events.scoreboard`.

    `rounds` is a list of `[blue score, red score, winner]`, winner 0 none, 1 blue, 2 red;
    `gam_jeoms` a list of `[blue, red]` by round; `replays`, `injuries` and `time_outs` lists of
    objects as `events.scoreboard` makes them. `figures` is what was hit and scored, see
    `events.match_output.figures`; None until `events.figures` has counted the events of a match that was
    stored without. `recounts` is how often that was done: an importer that knows the match as it was before
    sees by it that it has to read the events again.
    """

    court = models.ForeignKey(Court, on_delete=models.PROTECT, null=True, blank=True, related_name="matches")
    day = models.ForeignKey(
        TournamentDay, on_delete=models.PROTECT, null=True, blank=True, related_name="matches"
    )
    number = models.CharField(max_length=32, blank=True)
    phase = models.CharField(max_length=64, blank=True)
    category = models.CharField(max_length=100, blank=True)
    division = models.CharField(max_length=100, blank=True)
    blue = models.ForeignKey(
        Athlete, on_delete=models.PROTECT, null=True, blank=True, related_name="blue_matches"
    )
    red = models.ForeignKey(
        Athlete, on_delete=models.PROTECT, null=True, blank=True, related_name="red_matches"
    )
    rounds_planned = models.PositiveSmallIntegerField(null=True, blank=True)
    round_seconds = models.PositiveIntegerField(null=True, blank=True)
    body_level = models.PositiveSmallIntegerField(null=True, blank=True)
    head_level = models.PositiveSmallIntegerField(null=True, blank=True)
    rounds = models.JSONField(default=list, blank=True)
    gam_jeoms = models.JSONField(default=list, blank=True)
    replays = models.JSONField(default=list, blank=True)
    injuries = models.JSONField(default=list, blank=True)
    time_outs = models.JSONField(default=list, blank=True)
    referees = models.JSONField(default=dict, blank=True)
    figures = models.JSONField(null=True, blank=True, editable=False)
    recounts = models.PositiveIntegerField(default=0, editable=False)
    winner = models.CharField(max_length=4, blank=True, choices=Outcome)
    decision = models.CharField(max_length=8, blank=True)
    loaded_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    # Of rows that come from `with_is_last`.
    is_last: bool

    objects = MatchQuerySet.as_manager()

    class Meta:
        ordering = ["-loaded_at"]
        verbose_name_plural = "matches"
        indexes = [
            # Holds all that statistics ask of a match: rows are wide, and reading those of a tournament
            # takes 40 ms when they are not in memory.
            models.Index(
                "day",
                "loaded_at",
                "court",
                "blue",
                "red",
                "winner",
                "decision",
                IndexedEpoch("started_at"),
                IndexedEpoch("ended_at"),
                name="match_day_told",
            ),
            models.Index(fields=["court", "loaded_at"], name="match_court_loaded"),
            models.Index(fields=["loaded_at"], name="match_loaded"),
            models.Index(fields=["id"], name="match_not_counted", condition=models.Q(figures__isnull=True)),
        ]

    def __str__(self) -> str:
        return (
            f"Match {self.number}"
            if self.number
            else f"Match loaded {timezone.localtime(self.loaded_at):%H:%M}"
        )

    def get_absolute_url(self) -> str:
        return reverse("admin:events_match_change", args=[self.pk])

    @property
    def state(self) -> str:
        """loaded, running, done or no result; of a row that comes from `with_is_last`."""
        if self.winner:
            return "done"
        if self.started_at is None:
            return "loaded"
        return "running" if self.is_last and self.ended_at is None else "no result"


class PssEvent(models.Model):
    """One message of a scoring system, as it came and as it was understood. Never edited by hand.

    `received_at` is the kernel's receive time, ours; `clock_ms` is what the scoring system's clock
    showed: the two are never mixed. `raw` is the line with its line end, in the reversible escape
    of `ingest.protocol.escape`.
    """

    # The importer is the one writer and takes every key from rows it has just read or made, so the
    # database need not look each up again: constraints would cost a third of the insert rate.
    session = models.ForeignKey(
        UdpSession, on_delete=models.PROTECT, db_index=False, db_constraint=False, related_name="+"
    )
    sequence = models.PositiveBigIntegerField()
    court = models.ForeignKey(
        Court, on_delete=models.PROTECT, null=True, db_index=False, db_constraint=False, related_name="events"
    )
    tournament = models.ForeignKey(
        Tournament,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        db_constraint=False,
        related_name="events",
    )
    day = models.ForeignKey(
        TournamentDay,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        db_constraint=False,
        related_name="events",
    )
    match = models.ForeignKey(
        Match, on_delete=models.PROTECT, null=True, db_index=False, db_constraint=False, related_name="events"
    )
    stream = models.CharField("code", max_length=16)
    kind = models.CharField(max_length=16, choices=Kind)
    athlete = models.PositiveSmallIntegerField(choices=Side, default=Side.NONE)
    value = models.IntegerField(null=True)
    round = models.PositiveSmallIntegerField(null=True)
    clock_ms = models.IntegerField(null=True)
    details = models.JSONField(default=dict)
    raw = models.TextField()
    status = models.CharField(max_length=10, choices=Status)
    error = models.CharField(max_length=200, blank=True)
    received_at = models.DateTimeField()
    processing_ms = models.FloatField(default=0)

    objects = PssEventQuerySet.as_manager()

    class Meta:
        verbose_name = "event"
        constraints = [models.UniqueConstraint(fields=["session", "sequence"], name="event_sequence_unique")]
        indexes = [
            # Court, side and kind tell which events a list looks for without reading each of a day.
            models.Index(
                fields=["tournament", "day", "received_at", "court", "athlete", "kind"],
                name="event_day_received",
            ),
            models.Index(fields=["tournament", "received_at"], name="event_tournament_received"),
            models.Index(fields=["match", "received_at"], name="event_match_received"),
            models.Index(
                fields=["status", "received_at"],
                name="event_not_recognized",
                condition=~models.Q(status=Status.RECOGNIZED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stream or self.kind} · {self.received_at:%H:%M:%S.%f}"[:-5]

    def get_absolute_url(self) -> str:
        return reverse("admin:events_pssevent_change", args=[self.pk])


class UnknownMessage(models.Model):
    """Messages the parser could not read, one row per shape (`ingest.tallies.shape`)."""

    shape = models.CharField(max_length=100, unique=True)
    count = models.PositiveBigIntegerField(default=0)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    sample = models.TextField()
    notes = models.TextField(blank=True)

    class Meta:
        ordering = ["-last_seen"]

    def __str__(self) -> str:
        return self.shape


class EventMove(models.Model):
    """Events that staff put under another day afterwards; append-only."""

    court = models.ForeignKey(Court, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    all_courts = models.BooleanField(
        default=False, help_text="Otherwise no court means events that had none."
    )
    start = models.DateTimeField()
    end = models.DateTimeField()
    day = models.ForeignKey(
        TournamentDay,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="moved to",
    )
    events = models.PositiveBigIntegerField()
    matches = models.PositiveIntegerField()
    moved_at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        permissions = [("move_events", "Can move events to another day")]

    def __str__(self) -> str:
        return f"{counted(self.events, 'event')} to {self.day or 'no day'}"

    @property
    def in_words(self) -> str:
        """ "Moved 3 events and 1 match of Court 2 to Berlin Open · day 2 (Sun 17 May)."."""
        what = f"{counted(self.events, 'event')} and {counted(self.matches, 'match', 'matches')}"
        return f"Moved {what} of {self.place} to {self.day or 'no day'}."

    @property
    def place(self) -> str:
        return "all courts" if self.all_courts else str(self.court or "no court")
