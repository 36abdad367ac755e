"""The context: which tournament day is in force, on one court or on all of them.

A context holds from the moment it is set until the next change that names the court or all courts.
Events get theirs by the time the kernel received them, never by the time they were written.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from tournaments.models import ContextChange, Court, Progress, TournamentDay

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


def set_context(
    day: TournamentDay | None,
    *,
    court: Court | None = None,
    user: AbstractBaseUser | AnonymousUser | None = None,
    at: datetime | None = None,
) -> ContextChange:
    """Puts `day` in force on `court` (None: all courts) from `at` (None: now) on. `day` None clears."""
    with transaction.atomic():
        change = ContextChange.objects.create(
            court=court,
            day=day,
            effective_at=at or timezone.now(),
            user=user if user is not None and user.pk else None,  # type: ignore[misc]
        )
        if day is not None:
            for started in (day, day.tournament):
                if started.status == Progress.PLANNED:
                    # save(), so that the history of the day and the tournament shows who started it.
                    started.status = Progress.RUNNING
                    started.save(update_fields=["status"])
    return change


def clear_context(
    *, court: Court | None = None, user: Any = None, at: datetime | None = None
) -> ContextChange:
    """From now on nothing is in force on `court` (None: all courts)."""
    return set_context(None, court=court, user=user, at=at)


def get_context(court: Court | None = None, at: datetime | None = None) -> ContextChange | None:
    """The change in force on `court` at a moment; None when nothing was ever set.

    With `court` None: what holds where no court has its own.
    """
    changes = ContextChange.objects.select_related("day__tournament", "court").filter(
        effective_at__lte=at or timezone.now()
    )
    changes = (
        changes.filter(court=None) | changes.filter(court=court) if court else changes.filter(court=None)
    )
    return changes.order_by("effective_at", "id").last()


class ContextTimeline:
    """Every change, laid out for looking up the day of a court at a moment.

    A tournament makes some tens of changes, so all of them fit; `last_id` tells whether newer exist.
    """

    def __init__(self, changes: Iterable[ContextChange]) -> None:
        ordered = sorted(changes, key=lambda change: (change.effective_at, change.pk))
        self.last_id = max((change.pk for change in ordered), default=0)
        self._changes = ordered
        self._by_court: dict[int | None, tuple[list[datetime], list[int | None]]] = {}

    @classmethod
    def load(cls) -> ContextTimeline:
        return cls(ContextChange.objects.only("id", "court_id", "day_id", "effective_at"))

    def __len__(self) -> int:
        return len(self._changes)

    def changes(self) -> list[ContextChange]:
        return self._changes

    def ids(self) -> set[int]:
        return {change.pk for change in self._changes}

    def tournaments(self) -> dict[int | None, int | None]:
        """day id -> tournament id, of every day named in a change; None -> None for no day"""
        days = {change.day_id for change in self._changes if change.day_id is not None}
        tournaments = TournamentDay.objects.filter(pk__in=days).values_list("pk", "tournament_id")
        return {None: None, **dict(tournaments)}

    def steps(self, court_id: int | None) -> tuple[list[datetime], list[int | None]]:
        """Parallel lists: moments, and the day id in force from each on."""
        if court_id not in self._by_court:
            mine = [c for c in self._changes if c.court_id is None or c.court_id == court_id]
            self._by_court[court_id] = [c.effective_at for c in mine], [c.day_id for c in mine]
        return self._by_court[court_id]

    def day_id_at(self, court_id: int | None, when: datetime) -> int | None:
        moments, days = self.steps(court_id)
        index = bisect_right(moments, when)
        return days[index - 1] if index else None


def days_in_force(now: datetime | None = None) -> set[int]:
    """The days that events are filed under now, on any court or on all."""
    timeline, now = ContextTimeline.load(), now or timezone.now()
    courts = [None, *Court.objects.values_list("pk", flat=True)]
    return {day for court in courts if (day := timeline.day_id_at(court, now)) is not None}
