"""Tournaments, courts and rosters from files, through the pages: preview, confirmation, words for a row."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from events.models import Athlete
from tests.factories import (
    AthleteFactory,
    ContextChangeFactory,
    CourtFactory,
    MatchFactory,
    TournamentFactory,
    UserFactory,
)
from tournaments.imports import files
from tournaments.imports.files import KeptUpload
from tournaments.models import Court, Tournament

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("var")]

ROSTER = "name,short_name,country\nLEE DH,LEE,KOR\nDELL'AQUILA V,,ita\n"
LISTS = {"tournaments_tournament": Tournament, "tournaments_court": Court, "events_athlete": Athlete}


def client_of(group: str) -> Client:
    client = Client()
    client.force_login(UserFactory(group=group))
    return client


@pytest.fixture
def operator() -> Client:
    return client_of("Operator")


def sheet(*rows: tuple[Any, ...]) -> bytes:
    """An XLSX file with these rows."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def preview(client: Client, name: str, content: str | bytes) -> Any:
    data = content.encode() if isinstance(content, str) else content
    ending = "xlsx" if data.startswith(b"PK") else "csv"
    file = SimpleUploadedFile(f"list.{ending}", data)
    asked = {"import_file": file, "format": "1" if ending == "xlsx" else "0"}
    return client.post(reverse(f"admin:{name}_import"), asked)


def take_in(client: Client, name: str, content: str | bytes) -> Any:
    """Preview, then the button of the preview; the page that follows."""
    shown = preview(client, name, content)
    form = shown.context.get("confirm_form")
    assert form is not None, words(shown)
    return client.post(reverse(f"admin:{name}_process_import"), form.initial, follow=True)


def words(response: Any) -> str:
    """The text of a page, without its markup."""
    text = re.sub(r"</?strong>", "", response.content.decode())
    text = re.sub(r"<[^>]+>", " ", text)
    return re.sub(r"\s+", " ", text.replace("&#x27;", "'"))


def test_a_roster_is_looked_at_and_then_taken_in(operator: Client) -> None:
    shown = preview(operator, "events_athlete", ROSTER)
    assert Athlete.objects.count() == 0
    assert "LEE DH" in words(shown)
    assert "2 new, 0 changed, 0 as they are. Nothing is done yet." in words(shown)

    page = take_in(operator, "events_athlete", ROSTER)

    assert "2 new, 0 updated" in words(page)
    assert list(Athlete.objects.order_by("name").values_list("name", "short_name", "country")) == [
        ("DELL'AQUILA V", "DELL'AQUILA V", "ITA"),
        ("LEE DH", "LEE", "KOR"),
    ]
    assert LogEntry.objects.count() == 2


def test_taking_in_the_same_again_changes_nothing(operator: Client) -> None:
    take_in(operator, "events_athlete", ROSTER)
    keys = set(Athlete.objects.values_list("pk", flat=True))
    page = take_in(operator, "events_athlete", ROSTER)

    assert "0 new, 0 updated" in words(page)
    assert set(Athlete.objects.values_list("pk", flat=True)) == keys


def test_a_roster_meets_the_athletes_that_the_stream_made(operator: Client) -> None:
    athlete = AthleteFactory(name="LEE DH", short_name="L", country="KOR")
    match = MatchFactory(blue=athlete)
    take_in(operator, "events_athlete", ROSTER)

    athlete.refresh_from_db()
    assert (athlete.short_name, Athlete.objects.filter(name="LEE DH").count()) == ("LEE", 1)
    assert match.blue == athlete


def test_athletes_whose_country_the_stream_cut_are_taken_in_as_they_were_exported(operator: Client) -> None:
    AthleteFactory(name="LEE", short_name="LEE", country="")
    AthleteFactory(name="KIM", short_name="KIM", country="KO")
    exported = "\ufeffname,short_name,country\nKIM,KIM,KO\nLEE,LEE,\n"
    assert "0 new, 0 updated, 0 deleted and 2 skipped" in words(take_in(operator, "events_athlete", exported))

    page = take_in(operator, "events_athlete", exported.replace("LEE,LEE", "LEE,L"))
    assert "0 new, 1 updated" in words(page)
    assert Athlete.objects.get(name="LEE").short_name == "L"
    # One who is not there yet needs a country that is one.
    assert "Row 2: The cell “country” is empty." in words(
        preview(operator, "events_athlete", "name,country\nPARK,\n")
    )


