"""Which events are moved to which day, as people give it on the page and in a terminal."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.http import urlencode

from events import moves
from tournaments.forms import ALL_COURTS, WhereForm

WITHOUT = "without"


class MoveForm(WhereForm):
    """Where, from when to when, and to which day. Times are of the target's tournament."""

    court = forms.ChoiceField(error_messages={"required": "Choose a court, or all courts."})
    start = forms.CharField()
    end = forms.CharField()
    day = forms.ChoiceField(error_messages={"required": "Choose the day they belong to."})

    more_courts = ((WITHOUT, "Events without a court"),)

    @property
    def where(self) -> moves.Where:
        court = self.cleaned_data["court"]
        if court == ALL_COURTS:
            return moves.ALL_COURTS
        return None if court == WITHOUT else int(court)

    @property
    def where_words(self) -> str:
        court = self.cleaned_data["court"]
        return {ALL_COURTS: "all courts", WITHOUT: "no court"}.get(court) or str(self.courts[court])

    @property
    def arguments(self) -> list[str]:
        """The options of `manage.py move_events` that say the same."""
        court, day = self.cleaned_data["court"], self.chosen_day
        where = {ALL_COURTS: [], WITHOUT: ["--without-court"]}.get(court)
        where = ["--court", str(self.courts[court].number)] if where is None else where
        there = ["--tournament", day.tournament.slug, "--day", str(day.number)] if day else ["--no-day"]
        start, end = (self.cleaned_data[name].isoformat() for name in ("start", "end"))
        return [*where, "--from", start, "--to", end, *there]

    @property
    def query(self) -> str:
        """The query string that fills the form in as it is."""
        return urlencode({name: self.data.get(name, "") for name in self.fields})

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
