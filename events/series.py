"""The history as lines of a chart: so many points, and None where nobody measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from events.history import STEPS, start_of
from events.latency import merged
from events.models import ListenerSample, WebSample
from events.models_health import Sample


class Range(NamedTuple):
    """What a chart can show: its span, the step it is read from and the seconds of one point."""

    title: str
    span: timedelta
    step: int
    point: int


RANGES = {
    "10m": Range("10 minutes", timedelta(minutes=10), 10, 10),
    "1h": Range("1 hour", timedelta(hours=1), 10, 10),
    "24h": Range("24 hours", timedelta(days=1), 60, 120),
    "1y": Range("1 year", timedelta(days=366), 3600, 12 * 3600),
}
#: The lines, in the units that charts are labelled with: MB, ms, events a second, percent.
LINES = (
    "rate",
    "peak",
    "p50",
    "p95",
    "p99",
    "database_p50",
    "database_p95",
    "database_p99",
    "backlog",
    "listener_mb",
    "web_mb",
    "memory_percent",
    "viewers",
    "drops",
    "errors_percent",
)


def read(about: Range, now: datetime, node: str = "") -> dict[str, list[Any]]:
    """`t`, seconds since 1970, and each of `LINES`; of one listener, or of all. Two queries.

    Counts of several listeners are added, of latencies all are taken together.
    """
    end = start_of(now, about.point)
    begin = start_of(now - about.span, about.point) + timedelta(seconds=about.point)
    points = [begin + timedelta(seconds=about.point * n) for n in range((end - begin) // _seconds(about) + 1)]
    listeners = _samples(ListenerSample, about, begin, now).defer("courts")
    if node:
        listeners = listeners.filter(name=node)
    by_point = _by_point(listeners, about.point)
    web = _by_point(_samples(WebSample, about, begin, now), about.point)
    if points and points[-1] not in by_point and points[-1] not in web:
        # It has only just begun; what is missing there is no gap.
        points.pop()
    rows = [_point(by_point.get(at, []), web.get(at, [])) for at in points]
    return {
        "t": [int(at.timestamp()) for at in points],
        **{name: [row.get(name) for row in rows] for name in LINES},
    }


def _seconds(about: Range) -> timedelta:
    return timedelta(seconds=about.point)


def _samples(model: type[Any], about: Range, begin: datetime, now: datetime) -> QuerySet[Any]:
    """Rows of the step of the range, and for what is not yet added up to one, of the finer steps."""
    wanted, until = Q(pk__in=[]), now
    for step in STEPS:
        if step.seconds >= about.step:
            wanted |= Q(step=step.seconds, at__gte=begin, at__lte=until)
            break
        coarser = STEPS[STEPS.index(step) + 1].seconds
        since = max(start_of(now, coarser), begin)
        wanted |= Q(step=step.seconds, at__gte=since, at__lte=until)
        until = since - timedelta(microseconds=1)
    rows: QuerySet[Any] = model.objects.filter(wanted).order_by("at")
    return rows


def _by_point(rows: Iterable[Any], seconds: int) -> dict[datetime, list[Any]]:
    by_point: dict[datetime, list[Any]] = {}
    for row in rows:
        by_point.setdefault(start_of(row.at, seconds), []).append(row)
    return by_point


def _point(listeners: Sequence[ListenerSample], web: Sequence[WebSample]) -> dict[str, float | None]:
    point: dict[str, float | None] = {}
    if listeners:
        events = sum(row.events for row in listeners)
        point = {
            "rate": _added(listeners, _rate),
            "peak": max(row.peak for row in listeners),
            "backlog": _added(listeners, lambda rows: _most(row.backlog for row in rows)),
            "listener_mb": _added(listeners, _megabytes),
            "memory_percent": _most(row.memory_percent for row in listeners),
            "drops": sum(row.kernel_drops for row in listeners),
            "errors_percent": 100 * sum(row.errors for row in listeners) / events if events else None,
        }
        for prefix, packed in (
            ("", [row.latency for row in listeners]),
            ("database_", [row.database for row in listeners]),
        ):
            if found := merged(packed).percentiles():
                point |= {f"{prefix}{name}": value for name, value in found._asdict().items()}
    if web:
        point["viewers"] = _added(web, lambda rows: max(row.viewers for row in rows))
        point["web_mb"] = _added(web, _megabytes)
    return {name: value if value is None else round(value, 2) for name, value in point.items()}


def _rate(rows: Sequence[ListenerSample]) -> float | None:
    covered_ms = sum(row.covered_ms for row in rows)
    return sum(row.events for row in rows) * 1000 / covered_ms if covered_ms else None


def _megabytes(rows: Sequence[Sample]) -> float | None:
    most = _most(row.memory_bytes for row in rows)
    return None if most is None else most / 1e6


def _added(rows: Sequence[Any], value: Callable[[list[Any]], float | None]) -> float | None:
    """The sum of `value` over processes; None when it is not known of any."""
    by_name: dict[str, list[Any]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    known = [number for mine in by_name.values() if (number := value(mine)) is not None]
    return sum(known) if known else None


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def sparkline(values: Sequence[float | None], width: int = 180, height: int = 32) -> list[str]:
    """The `points` of SVG polylines, from the left; a line ends where a value is not known."""
    highest = max((value for value in values if value is not None), default=0) or 1
    across = width / max(len(values) - 1, 1)
    lines: list[list[str]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            lines.append([])
        else:
            lines[-1].append(f"{place * across:.1f},{height - 2 - value / highest * (height - 4):.1f}")
    # A point alone would not be seen.
    return [" ".join(line if len(line) > 1 else [*line, *line]) for line in lines if line]
