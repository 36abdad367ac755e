"""Stories for pages: read from the events, live or archived, and kept until something changes.

A match's totals say when: every event that comes, and every one that is read anew, moves one of them.
"""

from __future__ import annotations

import gzip
import hashlib
from operator import attrgetter
from typing import Any

import msgspec
from django.core.cache import cache
from django.db.models import Sum

from events.models import ArchivedPssEvent, EventTally, Match, PssEvent
from events.story import Heard, tell

# A match has 700 to 2,000 events; a sender that never loads one must not fill the memory.
MOST_EVENTS = 20_000
# Raised when a story is told otherwise than before.
_VERSION = 2
# Seconds. Only so that what nobody asks for any more does not stay for ever.
_KEPT = 6 * 3600

_COLUMNS = Heard._fields
_ARCHIVED = {
    "stream": "reading__stream",
    "kind": "reading__kind",
    "details": "reading__details",
    "error": "reading__error",
}
_order = attrgetter("received_at", "id")


def mark(match: Match) -> str:
    """Stays the same as long as the match's story does."""
    sums = (
        EventTally.objects.filter(match=match)
        .order_by("kind", "status")
        .values_list("kind", "status")
        .annotate(total=Sum("events"))
    )
    text = repr((_VERSION, match.pk, [row for row in sums if row[2]]))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def story_text(match: Match, marked: str) -> bytes:
    """The story as JSON (`events.story.Story`), compressed with gzip; `marked` is its `mark`."""
    key = f"story:{match.pk}:{marked}"
    text: bytes | None = cache.get(key)
    if text is None:
        events = heard_of(match)
        story = tell(events[:MOST_EVENTS], is_cut=len(events) > MOST_EVENTS)
        text = gzip.compress(msgspec.json.encode(story), 1, mtime=0)
        cache.set(key, text, _KEPT)
    return text


def heard_of(match: Match) -> list[Heard]:
    """The match's events in the order they came, as rows; one more than `MOST_EVENTS` at most."""
    live: Any = PssEvent.objects.filter(match=match).order_by("received_at", "id")
    found = {row[0]: Heard._make(row) for row in live.values_list(*_COLUMNS)[: MOST_EVENTS + 1]}
    # Only while it is being moved does a match have both; live first, so that none is missed.
    archived: Any = ArchivedPssEvent.objects.filter(match=match).order_by("received_at", "id")
    names = [_ARCHIVED.get(name, name) for name in _COLUMNS]
    place = _COLUMNS.index("details")
    for *row, own in archived.values_list(*names, "own_details")[: MOST_EVENTS + 1]:
        if own is not None:
            row[place] = own
        found.setdefault(row[0], Heard._make(row))
    return sorted(found.values(), key=_order)[: MOST_EVENTS + 1]
