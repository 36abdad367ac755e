"""Events as lines of a timeline: made in one place, since a match's page shows hundreds of them.

Left to the template, looking up a dozen attributes, two dates and an address for each event takes
three quarters of the time of that page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.urls import reverse
from django.utils import timezone

from events.archive.seeing import Event
from events.kinds import Side, Status
from events.words import describe

_RAW_SHOWN = 48
_SIDES = {Side.BLUE.value: "rs-blue", Side.RED.value: "rs-red"}


class Line(NamedTuple):
    """What `events/_timeline_row.html` shows; `time` in the time zone in force, to the tenth of a second."""

    pk: int
    time: str
    side: str
    url: str
    words: str
    raw: str
    problem: str


def lines(events: Iterable[Event]) -> list[Line]:
    zone = timezone.get_current_timezone()
    # The same address as `get_absolute_url` gives, asked for once.
    url = reverse("admin:events_pssevent_change", args=[0]).replace("/0/", "/{}/")
    made = []
    for event in events:
        at = event.received_at.astimezone(zone)
        raw = event.raw
        made.append(
            Line(
                event.pk,
                f"{at:%H:%M:%S}.{at.microsecond // 100_000}",
                _SIDES.get(event.athlete, ""),
                url.format(event.pk),
                describe(event),
                raw if len(raw) <= _RAW_SHOWN else raw[: _RAW_SHOWN - 1] + "…",
                "" if event.status == Status.RECOGNIZED.value else event.get_status_display(),
            )
        )
    return made
