"""Keeping samples: each ten seconds for a day, each minute and each hour for a year, and no longer.

A process writes one row each ten seconds. When a minute is over its rows are added up to one for the
minute, and when an hour is over its minutes to one for the hour; what is too old goes in the same go. So
the room is bounded: at most 8,640 + 527,040 + 8,784 rows for a listener that runs all year. A row takes
450 bytes where eight courts play and 125 where nothing comes (measured, SQLite, with its index), so 245 MB
at most; and each web process that runs as long leaves the same number of smaller rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import transaction

from events.latency import merged
from events.models_health import Sample


class Step(NamedTuple):
    """Rows of so many seconds each, kept for so long."""

    seconds: int
    kept: timedelta


STEPS = (
    Step(10, timedelta(days=1)),
    Step(60, timedelta(days=366)),
    Step(3600, timedelta(days=366)),
)
SECONDS = STEPS[0].seconds
#: Of what is too old, removed in one go: never a long transaction.
PRUNE = 500

AnySample = TypeVar("AnySample", bound=Sample)

# How each field of many rows becomes that of one.
_Rule = Callable[[Iterable[Any]], Any]


def _known(rule: Callable[..., Any]) -> _Rule:
    """What is not known does not count; None when nothing is."""
    return lambda values: rule((value for value in values if value is not None), default=None)


def _by_court(values: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for value in values:
        total.update(value)
    return dict(total)


def _histogram(values: Iterable[bytes]) -> bytes:
    return merged(values).pack()


_RULES: dict[str, _Rule] = {
    "covered_ms": sum,
    "memory_bytes": _known(max),
    "events": sum,
    "errors": sum,
    "peak": max,
    "latency": _histogram,
    "database": _histogram,
    "courts": _by_court,
    "backlog": _known(max),
    "kernel_drops": sum,
    "blind_ms": sum,
    "receive_buffer": _known(min),
    "sessions": _known(max),
    "memory_percent": _known(max),
    "disk_free": _known(min),
    "viewers": max,
}


def measured(model: type[Sample]) -> list[str]:
    """The fields of a sample that say something, beside whose and when."""
    return [field.attname for field in model._meta.concrete_fields if field.attname in _RULES]


def combined(model: type[AnySample], rows: Sequence[AnySample], step: int, at: datetime) -> AnySample:
    """One row of `step` seconds that says what all of them say; of one name, and at least one."""
    values = {name: _RULES[name](getattr(row, name) for row in rows) for name in measured(model)}
    return model(name=rows[0].name, step=step, at=at, **values)


def start_of(at: datetime, seconds: int) -> datetime:
    """The last multiple of `seconds` at or before a moment."""
    return datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, UTC)


class Keeper(Generic[AnySample]):
    """Writes the samples of one process, in the order of their time."""

    def __init__(self, model: type[AnySample], name: str) -> None:
        self.model = model
        self.name = name[:100]
        # Since when spans of each step may still have to be added up; None: ask the database.
        self._since: dict[int, datetime] | None = None

    def write(self, sample: AnySample) -> None:
        """Stores a row of the first step; what is there already for its span is added to.

        DatabaseError when the database does not take it.
        """
        # By the sample's own time: one that could not be written until now is still part of its minute.
        now = sample.at + timedelta(seconds=sample.step)
        with transaction.atomic():
            self._put(sample)
            since = self._roll_up(now)
        self._since = since
        self._prune(now)

    def _put(self, sample: AnySample) -> None:
        place = {"name": self.name, "step": sample.step, "at": sample.at}
        before = self.model._default_manager.filter(**place).first()
        if before is not None:
            sample = combined(self.model, [before, sample], sample.step, sample.at)
            sample.pk = before.pk
        sample.name = self.name
        sample.save()

    def _roll_up(self, now: datetime) -> dict[int, datetime]:
        since = dict(self._since or {step.seconds: self._rolled_until(step.seconds) for step in STEPS[1:]})
        for fine, coarse in pairwise(STEPS):
            until = start_of(now, coarse.seconds)
            if since[coarse.seconds] < until:
                self._add_up(fine.seconds, coarse.seconds, since[coarse.seconds], until)
                since[coarse.seconds] = until
        return since

    def _add_up(self, fine: int, coarse: int, since: datetime, until: datetime) -> None:
        """Makes the rows of `coarse` seconds between two moments from those of `fine` seconds."""
        samples = self.model._default_manager
        rows = samples.filter(name=self.name, step=fine, at__gte=since, at__lt=until).order_by("at")
        for at, group in groupby(rows, lambda row: start_of(row.at, coarse)):
            whole = combined(self.model, list(group), coarse, at)
            samples.update_or_create(
                name=self.name,
                step=coarse,
                at=at,
                defaults={name: getattr(whole, name) for name in measured(self.model)},
            )

    def _rolled_until(self, seconds: int) -> datetime:
        last = self.model._default_manager.filter(name=self.name, step=seconds).order_by("-at").first()
        return last.at + timedelta(seconds=seconds) if last else datetime.fromtimestamp(0, UTC)

    def _prune(self, now: datetime) -> None:
        """Of everybody's: those who never come back leave nothing behind either."""
        for step in STEPS:
            old = self.model._default_manager.filter(step=step.seconds, at__lt=now - step.kept)
            keys = list(old.order_by("at").values_list("pk", flat=True)[:PRUNE])
            if keys:
                self.model._default_manager.filter(pk__in=keys).delete()
