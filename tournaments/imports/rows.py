"""What the rows of every list have in common."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from import_export import resources, widgets
from import_export.results import RowResult

from tournaments.export.cells import unguard

_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")


class RowResource(resources.ModelResource):  # type: ignore[misc]  # the library has no types
    """Rows that are known again by `natural_key`, columns of the file; checked as the form checks them.

    A preview writes nothing; taking in is one transaction, so that all rows come or none.
    """

    #: More would keep the importer waiting for the database.
    most_rows = 500
    natural_key: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    #: Columns that an empty cell leaves as they are, or at their usual value.
    kept_when_empty: tuple[str, ...] = ()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._seen: dict[tuple[Any, ...], int] = {}

    def import_data(self, dataset: Any, dry_run: bool = False, **options: Any) -> Any:
        self._seen = {}
        if not dry_run:
            return super().import_data(dataset, **options | {"use_transactions": True})
        # The library would write all rows and take them back, while the importer waits.
        for name in ("raise_errors", "use_transactions", "rollback_on_validation_errors"):
            options.pop(name, None)
        return self.import_data_inner(
            dataset,
            dry_run=True,
            raise_errors=False,
            using_transactions=False,
            collect_failed_rows=False,
            **options,
        )

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        dataset.headers = [str(name or "").strip().lower() for name in dataset.headers or []]
        if problem := self._problem(dataset.headers, len(dataset)):
            # The library would go on with the rows.
            dataset.wipe()
            raise ValidationError(problem)

    def _problem(self, headers: list[str], rows: int) -> str:
        """What is wrong with the file as a whole; '' where nothing is."""
        known = [field.column_name for field in self.get_import_fields()]
        if missing := [name for name in self.required if name not in headers]:
            return (
                f"There is no column “{missing[0]}”. The first row has to name the columns: "
                f"{', '.join(known)}."
            )
        if strange := [name for name in headers if name and name not in known]:
            return f"There is no column “{strange[0][:60]}” in this list. Correct it, or remove it."
        if twice := [name for name in headers if name and headers.count(name) > 1]:
            return f"The column “{twice[0]}” is there twice."
        if rows > self.most_rows:
            return f"The file has {rows:,} rows; {self.most_rows:,} can be taken in at once. Split it."
        return ""

    def get_diff_headers(self) -> list[str]:
        return [field.column_name.replace("_", " ") for field in self.get_import_fields()]

    def import_row(self, row: Any, instance_loader: Any, **kwargs: Any) -> Any:
        if any(value is not None and str(value).strip() for value in row.values()):
            return super().import_row(row, instance_loader, **kwargs)
        skipped = RowResult()
        skipped.import_type = RowResult.IMPORT_TYPE_SKIP
        return skipped

    def before_import_row(self, row: Any, row_number: int | None = None, **kwargs: Any) -> None:
        for name, value in row.items():
            if isinstance(value, str):
                # As it was before an export put an apostrophe before it.
                row[name] = unguard(value).strip()
            elif value is None:
                row[name] = ""
        for name in self.kept_when_empty:
            if row.get(name) == "":
                del row[name]
        for name in self.required:
            if row.get(name) in ("", None) and not self.may_be_empty(name, row):
                raise ValidationError(f"The cell “{name}” is empty.")
        self.tidy(row)
        key = self.key_of(row)
        if key in self._seen:
            raise ValidationError(f"The same as row {self._seen[key]} of the file.")
        # As a spreadsheet counts: the first row has the headings.
        self._seen[key] = (row_number or 0) + 1

    def may_be_empty(self, name: str, row: Any) -> bool:
        """Whether this row needs nothing in the required cell."""
        return False

    def tidy(self, row: Any) -> None:
        """Changes the cells of a row to how they are stored."""

    def key_of(self, row: Any) -> tuple[Any, ...]:
        return tuple(str(row.get(name, "")) for name in self.natural_key)

    def get_import_id_fields(self) -> list[str]:
        # They are looked up by `get_instance`; the library would ask for them in its own words.
        return []

    def get_instance(self, instance_loader: Any, row: Any) -> Any:
        return self.find(row)

    def find(self, row: Any) -> Any:
        """The row of the database that a row of the file is about, or None."""
        raise NotImplementedError


class DateWidget(widgets.DateWidget):  # type: ignore[misc]
    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> date | None:
        return to_date(value) if value not in ("", None) else None


class ChoiceWidget(widgets.CharWidget):  # type: ignore[misc]
    def __init__(self, *choices: str) -> None:
        super().__init__()
        self.choices = choices

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        text = str(value).lower()
        if text not in self.choices:
            raise ValueError(f"“{value}” is none of: {', '.join(self.choices)}.")
        return text


class YesNoWidget(widgets.BooleanWidget):  # type: ignore[misc]
    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> bool:
        text = str(value).strip().lower()
        if text in ("yes", "y", "true", "1"):
            return True
        if text in ("no", "n", "false", "0"):
            return False
        raise ValueError(f"“{value}” is neither yes nor no.")


class NumberWidget(widgets.IntegerWidget):  # type: ignore[misc]
    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> int | None:
        if value in ("", None):
            return None
        try:
            number = float(value)
            if number != int(number) or abs(number) > 2**31:
                raise ValueError
        except (ValueError, OverflowError):
            raise ValueError(f"“{value}” is no whole number.") from None
        return int(number)


def to_date(value: Any) -> date:
    """A date of Excel, or text as 2026-11-21 or 21.11.2026. ValueError in words."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = str(value).strip()
    try:
        if found := _DAY_FIRST.fullmatch(text):
            day, month, year = map(int, found.groups())
            return date(year, month, day)
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"“{text}” is no date. Write it as 2026-11-21.") from None
