"""What can be wrong, and what to do about it. The figures are those of a rule nobody has changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from events.words import duration_text

_TIMES_MS = {"s": 1000, "min": 60_000}


@dataclass(frozen=True, slots=True)
class Kind:
    """`threshold` is in `unit`; None where there is nothing to measure, only yes or no.

    `below`: wrong below the threshold, not above it.
    `urgent`: rings on the live page. `can_wait`: nobody can do anything about it today, so no banner says
    it and Health is well with it. `always`: also between sessions, when nothing is going on.
    `page`: the name of the page that helps.
    """

    key: str
    title: str
    advice: str
    unit: str = ""
    threshold: float | None = None
    below: bool = False
    hold_s: int = 10
    recover_s: int = 30
    urgent: bool = False
    can_wait: bool = False
    always: bool = False
    page: str = ""
    page_label: str = ""

    def is_bad(self, value: float, threshold: float | None) -> bool:
        limit = self.threshold if threshold is None else threshold
        if limit is None:
            return value > 0
        return value < limit if self.below else value > limit

    def is_worse(self, value: float, than: float) -> bool:
        return value < than if self.below else value > than

    def ago(self, value: float) -> timedelta:
        """How long it has been so already when that is what is measured, as a silence; else nothing."""
        return timedelta(milliseconds=value * _TIMES_MS.get(self.unit.partition(" ")[0], 0))

    def with_unit(self, value: float | None) -> str:
        """ "1,240 events/s", "2 min 10 s without a message"; '' for no value, or where there is no unit."""
        if value is None or not self.unit:
            return ""
        first, _, of_what = self.unit.partition(" ")
        if first in _TIMES_MS:
            return f"{duration_text(value * _TIMES_MS[first])} {of_what}"
        figure = f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:,.1f}"
        return f"{figure} {self.unit}"


_ALL = (
    Kind(
        "not_recording",
        "Not recording",
        "Start the listener: “make run”, or “manage.py start”. What is sent meanwhile is lost.",
        hold_s=3,
        recover_s=10,
        urgent=True,
    ),
    Kind(
        "not_storing",
        "Recorded, but not stored",
        "Nothing is lost: it waits in the journal. Look whether the disk is full or the database away; "
        "else stop and start again.",
        hold_s=10,
        recover_s=15,
        urgent=True,
    ),
    Kind(
        "court_silent",
        "Court silent while its clock runs",
        "Look at the scoring system and the network cable of this court.",
        unit="s without a message",
        threshold=10,
        hold_s=0,
        recover_s=5,
        urgent=True,
        page="live",
        page_label="Live",
    ),
    Kind(
        "no_active_day",
        "Events arrive without an active day",
        "Choose the day. What came before can be moved to it afterwards.",
        hold_s=5,
        recover_s=5,
        urgent=True,
        page="context",
        page_label="Choose the day",
    ),
    Kind(
        "wrong_day",
        "The active day is not today",
        "Make the day of today active. What was filed under the other day can be moved.",
        hold_s=30,
        recover_s=5,
        urgent=True,
        page="context",
        page_label="Change the day",
    ),
    Kind(
        "kernel_drops",
        "Messages dropped by the system",
        "They are gone. Close what else this machine is doing, and let the receive buffer grow: "
        "the pre-flight page says how.",
        unit="datagrams in a minute",
        threshold=0,
        hold_s=0,
        recover_s=60,
        urgent=True,
        page="preflight",
        page_label="Pre-flight",
    ),
    Kind(
        "backlog",
        "Backlog growing",
        "Nothing is lost: it waits in the journal. Close what else this machine is doing.",
        unit="datagrams waiting",
        threshold=2_000,
        hold_s=15,
        recover_s=15,
        urgent=True,
    ),
    Kind(
        "disk_low",
        "Disk almost full",
        "Make room now: when the disk is full, nothing can be recorded.",
        unit="GB left",
        threshold=2,
        below=True,
        hold_s=10,
        recover_s=30,
        urgent=True,
        always=True,
    ),
    Kind(
        "event_rate",
        "Very many events",
        "More than a hall sends. Look for a sender that repeats itself, or for a replay.",
        unit="events/s",
        threshold=1_000,
        hold_s=10,
        recover_s=30,
        page="live",
        page_label="Live",
    ),
    Kind(
        "database_latency",
        "Database slow",
        "Close what else this machine is doing. Recording goes on; pages come later.",
        unit="ms",
        threshold=100,
        hold_s=15,
        recover_s=30,
    ),
    Kind(
        "memory",
        "Memory almost used up",
        "Close other programs on this machine.",
        unit="% used",
        threshold=80,
        hold_s=30,
        recover_s=30,
        always=True,
    ),
    Kind(
        "error_rate",
        "Many messages that cannot be read",
        "They are kept as they came. Look at Unknown messages: a new version of the scoring system?",
        unit="% of messages",
        threshold=1,
        hold_s=30,
        recover_s=60,
        page="admin:events_unknownmessage_changelist",
        page_label="Unknown messages",
    ),
    Kind(
        "day_events",
        "Many events in a day",
        "When the tournament is over, set it to finished and archive it: half the room, every page stays.",
        unit="events in a day",
        threshold=5_000,
        hold_s=0,
        recover_s=60,
        can_wait=True,
        page="admin:tournaments_tournament_changelist",
        page_label="Tournaments",
    ),
    Kind(
        "backup_old",
        "No recent backup",
        "Make a backup on the Backups page, and look whether the disk has room.",
        unit="min since the last good backup",
        threshold=90,
        hold_s=300,
        recover_s=0,
        page="admin:events_backup_changelist",
        page_label="Backups",
    ),
    Kind(
        "backup_unverified",
        "Last backup not proved",
        "Verify it on the Backups page, or make another.",
        hold_s=300,
        recover_s=0,
        page="admin:events_backup_changelist",
        page_label="Backups",
    ),
)

#: By key, the most urgent first.
KINDS = {kind.key: kind for kind in _ALL}
ORDER = {key: place for place, key in enumerate(KINDS)}
