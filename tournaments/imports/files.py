"""Reading what people upload: bounded, in the ways in which Excel writes CSV, kept until it is confirmed."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
from django.conf import settings
from django.core.exceptions import ValidationError
from import_export.formats.base_formats import CSV, XLSX
from import_export.tmp_storages import BaseStorage
from tablib import Dataset
from unfold.contrib.import_export.forms import ImportForm

from tournaments.leftovers import remove_left_over

LARGEST = 2 * 1024**2
# A file of this size can still say that it holds gigabytes.
LARGEST_UNPACKED = 40 * 1024**2
# Of a file, headings and empty ones among them, and of a row. More than any list may have.
MOST_LINES = 5_000
MOST_CELLS = 50
_NAME = re.compile(r"import-[0-9a-f]{32}")


class ShapeError(ValueError):
    """The rows do not make a list; the words are for people."""


class Csv(CSV):  # type: ignore[misc]  # the library has no types
    """Also with semicolons, which Excel writes where the comma is the decimal point."""

    def create_dataset(self, in_stream: Any, **options: Any) -> Dataset:
        text = in_stream.decode(self.encoding) if isinstance(in_stream, bytes) else in_stream
        text = text.lstrip("\ufeff")
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        return _list_of(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


class Xlsx(XLSX):  # type: ignore[misc]
    """The first sheet."""

    def create_dataset(self, in_stream: Any) -> Dataset:
        # The values of formulas, not the formulas. A row may say that it has thousands of empty cells.
        book = openpyxl.load_workbook(io.BytesIO(in_stream), read_only=True, data_only=True)
        return _list_of(book.worksheets[0].iter_rows(max_col=MOST_CELLS, values_only=True))


def _list_of(rows: Iterable[Sequence[Any]]) -> Dataset:
    """The first row as headings, each other as wide as they are; what is empty at the end is left out.

    Empty rows in between stay, so that a row has the number that a spreadsheet shows.
    """
    found = Dataset()
    width = empty = 0
    for number, row in enumerate(rows, 1):
        # Quickly past the million empty rows that a sheet can have.
        cells = [] if row.count(None) == len(row) else list(row)
        while cells and (cells[-1] is None or not str(cells[-1]).strip()):
            cells.pop()
        if number == 1:
            if not cells:
                raise ShapeError("The first row is empty. It has to name the columns.")
            found.headers, width = cells, len(cells)
        elif not cells:
            empty += 1
        elif number > MOST_LINES:
            raise ShapeError(f"The file has more than {MOST_LINES:,} rows. Split it.")
        elif len(cells) > width:
            raise ShapeError(f"Row {number} has {len(cells)} cells, and there are {width} headings.")
        else:
            found.extend([[""] * width] * empty)
            found.append(cells + [""] * (width - len(cells)))
            empty = 0
    if not found.height:
        raise ShapeError("There is no row below the headings.")
    return found


FORMATS = [Csv, Xlsx]


class UploadForm(ImportForm):  # type: ignore[misc]
    def clean_import_file(self) -> Any:
        file = self.cleaned_data["import_file"]
        if file.size > LARGEST:
            raise ValidationError(f"The file is larger than {LARGEST // 1024**2} MB.")
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as book:
                if sum(part.file_size for part in book.infolist()) > LARGEST_UNPACKED:
                    raise ValidationError("The file holds too much to be a list.")
        file.seek(0)
        return file


class KeptUpload(BaseStorage):  # type: ignore[misc]
    """An upload between preview and confirmation, in `RESTRIKE_VAR/tmp`; it goes by itself after a day.

    Its name comes back from the browser, so nothing but a name given here is ever opened.
    """

    def save(self, data: bytes) -> None:
        directory = Path(settings.RESTRIKE_VAR) / "tmp"
        directory.mkdir(parents=True, exist_ok=True)
        remove_left_over(directory.glob("import-*"))
        self.name = f"import-{uuid4().hex}"
        self._path.write_bytes(data)

    def read(self) -> bytes | str:
        data = self._path.read_bytes()
        return data.decode(self.encoding) if self.encoding else data

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    @property
    def _path(self) -> Path:
        if not _NAME.fullmatch(self.name or ""):
            raise FileNotFoundError(self.name)
        return Path(settings.RESTRIKE_VAR) / "tmp" / self.name