def test_a_tournament_from_a_file_has_its_days(operator: Client) -> None:
    content = sheet(
        ("Name", "start_date", "end_date", "country", "time_zone", "city"),
        ("Open", date(2026, 11, 21), "23.11.2026", "kor", "Asia/Seoul", "서울"),
        ("Second", "2026-12-01", "2026-12-01", "", "", ""),
    )
    page = take_in(operator, "tournaments_tournament", content)

    assert "2 new" in words(page)
    first, second = Tournament.objects.order_by("start_date")
    assert (first.slug, first.country, first.time_zone, first.city) == ("open", "KOR", "Asia/Seoul", "서울")
    assert list(first.days.values_list("number", "date")) == [
        (1, date(2026, 11, 21)),
        (2, date(2026, 11, 22)),
        (3, date(2026, 11, 23)),
    ]
    assert (second.time_zone, second.status, second.days.count()) == ("UTC", "planned", 1)
    again = take_in(operator, "tournaments_tournament", content)
    assert "0 new, 0 updated" in words(again)


def test_a_tournament_is_changed_not_doubled(operator: Client) -> None:
    tournament = TournamentFactory(name="Open", city="Seoul")
    line = f"name,slug,start_date,end_date,venue\nOpen,{tournament.slug},2026-11-21,2026-11-24,Hall 1\n"
    take_in(operator, "tournaments_tournament", line)

    tournament.refresh_from_db()
    assert (tournament.venue, tournament.city, tournament.days.count()) == ("Hall 1", "Seoul", 4)
    assert Tournament.objects.count() == 1


def test_days_in_use_are_not_taken_away_by_a_file(operator: Client) -> None:
    tournament = TournamentFactory(name="Open")
    ContextChangeFactory(day=tournament.days.last())
    shown = preview(
        operator, "tournaments_tournament", "name,start_date,end_date\nOpen,2026-11-21,2026-11-21\n"
    )

    assert shown.context.get("confirm_form") is None
    assert "has been in use" in words(shown)


def test_courts_from_a_file(operator: Client) -> None:
    known = CourtFactory(number=2, source="192.168.1.9")
    content = "number;name;port;source;active\n1;Mat A;6000;192.168.1.11;yes\n2;Mat B;;;no\n3;Mat C;;;\n"
    assert "2 new, 1 updated" in words(take_in(operator, "tournaments_court", content))

    assert list(Court.objects.values_list("number", "name", "port", "source", "active")) == [
        (1, "Mat A", 6000, "192.168.1.11", True),
        (2, "Mat B", None, None, False),
        (3, "Mat C", None, None, True),
    ]
    known.refresh_from_db()
    assert known.name == "Mat B"
    assert "0 new, 0 updated" in words(take_in(operator, "tournaments_court", content))


def test_a_file_that_was_exported_is_taken_in_again_as_it_was(operator: Client) -> None:
    take_in(operator, "events_athlete", "name,short_name,country\n'=LEE,'-L,KOR\n'ODD,O'D,ITA\n")

    assert set(Athlete.objects.values_list("name", "short_name")) == {("=LEE", "-L"), ("'ODD", "O'D")}


