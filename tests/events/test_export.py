"""Lists as files, asked for through the admin: the same rows as the list, for those who may see it."""

from __future__ import annotations

import asyncio
import csv
import io
import logging
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from events.admin import bounded
from events.models import PssEvent
from tests.events.api.conftest import put_aside
from tests.factories import (
    NOON,
    AthleteFactory,
    CourtFactory,
    MatchFactory,
    PssEventFactory,
    UdpSessionFactory,
    UnknownMessageFactory,
    UserFactory,
    make_day,
)
from tests.processes import wait_until
from tournaments.export import sending
from tournaments.export.admin import ExportAdmin
from tournaments.export.cells import unguard

# The file is written by a thread, over a connection of its own.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("var"),
]

admin.autodiscover()
LISTS = sorted(
    f"{model._meta.app_label}_{model._meta.model_name}"
    for model, shown in admin.site._registry.items()
    if isinstance(shown, ExportAdmin)
)


@pytest.fixture
def viewer() -> Client:
    """Sees every list; a test that commits leaves no groups behind, so it is a superuser."""
    client = Client()
    client.force_login(UserFactory(is_superuser=True))
    return client


def content_of(response: Any) -> bytes:
    """What a web server would send."""

    async def read() -> bytes:
        return b"".join([piece async for piece in response.streaming_content])

    assert response.status_code == 200, response
    try:
        return asyncio.run(read())
    finally:
        response.close()


def rows_of(client: Client, name: str, **asked: Any) -> list[dict[str, str]]:
    response = client.get(reverse(f"admin:{name}_export_csv"), asked)
    text = content_of(response).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def sheet_of(client: Client, name: str, **asked: Any) -> list[tuple[Any, ...]]:
    response = client.get(reverse(f"admin:{name}_export_xlsx"), asked)
    book = openpyxl.load_workbook(io.BytesIO(content_of(response)))
    return list(book.active.iter_rows(values_only=True))


def test_every_list_with_rows_of_interest_can_be_exported() -> None:
    assert LISTS == [
        "events_archivedpssevent",
        "events_athlete",
        "events_match",
        "events_pssevent",
        "events_udpsession",
        "events_unknownmessage",
        "tournaments_court",
        "tournaments_tournament",
        "tournaments_tournamentday",
    ]


def test_events_as_the_database_has_them(viewer: Client) -> None:
    day = make_day(name="Open", time_zone="Asia/Seoul")
    match = MatchFactory(day=day, number="=245")
    events = [
        PssEventFactory(
            day=day,
            match=match,
            court=CourtFactory(name="", number=4000 + n),
            raw=f"pt1;=1+{n}\\r\\n",
            round=n,
            clock_ms=83_000,
            received_at=NOON + timedelta(microseconds=n),
        )
        for n in range(3)
    ]
    found = rows_of(viewer, "events_pssevent")

    assert [int(row["event id"]) for row in found] == [event.pk for event in reversed(events)]
    for row, event in zip(found, reversed(events), strict=True):
        stored = PssEvent.objects.select_related("court").get(pk=event.pk)
        assert datetime.fromisoformat(row["received"]) == stored.received_at
        assert row["received"].startswith("2026-11-21T21:00:00")
        assert row["time zone"] == "Asia/Seoul"
        assert unguard(row["raw"]) == stored.raw
        assert row["raw"].startswith("pt1;'=1")
        assert (row["match"], unguard(row["match"])) == ("'=245", "=245")
        assert row["court"] == str(stored.court)
        assert row["what happened"] == "Blue: head kick, 3 points"
        assert (row["value"], row["round"], row["match clock"]) == ("3", str(stored.round), "1:23")
        assert row["details"] == '{"points":3,"technique":"head"}'


def test_archived_events_are_the_events_they_were(viewer: Client) -> None:
    day = make_day()
    events = [PssEventFactory(day=day, details={"points": 3, "hits": [n]}) for n in range(3)]
    before = rows_of(viewer, "events_pssevent", day=day.pk)
    put_aside(*events)

    assert rows_of(viewer, "events_pssevent", day=day.pk) == []
    assert rows_of(viewer, "events_archivedpssevent", day=day.pk) == before


def test_a_file_holds_what_the_list_is_filtered_by(viewer: Client) -> None:
    day, other = make_day(), make_day()
    mine = PssEventFactory(day=day, kind="hit", value=40, raw="hl1;40")
    PssEventFactory(day=day)
    PssEventFactory(day=other, kind="hit")

    for asked in ({"day": day.pk, "kind": "hit"}, {"q": "hl1;40"}, {"q": "hl1", "day": day.pk, "p": "3"}):
        assert [int(row["event id"]) for row in rows_of(viewer, "events_pssevent", **asked)] == [mine.pk]
    page = viewer.get(reverse("admin:events_pssevent_changelist"), {"day": day.pk, "p": "1"}).content.decode()
    assert f'{reverse("admin:events_pssevent_export_csv")}?day={day.pk}"' in page


