"""Tournaments and courts from files."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from import_export.fields import Field

from tournaments.forms import days_in_use
from tournaments.imports.rows import ChoiceWidget, DateWidget, NumberWidget, RowResource, YesNoWidget, to_date
from tournaments.models import Court, Progress, Tournament
from tournaments.sheets import COURTS, TOURNAMENTS


class TournamentResource(RowResource):
    """Known again by the slug, or where the file has none by name and first day. Its dates make its days."""

    most_rows = 200
    required = ("name", "start_date", "end_date")
    kept_when_empty = ("slug", "time_zone", "status")
    start_date = Field("start_date", "start_date", widget=DateWidget())
    end_date = Field("end_date", "end_date", widget=DateWidget())
    status = Field("status", "status", widget=ChoiceWidget(*Progress.values))

    class Meta:
        model = Tournament
        fields = tuple(TOURNAMENTS.fields)
        import_order = fields
        clean_model_instances = True
        skip_unchanged = True

    def tidy(self, row: Any) -> None:
        if isinstance(row.get("country"), str):
            row["country"] = row["country"].upper()

    def key_of(self, row: Any) -> tuple[Any, ...]:
        return (row["slug"],) if row.get("slug") else (row["name"], str(row["start_date"]))

    def find(self, row: Any) -> Tournament | None:
        if row.get("slug"):
            return Tournament.objects.filter(slug=row["slug"]).first()
        try:
            first_day = to_date(row["start_date"])
        except ValueError:
            # Told with the cell.
            return None
        return Tournament.objects.filter(name=row["name"], start_date=first_day).first()

    def validate_instance(
        self, instance: Any, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        super().validate_instance(instance, import_validation_errors, validate_unique)
        if instance.pk and (problem := days_in_use(instance)):
            raise ValidationError(problem)


class CourtResource(RowResource):
    """Known again by the number."""

    most_rows = 200
    natural_key = ("number",)
    required = ("number",)
    kept_when_empty = ("active",)
    number = Field("number", "number", widget=NumberWidget())
    port = Field("port", "port", widget=NumberWidget())
    active = Field("active", "active", widget=YesNoWidget())

    class Meta:
        model = Court
        fields = tuple(COURTS.fields)
        import_order = fields
        clean_model_instances = True
        skip_unchanged = True

    def find(self, row: Any) -> Court | None:
        try:
            number = NumberWidget().clean(row["number"])
        except ValueError:
            return None
        return Court.objects.filter(number=number).first() if number is not None and number >= 0 else None

    def import_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        super().import_instance(instance, row, **kwargs)
        # No address is none, not an empty one: two courts without would be the same sender.
        instance.source = instance.source or None
