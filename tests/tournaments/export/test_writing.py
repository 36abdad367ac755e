"""Cells that are no formula, files that open again, and writing that ends when nobody wants it."""

from __future__ import annotations

import asyncio
import csv
import io
import threading
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.processes import wait_until
from tournaments.export import sending, writing
from tournaments.export.cells import LONGEST, csv_cell, guard, unguard, xlsx_cell
from tournaments.export.sending import BusyError, Export
from tournaments.export.writing import write_csv, write_xlsx

HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "pt1;=HYPERLINK(1)",
    "a,=1",
    "a|@x",
    "a\t+1",
    "'=1",
    "''=1",
    ";;=1",
]


def no_pause(count: int) -> None:
    return None


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_begins_a_formula(text: str) -> None:
    guarded = guard(text)

    assert unguard(guarded) == text
    assert guarded != text
    for separator in ";,|\t\r\n":
        for cell in guarded.split(separator):
            assert cell[:1] not in ("=", "+", "-", "@", "＝"), guarded


@pytest.mark.parametrize("text", ["", "LEE DH", "O'NEIL", "'quoted'", "pt1;3", "a=b", "13-8", "x;'y"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert guard(text) == text
    assert unguard(text) == text


@given(st.text(alphabet=st.sampled_from("=+-@'\t\r\n;,|ab＝"), max_size=12))
def test_guarding_can_be_undone(text: str) -> None:
    assert unguard(guard(text)) == text


@given(st.text(max_size=40))
def test_guarding_any_text_can_be_undone(text: str) -> None:
    assert unguard(guard(text)) == text


def test_numbers_stay_numbers() -> None:
    for make in (csv_cell, xlsx_cell):
        assert [make(value) for value in (-1, 0, 2.5, -0.25)] == [-1, 0, 2.5, -0.25]
        assert make(True) == "yes"
    seoul = datetime(2026, 11, 21, 21, 0, 0, 123456, ZoneInfo("Asia/Seoul"))
    assert csv_cell(seoul) == "2026-11-21T21:00:00.123456+09:00"
    assert xlsx_cell(seoul) == datetime(2026, 11, 21, 21, 0, 0, 123456)
    assert csv_cell(date(2026, 11, 21)) == "2026-11-21"
    assert csv_cell({"blue": "=1"}) == '{"blue":"=1"}'
    assert csv_cell(None) == ""


def test_csv_is_read_again_as_it_was() -> None:
    rows = [[text, n, None] for n, text in enumerate([*HOSTILE, 'say "x"', "ÁLVAREZ 王小明", "a\r\nb"])]
    out = io.BytesIO()

    assert write_csv(out, "list", ["text", "number", "nothing"], rows, no_pause) == len(rows)

    assert out.getvalue().startswith(b"\xef\xbb\xbf")
    header, *read = csv.reader(io.StringIO(out.getvalue().decode("utf-8-sig"), newline=""))
    assert header == ["text", "number", "nothing"]
    assert [[unguard(text), int(number), nothing] for text, number, nothing in read] == [
        [text, number, ""] for text, number, _ in rows
    ]


def test_xlsx_is_opened_again_as_it_was() -> None:
    odd = ["\x1b[31m", "x" * (LONGEST + 1), "_x0041_", "{=1}"]
    rows: list[list[Any]] = [[text, n, 1.5, datetime(2026, 11, 21)] for n, text in enumerate(HOSTILE)]
    rows += [[text, 0, 0, None] for text in odd]
    out = io.BytesIO()

    assert write_xlsx(out, "events", ["text", "number", "decimal", "time"], rows, no_pause) == len(rows)

    sheet = openpyxl.load_workbook(out)["events"]
    _, *read = sheet.iter_rows(values_only=True)
    cells = list(sheet.iter_rows(min_row=2, max_col=1))
    assert {cell.data_type for (cell,) in cells} <= {"s", "e"}
    for (text, number, decimal, moment), told in zip(read[: len(HOSTILE)], rows, strict=False):
        # A line end inside a cell is written as Excel writes it.
        assert unguard(str(text).replace("_x000D_", "\r")) == told[0]
        assert [number, decimal, moment] == told[1:]
    assert read[-4][0] == "_x001B_[31m"
    assert read[-2][0] == "_x005F_x0041_"
    assert len(read[-3][0]) == LONGEST
    assert read[-3][0].endswith("(cut)")


@pytest.mark.parametrize(("count", "sheets"), [(0, 1), (9, 1), (10, 2), (27, 3), (28, 4)])
def test_a_full_sheet_is_followed_by_another(
    count: int, sheets: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "SHEET_ROWS", 10)
    out = io.BytesIO()

    assert write_xlsx(out, "events", ["n"], ([n] for n in range(count)), no_pause) == count

    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["events", *(f"events {n}" for n in range(2, sheets + 1))]
    read = []
    for sheet in book:
        header, *rows = [values[0] for values in sheet.iter_rows(values_only=True)]
        assert header == "n"
        assert len(rows) <= 9
        read += rows
    assert read == list(range(count))


# --- Sending ------------------------------------------------------------------------------------------


async def sent(export: Export) -> bytes:
    return b"".join([piece async for piece in export])


def gone(path: Path) -> None:
    wait_until(lambda: not path.exists(), 10, f"{path} removed")


def test_what_is_written_is_sent_while_it_is_written(var: Path) -> None:
    go_on = threading.Event()

    def write(file: BinaryIO, pause: Callable[[int], None]) -> int:
        file.write(b"first")
        file.flush()
        assert go_on.wait(10)
        file.write(b"second")
        return 2

    async def read() -> list[bytes]:
        pieces = []
        async for piece in Export(write, "test"):
            pieces.append(piece)
            go_on.set()
        return pieces

    assert asyncio.run(read()) == [b"first", b"second"]


def test_writing_ends_when_nobody_wants_it_any_more(var: Path) -> None:
    ended = threading.Event()

    def write(file: BinaryIO, pause: Callable[[int], None]) -> int:
        try:
            while True:
                file.write(b"x" * 1000)
                pause(1)
        finally:
            ended.set()

    async def leave() -> Path:
        export = Export(write, "test")
        async for _ in export:
            break
        export.close()
        return export.path

    path = asyncio.run(leave())
    assert ended.wait(10)
    gone(path)


def test_an_export_that_was_never_read_leaves_nothing(var: Path) -> None:
    export = Export(lambda file, pause: file.write(b"x"), "test")
    export.close()
    gone(export.path)


def test_a_failure_breaks_the_sending_off(var: Path) -> None:
    def write(file: BinaryIO, pause: Callable[[int], None]) -> int:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    export = Export(write, "test")
    with pytest.raises(OSError, match="No space left"):
        asyncio.run(sent(export))
    gone(export.path)
    # Its place is free again.
    assert asyncio.run(sent(Export(lambda file, pause: file.write(b"whole"), "test"))) == b"whole"


def test_only_so_many_are_written_at_once(var: Path) -> None:
    go_on = threading.Event()

    def write(file: BinaryIO, pause: Callable[[int], None]) -> int:
        assert go_on.wait(10)
        return 0

    running = [Export(write, "test") for _ in range(sending.AT_ONCE)]
    with pytest.raises(BusyError):
        Export(write, "test")
    go_on.set()
    for export in running:
        assert asyncio.run(sent(export)) == b""
