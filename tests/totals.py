"""Totals and figures counted from the events themselves, to hold against what was kept."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import Any

from events.models import ArchivedPssEvent, HourTally, Match, PssEvent

JUDGES = 99


def all_events() -> list[Any]:
    return list(chain(PssEvent.objects.all(), ArchivedPssEvent.objects.as_events()))


def hours() -> dict[tuple[Any, ...], list[int]]:
    """(day, court, status, hour) -> [events, points], as the hourly tallies have it."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for tally in HourTally.objects.filter(events__gt=0):
        row = found.setdefault((tally.day_id, tally.court_id, tally.status, tally.hour), [0, 0])
        row[0] += tally.events
        row[1] += tally.points
    return found


def counted_hours() -> dict[tuple[Any, ...], list[int]]:
    """The same, counted."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for event in all_events():
        hour = event.received_at.replace(minute=0, second=0, microsecond=0)
        row = found.setdefault((event.day_id, event.court_id, event.status, hour), [0, 0])
        row[0] += 1
        row[1] += event.kind == "point"
    return found


def figures() -> dict[int, Any]:
    """match id -> its figures as the row has them."""
    return dict(Match.objects.values_list("pk", "figures"))


def counted_figures() -> dict[int, Any]:
    """The same, counted."""
    found = {
        pk: {
            "hits": [0, 0],
            "hits_measured": [0, 0],
            "hit_sum": [0, 0],
            "hit_best": [0, 0],
            "points": [Counter(), Counter()],
            "points_sum": [0, 0],
        }
        for pk in Match.objects.values_list("pk", flat=True)
    }
    for event in all_events():
        if event.match_id is None or event.athlete not in (1, 2):
            continue
        of, side = found[event.match_id], event.athlete - 1
        if event.kind == "hit" and event.value is not None:
            of["hits"][side] += 1
            if 0 < event.value <= 100 and event.value != JUDGES:
                of["hits_measured"][side] += 1
                of["hit_sum"][side] += event.value
                of["hit_best"][side] = max(of["hit_best"][side], event.value)
        elif event.kind == "point":
            of["points"][side][event.details.get("technique") or "other"] += 1
            of["points_sum"][side] += event.details.get("points") or 0
    return {pk: {**of, "points": [dict(side) for side in of["points"]]} for pk, of in found.items()}