def test_a_file_goes_back_further_than_the_list(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "SEARCHED", 2)
    monkeypatch.setattr(bounded, "COUNTED", 2)
    for _ in range(6):
        PssEventFactory(raw="needle")

    assert len(rows_of(viewer, "events_pssevent", q="needle")) == 6
    assert len(sheet_of(viewer, "events_pssevent")) == 7


def test_matches(viewer: Client) -> None:
    day = make_day(name="Open")
    MatchFactory(
        day=day,
        number="101",
        blue=AthleteFactory(name="=cmd()"),
        red=None,
        rounds=[[13, 8, 1], [0, 11, 2], [7, 7, 1]],
        gam_jeoms=[[1, 0], [0, 2], [0, 0]],
        replays=[{"side": 1, "round": 1, "clock_ms": 1, "state": "accepted", "won": None}],
        referees={"referee": {"name": "SMITH J", "ioc": "USA"}, "judges": [None, {"name": "KIM S"}]},
        winner="blue",
        decision="PTF",
    )
    MatchFactory(day=None, rounds=[], referees={})
    header, *rows = sheet_of(viewer, "events_match", day=day.pk)
    (row,) = (dict(zip(header, values, strict=True)) for values in rows)

    assert (row["match"], row["blue"], row["red"], row["tournament"]) == ("101", "'=cmd()", None, "Open")
    assert (row["winner"], row["decision in words"]) == ("Blue", "on points")
    assert (row["rounds won blue"], row["rounds won red"], row["rounds"]) == (2, 1, "13:8  0:11  7:7")
    assert (row["gam-jeoms blue"], row["gam-jeoms red"], row["replays blue"]) == (1, 2, 1)
    assert (row["referee"], row["judges"]) == ("SMITH J (USA)", "KIM S")
    assert row["loaded"] == datetime(2026, 11, 21, 12, 0)
    assert len(rows_of(viewer, "events_match")) == 2


@pytest.mark.parametrize("name", LISTS)
def test_each_list_is_exported_with_and_without_rows(viewer: Client, name: str) -> None:
    empty = sheet_of(viewer, name)
    assert len(empty) == 1
    day = make_day()
    match = MatchFactory(day=day)
    put_aside(PssEventFactory(session=UdpSessionFactory(court=match.court), day=day, match=match))
    PssEventFactory(day=day, match=match)
    UnknownMessageFactory(sample="=1")
    header, *rows = sheet_of(viewer, name)
    assert header == empty[0]
    assert rows
    assert len(rows_of(viewer, name)) == len(rows)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_files_are_for_those_who_may_see_the_list(name: str, ending: str) -> None:
    url = reverse(f"admin:{name}_export_{ending}")
    nobody = Client()
    nobody.force_login(UserFactory())

    assert (Client().get(url).status_code, nobody.get(url).status_code) == (302, 403)


def test_an_export_is_logged_with_who_and_what(viewer: Client, caplog: pytest.LogCaptureFixture) -> None:
    AthleteFactory(name="LEE")
    with caplog.at_level(logging.INFO, "tournaments.export"):
        rows_of(viewer, "events_athlete", q="LEE")
    (line,) = [record.getMessage() for record in caplog.records if "exports" in record.getMessage()]

    assert "exports athletes as csv, q=LEE: 1 rows" in line


def test_nonsense_filters_lead_back_to_the_list(viewer: Client) -> None:
    response = viewer.get(reverse("admin:tournaments_court_export_csv"), {"nonsense__x": "1"})

    assert response.status_code == 302
    assert viewer.post(reverse("admin:tournaments_court_export_csv")).status_code == 405


def test_too_many_at_once_are_sent_back(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_places", threading.BoundedSemaphore(1))
    assert sending._places.acquire()
    page = viewer.get(reverse("admin:events_athlete_export_csv"), follow=True).content.decode()

    assert "Other exports are being written" in page


def test_times_of_no_tournament_are_told_in_utc(viewer: Client) -> None:
    PssEventFactory(day=None, received_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    (row,) = rows_of(viewer, "events_pssevent")

    assert (row["received"], row["time zone"]) == ("2026-01-02T03:04:05+00:00", "UTC")


def test_nothing_is_left_on_the_disk(viewer: Client, var: Path) -> None:
    rows_of(viewer, "events_athlete")
    wait_until(lambda: not list((var / "tmp").iterdir()), 10, "the file removed")
