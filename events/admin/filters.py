"""The filters of the list of events.

`INDEXED` are the parameters that an index answers; with the others the list bounds its search.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter, TextFilter
from unfold.widgets import UnfoldAdminTextInputWidget

from events.asked import key_of
from events.kinds import Kind, Side, Status
from events.models import Match, PssEvent
from tournaments.models import Court, Tournament, TournamentDay

Events = QuerySet[PssEvent]
NONE = "none"
# More matches than this under one athlete's name or number are not told apart.
MATCHES = 200


class TournamentFilter(DropdownFilter):  # type: ignore[misc]  # the theme has no types
    title = "tournament"
    parameter_name = "tournament"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Tournament.objects.values_list("pk", "name")[:100]]

    def queryset(self, request: HttpRequest, events: Events) -> Events:
        return events.filter(tournament_id=key_of(self.value())) if self.value() else events


class DayFilter(DropdownFilter):  # type: ignore[misc]
    title = "day"
    parameter_name = "day"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        days = TournamentDay.objects.select_related("tournament").order_by("-date", "tournament")
        if tournament := key_of(request.GET.get("tournament")):
            days = days.filter(tournament=tournament)
        return [(NONE, "No day"), *((str(day.pk), str(day)) for day in days[:200])]

    def queryset(self, request: HttpRequest, events: Events) -> Events:
        return on_day(events, self.value())


def on_day(events: Events, value: str | None) -> Events:
    if not value:
        return events
    if value == NONE:
        return events.filter(tournament=None, day=None)
    day = TournamentDay.objects.filter(pk=key_of(value)).first()
    return events.for_day(day) if day else events.none()  # type: ignore[attr-defined]


class CourtFilter(DropdownFilter):  # type: ignore[misc]
    title = "court"
    parameter_name = "court"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*((str(court.pk), str(court)) for court in Court.objects.all()), (NONE, "Without a court")]

    def queryset(self, request: HttpRequest, events: Any) -> Any:
        if not self.value():
            return events
        return events.filter(court=None if self.value() == NONE else key_of(self.value()))


class KindFilter(DropdownFilter):  # type: ignore[misc]
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("eventful", "All but clock ticks"), *Kind.choices]

    def queryset(self, request: HttpRequest, events: Events) -> Events:
        if self.value() == "eventful":
            return events.without_ticks()  # type: ignore[attr-defined,no-any-return]
        return events.filter(kind=self.value()) if self.value() else events


class SideFilter(DropdownFilter):  # type: ignore[misc]
    title = "side"
    parameter_name = "side"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(Side.BLUE.value), "Blue"), (str(Side.RED.value), "Red")]

    def queryset(self, request: HttpRequest, events: Events) -> Events:
        return events.filter(athlete=key_of(self.value())) if self.value() else events


class StatusFilter(DropdownFilter):  # type: ignore[misc]
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("problem", "All but recognized"), *Status.choices]

    def queryset(self, request: HttpRequest, events: Events) -> Events:
        value = self.value()
        if not value:
            return events
        if value == Status.RECOGNIZED:
            return events.filter(status=value)
        # The partial index is used only where its own condition is written out.
        events = events.exclude(status=Status.RECOGNIZED)
        return events if value == "problem" else events.filter(status=value)


class MatchFilter(TextFilter):  # type: ignore[misc]
    """A match number, as on the scoreboard; `#12` is the match with that key, as links have it."""

    title = "match number"
    parameter_name = "match"

    def queryset(self, request: HttpRequest, events: Events) -> Events:
        value = (self.value() or "").strip()
        if not value:
            return events
        if value.startswith("#"):
            return events.filter(match_id=key_of(value[1:]))
        return events.filter(match__in=_matches(request, Q(number__iexact=value)))


class AthleteFilter(TextFilter):  # type: ignore[misc]
    title = "athlete’s name"
    parameter_name = "athlete"

    def queryset(self, request: HttpRequest, events: Events) -> Events:
        name = (self.value() or "").strip()
        if not name:
            return events
        blue = _matches(request, Q(blue__name__icontains=name) | Q(blue__short_name__icontains=name))
        red = _matches(request, Q(red__name__icontains=name) | Q(red__short_name__icontains=name))
        return events.filter(Q(match__in=blue, athlete=Side.BLUE) | Q(match__in=red, athlete=Side.RED))


def _matches(request: HttpRequest, where: Q) -> list[int]:
    """Keys of the newest matches of the chosen day or tournament."""
    matches = Match.objects.filter(where)
    day, tournament = request.GET.get("day"), request.GET.get("tournament")
    if day:
        matches = matches.filter(day=None if day == NONE else key_of(day))
    elif tournament:
        matches = matches.filter(day__tournament=key_of(tournament))
    return list(matches.order_by("-loaded_at").values_list("pk", flat=True)[:MATCHES])


class TimeForm(forms.Form):
    """From and to, to the second, in the time zone of the page."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__(data)
        for name, label in (("from", "Received from"), ("to", "Received up to")):
            widget = UnfoldAdminTextInputWidget(attrs={"type": "datetime-local", "step": "1"})
            widget.input_type = "datetime-local"
            self.fields[name] = forms.CharField(label=label, required=False, widget=widget)


class TimeFilter(admin.ListFilter):
    title = "time"
    template = "unfold/filters/filters_field.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in ("from", "to"):
            if name in params:
                value = params.pop(name)
                self.used_parameters[name] = value[-1] if isinstance(value, list) else value

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return ["from", "to"]

    def queryset(self, request: HttpRequest, events: Events) -> Events:
        start, end = (moment(str(self.used_parameters.get(name, ""))) for name in ("from", "to"))
        if start:
            events = events.filter(received_at__gte=start)
        return events.filter(received_at__lt=end) if end else events

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        yield {"form": TimeForm({name: self.used_parameters.get(name, "") for name in ("from", "to")})}


def moment(text: str | None) -> datetime | None:
    """A typed date and time in the time zone of the page; None when it is not one."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    if not 1970 <= found.year <= 9000:
        # Far away, a database no longer understands the time once it is turned into UTC.
        return None
    return timezone.make_aware(found) if timezone.is_naive(found) else found


INDEXED = {"tournament", "day", "match", "athlete", "status", "from", "to"}
UNINDEXED = {"court", "side", "kind"}
EVENT_FILTERS = [
    TournamentFilter,
    DayFilter,
    CourtFilter,
    MatchFilter,
    AthleteFilter,
    SideFilter,
    KindFilter,
    StatusFilter,
    TimeFilter,
]