HEAD = "name,start_date,end_date\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("events_athlete", "short_name,country\nx,KOR\n", "There is no column “name”"),
        ("events_athlete", "name,country,coach\nx,KOR,y\n", "There is no column “coach”"),
        ("events_athlete", "name,country,name\nx,KOR,y\n", "The column “name” is there twice."),
        ("events_athlete", "name,country\nLEE,KOR\nKIM,XYZ\n", "Row 3: “XYZ” is no IOC code"),
        ("events_athlete", "name,country\nLEE,KOR\n,KOR\n", "Row 3: The cell “name” is empty."),
        ("events_athlete", "name,country\nLEE,KOR\nLEE,kor\n", "Row 3: The same as row 2 of the file."),
        ("events_athlete", f"name,country\n{'x' * 201},KOR\n", "at most 200 characters"),
        ("tournaments_tournament", f"{HEAD}Open,tomorrow,2026-11-21\n", "“tomorrow” is no date"),
        ("tournaments_tournament", f"{HEAD}Open,2026-11-31,2026-11-21\n", "“2026-11-31” is no date"),
        (
            "tournaments_tournament",
            f"{HEAD}Open,2026-11-22,2026-11-21\n",
            "last day is before the first.",
        ),
        (
            "tournaments_tournament",
            "name,start_date,end_date,time_zone\nOpen,2026-11-21,2026-11-21,Moon\n",
            "is not a time zone",
        ),
        (
            "tournaments_tournament",
            "name,start_date,end_date,country\nOpen,2026-11-21,2026-11-21,Germany\n",
            "Three capital letters",
        ),
        (
            "tournaments_tournament",
            "name,start_date,end_date,status\nOpen,2026-11-21,2026-11-21,soon\n",
            "Row 2, status: “soon” is none of: planned, running, finished.",
        ),
        (
            "tournaments_court",
            "number,port\n1,65535\n2,70000\n",
            "Row 3, port: A UDP port is a number from 1",
        ),
        ("tournaments_court", "number\none\n", "“one” is no whole number"),
        ("tournaments_court", "number\n-1\n", "greater than or equal to 0"),
        ("tournaments_court", "number,active\n1,perhaps\n", "“perhaps” is neither yes nor no."),
        ("tournaments_court", "number,source\n1,here\n", "valid IPv4 or IPv6 address"),
    ],
)
def test_what_is_wrong_is_said_for_each_row(operator: Client, name: str, content: str, said: str) -> None:
    shown = preview(operator, name, content)
    text = words(shown)

    # Before the form, so that nobody has to scroll to learn that there is something to read.
    assert text.index(said) < text.index("Choose a file;")
    assert shown.context.get("confirm_form") is None
    assert "Traceback" not in text
    assert not LISTS[name].objects.exists()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"PK\x03\x04broken", b"\x00" * 100, b"name,country\n"], ids=range(5)
)
def test_what_is_no_list_is_refused(operator: Client, content: bytes) -> None:
    shown = preview(operator, "events_athlete", content)

    assert shown.status_code == 200
    assert shown.context.get("confirm_form") is None
    assert shown.context["form"].errors


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("\n\n", "The first row is empty. It has to name the columns."),
        ("name,country\n\n,\n", "There is no row below the headings."),
        ("name,country\nLEE,KOR\nKIM,KOR,x\n", "Row 3 has 3 cells, and there are 2 headings."),
        ("name,country\n" + "LEE,KOR\n" * files.MOST_LINES, "The file has more than 5,000 rows."),
        ("name;country\nÁLVAREZ;ESP\n".encode("latin-1"), "Save it as CSV (UTF-8) or XLSX"),
        ("name\tcountry\nÁLVAREZ\tESP\n".encode("utf-16"), "Save it as CSV (UTF-8) or XLSX"),
        (sheet(("name", "country"), ("LEE", "KOR", "x")), "Row 2 has 3 cells, and there are 2 headings."),
    ],
    ids=range(7),
)
def test_rows_that_make_no_list_are_refused_in_words(
    operator: Client, content: str | bytes, said: str
) -> None:
    shown = preview(operator, "events_athlete", content)

    assert said in words(shown)
    assert shown.context.get("confirm_form") is None


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_rows_are_counted_as_a_spreadsheet_does_and_empty_ones_left_out(
    operator: Client, ending: str
) -> None:
    def written(*rows: tuple[Any, ...]) -> str | bytes:
        text = "".join(",".join(cell or "" for cell in row) + "\n" for row in rows)
        return sheet(*rows) if ending == "xlsx" else text

    head, empty = ("name", "country"), (None, None)
    wrong = preview(operator, "events_athlete", written(head, empty, ("LEE", "KOR"), empty, ("KIM", "XYZ")))
    assert "Row 5: “XYZ” is no IOC code" in words(wrong)
    page = take_in(operator, "events_athlete", written(head, ("LEE", "KOR"), empty, ("KIM", "KOR"), empty))

    assert "2 new, 0 updated" in words(page)
    assert list(Athlete.objects.values_list("name", flat=True)) == ["KIM", "LEE"]


def test_of_several_sheets_the_first_is_taken_in(operator: Client) -> None:
    book = openpyxl.load_workbook(io.BytesIO(sheet(("name", "country"), ("LEE", "KOR"))))
    book.active = book.create_sheet("Remarks")
    out = io.BytesIO()
    book.save(out)
    take_in(operator, "events_athlete", out.getvalue())

    assert [athlete.name for athlete in Athlete.objects.all()] == ["LEE"]


