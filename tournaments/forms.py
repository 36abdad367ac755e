"""What staff type: a tournament, and which day is in force where."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable
from functools import cache
from typing import Any

from django import forms
from django.db import router
from django.db.models import ProtectedError
from django.db.models.deletion import Collector
from django.utils.formats import date_format
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.widgets import UnfoldAdminSelectWidget

from tournaments.models import Court, Tournament, TournamentDay

ALL_COURTS = "all"
NO_DAY = "none"
OPTION = '<option value="{}">{}</option>'


@cache
def time_zone_options() -> str:
    """By continent, without the names that only old systems use. Asking the system reads 600 files."""
    groups: dict[str, list[tuple[str, str]]] = {"Everywhere": [("UTC", "UTC")]}
    for name in sorted(zoneinfo.available_timezones()):
        continent, _, city = name.partition("/")
        if city and continent not in {"Etc", "SystemV", "US", "posix", "right"}:
            groups.setdefault(continent, []).append((name, city.replace("_", " ")))
    return format_html_join(
        "",
        '<optgroup label="{}">{}</optgroup>',
        ((continent, format_html_join("", OPTION, zones)) for continent, zones in groups.items()),
    )


class TimeZoneSelect(UnfoldAdminSelectWidget):  # type: ignore[misc]  # the theme has no types
    """A select whose hundreds of options do not go through a template each, which took half of the page."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        options = time_zone_options()
        if value:
            chosen = f'value="{escape(value)}"'
            if chosen not in options:
                options = format_html(OPTION, value, value) + options
            options = options.replace(f"{chosen}>", f"{chosen} selected>", 1)
        frame = super().render(name, value, attrs, renderer)
        before, end, after = frame.rpartition("</select>")
        return mark_safe(f"{before}{options}{end}{after}")  # noqa: S308  all parts are escaped


class TournamentForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable when it runs
    class Meta:
        model = Tournament
        fields = (
            "name",
            "start_date",
            "end_date",
            "time_zone",
            "city",
            "country",
            "venue",
            "status",
            "notes",
            "slug",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Absent for those who may only look.
        if zone := self.fields.get("time_zone"):
            zone.widget = TimeZoneSelect()
            zone.help_text = "All times of this tournament are shown in it."

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).strip().upper()

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors and self.instance.pk and (problem := days_in_use(self.instance)):
            self.add_error(None, problem)


def days_in_use(tournament: Tournament) -> str:
    """Why the days that the new dates would remove cannot go; '' when they can.

    Days with events are already refused by the model.
    """
    using = router.db_for_write(TournamentDay)
    for day in tournament.days_outside():
        try:
            Collector(using=using, origin=day).collect([day])
        except ProtectedError as error:
            # Totals of events that have since been moved away are zero, and go with the day.
            if any(getattr(used, "events", 1) for used in error.protected_objects):
                return (
                    f"Day {day.number} ({date_format(day.date, 'D j M')}) has been in use: "
                    "it was made active, or events were moved to it. Keep it inside the dates."
                )
    return ""


class WhereForm(forms.Form):
    """What forms about events have in common: where they come from, and the day (or none) they belong to."""

    #: Choices of `court` beside all courts and each of them.
    more_courts: tuple[tuple[str, str], ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.courts = {str(court.pk): court for court in Court.objects.all()}
        self.days = {str(day.pk): day for day in TournamentDay.objects.select_related("tournament")}
        court, day = self.fields["court"], self.fields["day"]
        assert isinstance(court, forms.ChoiceField)
        assert isinstance(day, forms.ChoiceField)
        court.choices = [
            (ALL_COURTS, "All courts"),
            *((pk, str(c)) for pk, c in self.courts.items()),
            *self.more_courts,
        ]
        day.choices = [(NO_DAY, "No day"), *by_tournament(self.days.values())]

    @property
    def chosen_day(self) -> TournamentDay | None:
        return self.days.get(self.cleaned_data["day"])

    def problem(self) -> str:
        """The first thing that is wrong, in words."""
        return next((str(error) for errors in self.errors.values() for error in errors), "")


class ContextForm(WhereForm):
    """One or more courts (or all), and a day (or none)."""

    court = forms.MultipleChoiceField(
        error_messages={
            "required": "Choose a court, or all courts.",
            "invalid_choice": "There is no such court. Reload the page and choose again.",
        }
    )
    day = forms.ChoiceField(
        error_messages={
            "required": "Choose a day, or “No day”.",
            "invalid_choice": "There is no such tournament day. Reload the page and choose again.",
        }
    )

    @property
    def chosen_courts(self) -> list[Court | None]:
        """None is all courts, and then the only one."""
        chosen = self.cleaned_data["court"]
        return [None] if ALL_COURTS in chosen else [self.courts[pk] for pk in chosen]


def by_tournament(days: Iterable[TournamentDay]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Choices grouped under their tournament, the latest tournament first."""
    groups: dict[Tournament, list[tuple[str, str]]] = {}
    for day in sorted(days, key=lambda day: (-day.tournament.start_date.toordinal(), day.number)):
        label = f"Day {day.number} · {date_format(day.date, 'D j M')}"
        groups.setdefault(day.tournament, []).append((str(day.pk), label))
    return [(tournament.name, choices) for tournament, choices in groups.items()]
