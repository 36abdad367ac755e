"""Which events are moved to which day, as people give it on the page and in a terminal."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.http import urlencode

from events.moves import ALL_COURTS, Where
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
    def arguments(self) -> list[str]:
        """The options of `manage.py move_events` that say the same."""
        court, day = self.cleaned_data["court"], self.chosen_day
        where = {ALL: [], WITHOUT: ["--without-court"]}.get(court)
        where = ["--court", str(self.courts[court].number)] if where is None else where
        there = ["--tournament", day.tournament.slug, "--day", str(day.number)] if day else ["--no-day"]
        start, end = (self.cleaned_data[name].isoformat() for name in ("start", "end"))
        return [*where, "--from", start, "--to", end, *there]

    @property
    def query(self) -> str:
        """The query string that fills the form in as it is."""
        return urlencode({name: self.data.get(name, "") for name in self.fields})

    def problem(self) -> str:
        """The first thing that is wrong, in words."""
        return next((str(error) for errors in self.errors.values() for error in errors), "")

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
