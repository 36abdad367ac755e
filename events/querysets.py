"""Questions about many rows at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import connections, models

from events import bulk
from events.kinds import Kind, Status

if TYPE_CHECKING:
    from events.models import EventTally, HourTally, ListenerNode, Match, PssEvent  # noqa: F401  named in quotes below
    from tournaments.models import TournamentDay

_Tally = TypeVar("_Tally", bound=models.Model)


class ListenerNodeQuerySet(models.QuerySet["ListenerNode"]):
    def hold(self) -> None:
        """Keeps the importers from storing until the transaction ends; its first statement, before any lock.

        On SQLite the transaction does so by itself.
        """
        list(self.order_by("pk").select_for_update(no_key=True).values_list("pk"))


class PssEventQuerySet(models.QuerySet["PssEvent"]):
    def for_day(self, day: TournamentDay) -> PssEventQuerySet:
        # Both columns, since the index starts with the tournament.
        return self.filter(tournament_id=day.tournament_id, day=day)

    def between(self, start: datetime, end: datetime) -> PssEventQuerySet:
        """Received from `start` up to, not including, `end`."""
        return self.filter(received_at__gte=start, received_at__lt=end)

    def without_ticks(self) -> PssEventQuerySet:
        """Without clocks that only say how late it is, and without what was said already."""
        ticks = models.Q(kind__in=[Kind.CLOCK, Kind.BREAK], details__action__isnull=True)
        return self.exclude(ticks | models.Q(kind=Kind.ECHO))

    def not_recognized(self) -> PssEventQuerySet:
        return self.exclude(status=Status.RECOGNIZED)

    def bulk_create(
        self,
        objs: Iterable[PssEvent],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
    ) -> list[PssEvent]:
        """Django's `bulk_create`; the plain case goes through one prepared statement (`events.bulk`)."""
        objs = list(objs)
        self._for_write = True
        connection = connections[self.db]
        plain = not (ignore_conflicts or update_conflicts or update_fields or unique_fields or batch_size)
        if not (plain and objs and bulk.is_supported(connection) and all(obj.pk is None for obj in objs)):
            return super().bulk_create(
                objs, batch_size, ignore_conflicts, update_conflicts, update_fields, unique_fields
            )
        bulk.insert_objects(connection, objs)
        return objs


class MatchQuerySet(models.QuerySet["Match"]):
    def done(self) -> MatchQuerySet:
        return self.exclude(winner="")

    def with_is_last(self) -> MatchQuerySet:
        """Adds `is_last`: no other match was loaded on its court since."""
        return self.annotate(is_last=~models.Exists(self._later()))  # type: ignore[no-redef]  # named in Match

    def running(self) -> MatchQuerySet:
        # One that was left without a result stops running when the next is loaded.
        begun = self.filter(winner="", started_at__isnull=False, ended_at__isnull=True)
        return begun.last_on_court()

    def last_on_court(self) -> MatchQuerySet:
        """No other was loaded on its court since."""
        return self.filter(~models.Exists(self._later()))

    def _later(self) -> models.QuerySet[Match]:
        return self.model.objects.filter(
            court=models.OuterRef("court"), loaded_at__gt=models.OuterRef("loaded_at")
        )


class _Totals(models.QuerySet[_Tally]):
    def total(self) -> int:
        return self.aggregate(total=models.Sum("events"))["total"] or 0

    def by(self, field: str) -> dict[Any, int]:
        """field value -> number of events"""
        return dict(self.order_by().values_list(field).annotate(total=models.Sum("events")))


class EventTallyQuerySet(_Totals["EventTally"]):
    """Totals by the minute."""


class HourTallyQuerySet(_Totals["HourTally"]):
    """Totals by the hour."""
