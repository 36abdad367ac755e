"""Moving events to another day: a form, what would happen in numbers, and doing exactly that."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from events.models import EventMove
from events.moves import (
    ALL_COURTS,
    ArchivedEventsError,
    NumbersChangedError,
    Preview,
    Where,
    move_events,
    preview,
)
from tournaments.forms import NO_DAY, by_tournament
from tournaments.models import Court, TournamentDay

ALL, WITHOUT = "all", "without"


class MoveForm(forms.Form):
    """Where, from when to when, and to which day. Times are of the target's tournament."""

    court = forms.ChoiceField(error_messages={"required": "Choose a court, or all courts."})
    start = forms.CharField()
    end = forms.CharField()
    day = forms.ChoiceField(error_messages={"required": "Choose the day they belong to."})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.courts = {str(court.pk): court for court in Court.objects.all()}
        self.days = {str(day.pk): day for day in TournamentDay.objects.select_related("tournament")}
        court, day = self.fields["court"], self.fields["day"]
        assert isinstance(court, forms.ChoiceField)
        assert isinstance(day, forms.ChoiceField)
        court.choices = [
            (ALL, "All courts"),
            *((pk, str(c)) for pk, c in self.courts.items()),
            (WITHOUT, "Events without a court"),
        ]
        day.choices = [(NO_DAY, "No day"), *by_tournament(self.days.values())]

    @property
    def chosen_day(self) -> TournamentDay | None:
        return self.days.get(self.cleaned_data["day"])

    @property
    def where(self) -> Where:
        court = self.cleaned_data["court"]
        return {ALL: ALL_COURTS, WITHOUT: None}[court] if court in (ALL, WITHOUT) else int(court)

    @property
    def where_words(self) -> str:
        court = self.cleaned_data["court"]
        return {ALL: "all courts", WITHOUT: "no court"}.get(court) or str(self.courts[court])

    @property
    def tz(self) -> ZoneInfo:
        day = self.days.get(self.data.get("day", ""))
        return day.tournament.tz if day else ZoneInfo(timezone.get_current_timezone_name())

    def clean_start(self) -> datetime:
        return self._moment("start", "The beginning")

    def clean_end(self) -> datetime:
        return self._moment("end", "The end")

    def _moment(self, name: str, words: str) -> datetime:
        try:
            moment = datetime.fromisoformat(self.cleaned_data[name])
        except ValueError:
            raise forms.ValidationError(f"{words} is not a date and time.") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.tz)
        if not 2000 <= moment.year <= 2200:
            raise forms.ValidationError(f"{words} lies in the year {moment.year}. Check it.")
        return moment

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        start, end = cleaned.get("start"), cleaned.get("end")
        if start and end and end <= start:
            self.add_error("end", "The end must be after the beginning.")
        if end and end > timezone.now():
            self.add_error(
                "end", "The end lies in the future. What is still to come is decided on the context page."
            )
        return cleaned


@require_http_methods(["GET", "POST"])
def move_page(request: HttpRequest) -> HttpResponse:
    """GET: the form, and with its fields filled the preview. POST: the move, if the numbers still hold."""
    if not request.user.has_perm("events.move_events"):
        raise PermissionDenied
    asked = request.POST if request.method == "POST" else request.GET
    form = MoveForm(asked if "court" in asked else None)
    shown: Preview | None = None
    if form.is_bound and form.is_valid():
        args = form.where, form.cleaned_data["start"], form.cleaned_data["end"], form.chosen_day
        if request.method == "POST":
            try:
                return _move(request, form)
            except ArchivedEventsError:
                pass  # the preview below says it
            except NumbersChangedError as error:
                shown = error.now
                messages.warning(request, "Nothing was moved: the numbers have changed since. Look again.")
            except OperationalError:
                messages.error(request, "Nothing was moved: the database was busy. Try again in a moment.")
        shown = shown or preview(*args)
    if form.is_bound:
        timezone.activate(form.tz)
    return TemplateResponse(request, "events/move.html", _context(request, form, shown))


def _context(request: HttpRequest, form: MoveForm, shown: Preview | None) -> dict[str, Any]:
    return {
        **admin.site.each_context(request),
        "title": "Move events to another day",
        "form": form,
        "preview": shown,
        "zone": form.tz if form.is_bound else timezone.get_current_timezone_name(),
        "now": timezone.now(),
        "history": EventMove.objects.select_related("day__tournament", "court", "user")[:20],
    }


def _move(request: HttpRequest, form: MoveForm) -> HttpResponse:
    try:
        expected = int(request.POST.get("expected_events", "")), int(request.POST.get("expected_matches", ""))
    except ValueError:
        # Somebody came here without having seen any numbers.
        expected = (-1, -1)
    user = request.user
    assert isinstance(user, User)
    cleaned = form.cleaned_data
    move = move_events(form.where, cleaned["start"], cleaned["end"], form.chosen_day, user, expected=expected)
    day = form.chosen_day
    messages.success(
        request,
        f"Moved {move.events:,} event{'' if move.events == 1 else 's'} and {move.matches:,} "
        f"match{'' if move.matches == 1 else 'es'} of {form.where_words} to {day or 'no day'}.",
    )
    return redirect("move_events")