def test_a_preview_names_its_columns_in_words(operator: Client) -> None:
    assert "name short name country" in words(preview(operator, "events_athlete", ROSTER))


def test_two_courts_may_share_an_address_without_a_port(operator: Client) -> None:
    content = "number,source\n1,10.0.0.1\n2,10.0.0.1\n"

    assert "2 new" in words(take_in(operator, "tournaments_court", content))


def test_files_are_bounded(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "".join(f"A{n},KOR\n" for n in range(2_001))
    assert "2,001 rows; 2,000 can be taken in" in words(
        preview(operator, "events_athlete", f"name,country\n{lines}")
    )
    monkeypatch.setattr(files, "LARGEST", 100)
    assert "larger than" in words(preview(operator, "events_athlete", "x" * 101))


def test_a_file_that_unpacks_to_too_much_is_not_opened(operator: Client) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", b"0" * (files.LARGEST_UNPACKED + 1))

    assert "holds too much" in words(preview(operator, "events_athlete", out.getvalue()))


def test_hostile_names_are_shown_as_text(operator: Client) -> None:
    shown = preview(operator, "events_athlete", "name,country\n<img src=x onerror=alert(1)>,KOR\n")

    assert "<img src=x" not in shown.content.decode()
    assert "&lt;img src=x" in shown.content.decode()


def test_a_preview_writes_nothing(operator: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        preview(operator, "events_athlete", ROSTER)
    written = [q["sql"] for q in queries if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]

    assert not [sql for sql in written if "athlete" in sql.lower()]


def test_all_rows_come_or_none(operator: Client) -> None:
    """One went wrong between the preview and the button."""
    content = "number,name,source,port\n1,A,10.0.0.1,6000\n2,B,10.0.0.2,6000\n"
    form = preview(operator, "tournaments_court", content).context["confirm_form"]
    CourtFactory(number=9, source="10.0.0.2", port=6000)
    page = operator.post(reverse("admin:tournaments_court_process_import"), form.initial, follow=True)

    assert "nothing was taken in" in words(page)
    assert [court.number for court in Court.objects.all()] == [9]


@pytest.mark.parametrize("group", ["", "Viewer", "Operator", "Manager"])
@pytest.mark.parametrize("name", LISTS)
def test_importing_is_for_operators(name: str, group: str) -> None:
    client = client_of(group)
    expected = 200 if group in ("Operator", "Manager") else 403

    assert client.get(reverse(f"admin:{name}_import")).status_code == expected
    assert client.get(reverse(f"admin:{name}_template_xlsx")).status_code == expected
    if expected == 403:
        assert client.post(reverse(f"admin:{name}_process_import"), {}).status_code == 403
        assert preview(client, name, ROSTER).status_code == 403
    if group:
        listed = client.get(reverse(f"admin:{name}_changelist")).content.decode()
        assert (reverse(f"admin:{name}_import") in listed) is (expected == 200)


@pytest.mark.parametrize("name", LISTS)
def test_the_empty_file_has_the_columns_that_are_taken_in(operator: Client, name: str) -> None:
    content = operator.get(reverse(f"admin:{name}_template_csv")).content.decode("utf-8-sig")
    book = openpyxl.load_workbook(io.BytesIO(operator.get(reverse(f"admin:{name}_template_xlsx")).content))
    header = content.strip().split(",")
    resource = operator.get(reverse(f"admin:{name}_import")).context["required"]

    assert [cell.value for cell in book.active[1]] == header
    assert set(resource) <= set(header)


@pytest.mark.parametrize("kept", ["/etc/passwd", "../secret_key", "import-" + "0" * 32, "", "import-x"])
def test_nothing_but_an_upload_is_ever_read(operator: Client, var: Path, kept: str) -> None:
    asked = {"import_file_name": kept, "original_file_name": "x", "format": "0", "resource": ""}
    response = operator.post(reverse("admin:events_athlete_process_import"), asked, follow=True)

    assert response.status_code == 200
    assert Athlete.objects.count() == 0
    with pytest.raises(FileNotFoundError):
        KeptUpload(name=kept or "x").read()


def test_an_upload_goes_when_it_was_taken_in(operator: Client, var: Path) -> None:
    take_in(operator, "events_athlete", ROSTER)

    assert list((var / "tmp").iterdir()) == []
