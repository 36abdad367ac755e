"""The list of events and the page of one event."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.formats import date_format
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from events import sheets
from events.admin.bounded import BoundedAdmin, BoundedChangeList, newest
from events.admin.filters import EVENT_FILTERS, INDEXED, UNINDEXED, CourtFilter, moment
from events.admin.lines import lines
from events.archive.seeing import find_event, lacks_neighbours, neighbours
from events.asked import key_of
from events.details import detail_rows, value_text
from events.kinds import Status
from events.models import ArchivedPssEvent, HourTally, PssEvent
from events.moves import days_with_events
from events.reader import reader
from events.words import clock_text, describe
from tournaments.adminbase import column
from tournaments.models import TournamentDay

NEIGHBOURS = 5
HEX_BYTES = 2048
STATUS_COLOURS = {
    Status.RECOGNIZED: "success",
    Status.PARTIAL: "warning",
    Status.UNKNOWN: "danger",
    Status.MALFORMED: "danger",
}


class EventChangeList(BoundedChangeList):
    #: Whether it looks only so far back; a file goes all the way.
    is_bounded = True
    #: Days that have events in the time asked for, and are not shown.
    other_days: list[TournamentDay | None] = []
    #: Whether it shows only the newest of the days that were asked for.
    is_newest_day = False

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[PssEvent]:
        events: QuerySet[PssEvent] = super().get_queryset(request, exclude_parameters)
        asked = {name for name in self.filter_params if any(self.filter_params[name])}
        on_day = Q()
        if (asked & {"from", "to"}) and not asked & {"tournament", "day", "match", "athlete"}:
            on_day = self._newest_day_in_time()
            events = events.filter(on_day)
        if not (self.is_bounded and (asked & UNINDEXED or self.query)):
            return events
        order = event_order(request)
        if not asked & {"day", "match", "athlete", "from", "to"} and not asks_for_problems(request):
            on_day, order = self._newest_day(request), "received_at"
            events = events.filter(on_day).order_by("-received_at", "-id")
        base: QuerySet[PssEvent] = self.root_queryset.filter(on_day)
        for spec in self.filter_specs:
            if set(spec.expected_parameters()) & INDEXED:
                base = spec.queryset(request, base)
        self.bound = newest(base, order)
        return events if self.bound is None else events.filter(**{f"{order}__gt": self.bound.oldest})

    def _newest_day(self, request: HttpRequest) -> Q:
        """The day, of the court and the tournament asked for, with the newest events; the totals know it.

        The index of days knows courts, sides and kinds too: along the keys each event would have to be read.
        """
        totals = HourTally.objects.filter(events__gt=0)
        for spec in self.filter_specs:
            if isinstance(spec, CourtFilter):
                totals = spec.queryset(request, totals)
        if tournament := self.filter_params.get("tournament", [""])[-1]:
            totals = totals.filter(day__tournament=key_of(tournament))
        newest_of = totals.order_by("-hour").values_list("day__tournament", "day")
        newest_day = newest_of.first()
        if newest_day is None:
            return Q(pk__in=[])
        self.is_newest_day = True
        return Q(tournament=newest_day[0], day=newest_day[1])

    def _newest_day_in_time(self) -> Q:
        """The last day with events in the time asked for, since no index knows time alone."""
        start = moment(self.filter_params.get("from", [""])[-1])
        end = moment(self.filter_params.get("to", [""])[-1])
        if start is None and end is None:
            return Q()
        keys = days_with_events(start, end)
        if not keys:
            return Q(pk__in=[])
        days = TournamentDay.objects.select_related("tournament").in_bulk([key for key in keys if key])
        found = [days.get(key) if key else None for key in keys]
        found.sort(key=lambda day: day.date if day else date.min, reverse=True)
        shown, *self.other_days = found
        return Q(tournament=shown.tournament if shown else None, day=shown)


def event_order(request: HttpRequest) -> str:
    """The column an index can give the newest of: of a match, a day, a tournament, the problems."""
    asked = {name for name, value in request.GET.items() if value}
    if asked & {"match", "athlete", "day", "tournament", "from", "to"}:
        return "received_at"
    return "received_at" if asks_for_problems(request) else "id"


def asks_for_problems(request: HttpRequest) -> bool:
    return request.GET.get("status", "") not in ("", Status.RECOGNIZED)


@admin.register(PssEvent)
class PssEventAdmin(BoundedAdmin):
    sheet = sheets.EVENTS
    list_display = ["time", "where", "match_number", "words", "clock", "understood", "raw_text"]
    list_display_links = ["time", "words"]
    list_filter = EVENT_FILTERS
    list_select_related = ["court", "match", "tournament"]
    list_before_template = "events/_event_list_head.html"
    search_fields = ["raw"]
    search_help_text = "Words in the raw message"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BoundedChangeList]:
        return EventChangeList

    def get_ordering(self, request: HttpRequest) -> list[str]:
        order = event_order(request)
        return ["-id"] if order == "id" else [f"-{order}", "-id"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[PssEvent], search_term: str
    ) -> tuple[QuerySet[PssEvent], bool]:
        """The text as typed, spaces and all: what is looked for is a piece of a message."""
        term = search_term.strip()
        return (queryset.filter(raw__icontains=term) if term else queryset), False

    @column("time")
    def time(self, event: PssEvent) -> str:
        zone = event.tournament.tz if event.tournament else timezone.get_current_timezone()
        at = timezone.localtime(event.received_at, zone)
        tenth = f"{at:%H:%M:%S}.{at.microsecond // 100_000}"
        today = timezone.localdate(timezone=zone)
        text = tenth if at.date() == today else f"{date_format(at, 'j M Y')} {tenth}"
        return format_html('<span class="rs-figures">{}</span>', text)

    @column("court")
    def where(self, event: PssEvent) -> str:
        return format_html('<span class="rs-figures">{}</span>', event.court or "—")

    @column("match")
    def match_number(self, event: PssEvent) -> str:
        if event.match is None:
            return "—"
        return format_html(
            '<a href="{}">{}</a>', event.match.get_absolute_url(), event.match.number or "no number"
        )

    @column("what happened")
    def words(self, event: PssEvent) -> str:
        side = {1: "rs-blue", 2: "rs-red"}.get(event.athlete, "")
        return format_html('<span class="{}">{}</span>', side, describe(event))

    @column("round, clock")
    def clock(self, event: PssEvent) -> str:
        if event.round is None and event.clock_ms is None:
            return "—"
        shown = f"R{event.round} " if event.round else ""
        shown += clock_text(event.clock_ms) if event.clock_ms is not None else ""
        return format_html('<span class="rs-figures">{}</span>', shown)

    @column("status", label=STATUS_COLOURS)
    def understood(self, event: PssEvent) -> tuple[str, str] | None:
        # Nearly all are recognized; only the others are worth a mark.
        return None if event.status == Status.RECOGNIZED else (event.status, event.get_status_display())

    @column("raw")
    def raw_text(self, event: PssEvent) -> str:
        text = event.raw if len(event.raw) <= 40 else event.raw[:40] + "…"
        return format_html('<code class="rs-raw">{}</code>', text)

    @method_decorator(require_safe)
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        related = ("court", "match", "tournament", "day__tournament", "session__node")
        event = find_event(key_of(object_id), *related)
        if event is None:
            raise Http404("There is no such event.")
        if event.tournament:
            timezone.activate(event.tournament.tz)
        near = neighbours(event, NEIGHBOURS)
        context = {
            **self.admin_site.each_context(request),
            "title": "Event",
            "event": event,
            "words": describe(event),
            "value": value_text(event),
            "details": detail_rows(event),
            "clock": clock_text(event.clock_ms) if event.clock_ms is not None else "",
            "hex": _hex_lines(event.raw),
            "neighbours": lines(near),
            "lacks_neighbours": lacks_neighbours(event, near, NEIGHBOURS),
            "archived": isinstance(event, ArchivedPssEvent),
        }
        return TemplateResponse(request, "events/event.html", context)


def _hex_lines(raw: str) -> list[tuple[str, str, str]]:
    """(offset, bytes in hexadecimal, the same as text) for each 16 bytes of the message as it came."""
    data = reader().to_bytes(raw)
    lines = []
    for start in range(0, min(len(data), HEX_BYTES), 16):
        piece = data[start : start + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in piece)
        lines.append((f"{start:04x}", piece.hex(" "), text))
    if len(data) > HEX_BYTES:
        lines.append(("…", f"{len(data) - HEX_BYTES:,} bytes more", ""))
    return lines
