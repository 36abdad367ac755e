"""Rows into a file, without ever holding many of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO

from openpyxl import Workbook

from tournaments.export.cells import csv_cell, xlsx_cell

# Rows of a sheet in Excel, the one with the headings among them.
SHEET_ROWS = 1_048_576
# Rows between two calls of `pause`.
STEP = 200
Rows = Iterable[Sequence[Any]]
# Called every `STEP` rows with how many are written.
Pause = Callable[[int], None]


def write_csv(out: BinaryIO, title: str, header: Sequence[str], rows: Rows, pause: Pause) -> int:
    """UTF-8 with the mark by which Excel knows it. Returns the number of rows."""
    text = io.TextIOWrapper(out, "utf-8", errors="backslashreplace", newline="")
    text.write("\ufeff")
    writer = csv.writer(text)
    writer.writerow(header)
    count = 0
    for step in _steps(rows):
        writer.writerows([csv_cell(value) for value in row] for row in step)
        count += len(step)
        text.flush()
        pause(count)
    text.flush()
    text.detach()
    return count


def write_xlsx(out: BinaryIO, title: str, header: Sequence[str], rows: Rows, pause: Pause) -> int:
    """One sheet, and another each time it is full. Returns the number of rows."""
    book = Workbook(write_only=True)
    sheet: Any = None
    count = 0
    for step in _steps(rows):
        for row in step:
            if count % (SHEET_ROWS - 1) == 0:
                number = count // (SHEET_ROWS - 1) + 1
                sheet = _new_sheet(book, title if number == 1 else f"{title} {number}", header)
            sheet.append([xlsx_cell(value) for value in row])
            count += 1
        pause(count)
    if sheet is None:
        _new_sheet(book, title, header)
    book.save(out)
    return count


def _new_sheet(book: Workbook, title: str, header: Sequence[str]) -> Any:
    sheet = book.create_sheet(title[:31])
    # The headings stay in sight.
    sheet.freeze_panes = "A2"
    sheet.append(list(header))
    return sheet


def _steps(rows: Rows) -> Iterator[list[Sequence[Any]]]:
    coming = iter(rows)
    while step := list(islice(coming, STEP)):
        yield step


# ending -> (content type, writer)
FORMATS = {
    "csv": ("text/csv; charset=utf-8", write_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", write_xlsx),
}
