"""What was hit and scored in matches whose rows do not say: counted from their events.

The importer keeps the figures of every match it writes. Only matches stored before there were any, or
restored from a backup of that time, and those whose events were read anew or added by a merge have to be
counted.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db import transaction
from django.db.models import F

from events.kinds import Kind
from events.models import ArchivedPssEvent, Match, PssEvent
from events.scoreboard import Scoreboard

#: Kinds of events that figures are made of: an echo may say that a kick was a technical one.
COUNTED = frozenset((Kind.HIT, Kind.POINT, Kind.ECHO))
#: Matches counted in one transaction, which on SQLite keeps the importer waiting for so long.
SLICE = 20

Figures = dict[str, Any]


def count(match_ids: Collection[int], *, using: str = "default") -> None:
    """Counts the figures of these matches anew and stores them.

    In one transaction with what changed the events. Events and figures are read behind the lock on the
    match's row, which everybody takes who changes either; an importer that has them in memory learns of it
    by `Match.recounts`.
    """
    for part in _parts(sorted(match_ids)):
        with transaction.atomic(using=using):
            matches = Match.objects.using(using).filter(pk__in=part).order_by("pk").select_for_update()
            locked = list(matches.values_list("pk", flat=True))
            for pk, figures in _counted(locked, using).items():
                Match.objects.using(using).filter(pk=pk).update(figures=figures, recounts=F("recounts") + 1)


def count_missing(stop: threading.Event | None = None) -> int:
    """Counts the matches that have no figures yet, some at a time; returns how many."""
    stop = stop or threading.Event()
    done = 0
    last = 0
    while not stop.is_set():
        missing = Match.objects.filter(figures__isnull=True, pk__gt=last).order_by("pk")
        ids = list(missing.values_list("pk", flat=True)[:SLICE])
        if not ids:
            break
        count(ids)
        done += len(ids)
        last = ids[-1]
        # The importer gets its turn.
        stop.wait(0.02)
    return done


def figures_of(matches: Iterable[Match]) -> dict[int, Figures]:
    """match id -> its figures; of those that are not counted yet they are counted now, and not stored."""
    matches = list(matches)
    missing = [match.pk for match in matches if match.figures is None]
    counted: dict[int, Figures] = {}
    for part in _parts(missing):
        counted |= _counted(part, "default")
    return {match.pk: counted[match.pk] if match.figures is None else match.figures for match in matches}


def _parts(ids: list[int]) -> Iterable[list[int]]:
    return (ids[first : first + SLICE] for first in range(0, len(ids), SLICE))


def _counted(match_ids: Collection[int], using: str) -> dict[int, Figures]:
    live = PssEvent.objects.using(using).filter(match__in=match_ids, kind__in=COUNTED)
    archived = ArchivedPssEvent.objects.using(using).as_events()
    archived = archived.filter(match__in=match_ids, reading__kind__in=COUNTED)
    # While a match is being archived it has events in both tables, and one may be met in both.
    found: dict[int | None, dict[int, Any]] = defaultdict(dict)
    for events in (live, archived):
        for event in events.order_by().iterator():
            found[event.match_id][event.pk] = event
    return {pk: Scoreboard.fold(found[pk][key] for key in sorted(found[pk])).figures() for pk in match_ids}
