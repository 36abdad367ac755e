"""Reports of a match and of a day: what they say, for whom, and as PDF by a real browser."""

from __future__ import annotations

import os
import re
import stat
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.safestring import mark_safe

from events.models import Loss
from events.report import course, pdf
from tests.conftest import unavailable
from tests.factories import (
    NOON,
    AthleteFactory,
    CourtFactory,
    MatchFactory,
    PssEventFactory,
    UdpSessionFactory,
    UserFactory,
    make_day,
    tally_events,
)

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>"


def score(match: Any, session: Any, at: float, blue: int, red: int) -> Any:
    return PssEventFactory(
        match=match,
        session=session,
        day=match.day,
        kind="score",
        stream="sc1",
        athlete=0,
        value=None,
        details={"blue": blue, "red": red},
        received_at=NOON + timedelta(seconds=at),
    )


@pytest.fixture
def match() -> Any:
    """Won by blue, with a hostile name and something of everything."""
    day = make_day(name="Open", time_zone="Asia/Seoul")
    match = MatchFactory(
        day=day,
        number="245.A",
        blue=AthleteFactory(name=HOSTILE),
        red=AthleteFactory(name="DELL'AQUILA Ñ 王", country="ITA"),
        rounds=[[3, 1, 1], [2, 5, 2], [6, 4, 1]],
        gam_jeoms=[[1, 0], [0, 2]],
        replays=[{"side": 1, "round": 1, "clock_ms": 80_000, "state": "accepted", "won": None}],
        injuries=[{"side": 2, "round": 2, "clock_ms": 9, "started_ns": 1, "ended_ns": 12_000_000_001}],
        referees={"referee": {"name": "SMITH J", "ioc": "USA"}, "judges": [{"name": "KIM S"}]},
        winner="blue",
        decision="PTF",
        started_at=NOON,
        ended_at=NOON + timedelta(minutes=8),
    )
    session = UdpSessionFactory(court=match.court)
    for n, (blue, red) in enumerate([(0, 0), (3, 0), (3, 1)]):
        score(match, session, n * 20, blue, red)
    tally_events()
    return match


def test_a_match_report_says_what_the_stream_told(viewer: Client, match: Any) -> None:
    page = viewer.get(reverse("match_report", args=[match.pk])).content.decode()
    for words in (
        "Match 245.A",
        "&lt;script&gt;alert(1)&lt;/script&gt; (winner)",
        "DELL&#x27;AQUILA Ñ 王",
        "Blue wins on points (PTF)",
        "SMITH J (USA)",
        "Blue, round 1 at 1:20: accepted",
        "Red, round 2 at 0:00, 12 s long",
        "21:00:00",
        "3 messages stored, all of them understood",
        "No loss is known",
        "Technical delegate",
    ):
        assert words in page, words
    assert HOSTILE not in page
    assert '<path class="line-blue"' in page
    assert reverse("match_report", args=[match.pk]) in viewer.get(match.get_absolute_url()).content.decode()


def test_a_report_says_what_may_be_missing(viewer: Client, match: Any) -> None:
    session = match.events.first().session
    Loss.objects.create(node=session.node.name, kind="drops", begin=NOON, end=NOON, datagrams=7)

    for name, pk in (("match_report", match.pk), ("day_report", match.day_id)):
        page = viewer.get(reverse(name, args=[pk])).content.decode()
        assert "Up to 7 datagrams were dropped" in page
        assert "No loss is known" not in page


def test_a_report_of_a_match_of_which_nothing_is_known(viewer: Client) -> None:
    match = MatchFactory(blue=None, red=None, number="", court=None, category="", rounds_planned=None)
    page = viewer.get(reverse("match_report", args=[match.pk])).content.decode()

    for words in (
        "Match without a number",
        "not named",
        "Not started",
        "No round was told",
        "No score was told",
    ):
        assert words in page, words


def test_a_day_report_lists_matches_by_court(viewer: Client, match: Any) -> None:
    second = CourtFactory(number=match.court.number + 1, name="")
    later = MatchFactory(day=match.day, court=second, number="300", started_at=NOON)
    MatchFactory(number="elsewhere")
    page = viewer.get(reverse("day_report", args=[match.day_id])).content.decode()

    assert page.index(str(match.court)) < page.index("245.A") < page.index(str(second)) < page.index("300")
    assert "<span>3–1</span> <span>2–5</span> <span>6–4</span>" in page
    assert 'Blue wins <span class="whole">2–1</span>' in page
    assert "running" in page
    assert "elsewhere" not in page
    assert HOSTILE not in page
    day = viewer.get(later.day.get_absolute_url()).content.decode()
    assert reverse("day_report", args=[match.day_id]) in day


def test_a_report_of_a_day_without_matches(viewer: Client) -> None:
    page = viewer.get(reverse("day_report", args=[make_day().pk])).content.decode()

    assert "No match was recorded on this day." in page
    assert "0 messages stored" in page


REPORTS = ["match_report", "match_pdf", "day_report", "day_pdf"]


@pytest.mark.parametrize("name", REPORTS)
def test_reports_are_for_those_who_may_see_matches(match: Any, name: str) -> None:
    url = reverse(name, args=[match.pk if name.startswith("match") else match.day_id])
    nobody = Client()
    nobody.force_login(UserFactory())

    assert (Client().get(url).status_code, nobody.get(url).status_code) == (302, 403)


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_of_what_is_not_there(viewer: Client, name: str) -> None:
    for key in (999_999, 2**63):
        assert viewer.get(reverse(name, args=[key])).status_code == 404
    assert viewer.post(reverse(name, args=[1])).status_code == 405


def test_a_day_report_takes_the_same_queries_for_one_match_and_three(viewer: Client) -> None:
    day = make_day()

    def count() -> int:
        MatchFactory(day=day)
        with CaptureQueriesContext(connection) as queries:
            assert viewer.get(reverse("day_report", args=[day.pk])).status_code == 200
        return len(queries)

    one = count()
    count()
    assert count() == one


# --- The score, drawn ---------------------------------------------------------------------------------


def test_the_course_follows_the_score(match: Any) -> None:
    events = list(match.events.order_by("received_at"))

    assert [(step.blue, step.red) for step in course.steps(events)] == [(0, 0), (3, 0), (3, 1)]
    drawn = course.draw(events)
    assert drawn
    assert drawn.blue.count("V") == drawn.red.count("V") == 2
    assert [score for _, score in drawn.grid] == [0, 1, 2, 3]
    assert [words for _, words in drawn.rounds] == ["Round 1"]
    numbers = [float(number) for number in re.findall(r"[\d.]+", drawn.blue + " " + drawn.red)]
    assert all(0 <= number <= course.WIDTH for number in numbers)


def test_no_course_is_drawn_where_no_score_was_told(match: Any) -> None:
    session = UdpSessionFactory(court=match.court)
    events = [score(match, session, n, 0, 0) for n in range(2)]

    assert course.draw([]) is None
    assert course.draw(events) is None


def test_scores_that_go_back_or_are_huge_are_drawn(match: Any) -> None:
    session = UdpSessionFactory(court=match.court)
    drawn = course.draw([score(match, session, n, blue, 2) for n, blue in enumerate((5, 2, 999, 0))])

    assert drawn
    assert len(drawn.grid) <= 12


# --- PDF ------------------------------------------------------------------------------------------------


def texts(document: bytes) -> bytes:
    """All streams of a PDF, unpacked."""
    found = b""
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", document, re.DOTALL):
        try:
            found += zlib.decompressobj().decompress(stream)
        except zlib.error:
            found += stream
    return found


def test_a_report_is_printed_as_pdf(viewer: Client, match: Any) -> None:
    if pdf.browser() is None:
        unavailable("no Chromium is installed (apt install chromium)")
    response = viewer.get(reverse("match_pdf", args=[match.pk]))

    assert response["Content-Type"] == "application/pdf"
    assert response.content.startswith(b"%PDF-")
    assert 'filename="match-report-match-245a.pdf"' in response["Content-Disposition"]
    content = texts(response.content)
    # Text as text, in fonts that are part of the file, with the title of the page.
    assert b"/FontFile2" in response.content or b"/FontFile3" in response.content
    assert content.count(b" Tj") + content.count(b" TJ") > 20
    assert b"Match report" in response.content or "Match report".encode("utf-16-be") in response.content


def test_a_match_of_three_rounds_with_all_its_stoppages_is_one_page(viewer: Client, match: Any) -> None:
    if pdf.browser() is None:
        unavailable("no Chromium is installed (apt install chromium)")
    match.blue.name = "LEE Daehoon"
    match.blue.save()
    match.replays *= 6
    match.injuries *= 3
    match.referees["judges"] *= 3
    match.save()
    # Its capture takes two lines.
    node = match.events.first().session.node.name
    Loss.objects.create(node=node, kind="drops", begin=NOON, end=NOON, datagrams=7)
    document = viewer.get(reverse("match_pdf", args=[match.pk])).content

    assert len(re.findall(rb"/Type\s*/Page\b", document)) == 1


def test_what_is_printed_runs_nothing_and_loads_nothing() -> None:
    if pdf.browser() is None:
        unavailable("no Chromium is installed (apt install chromium)")
    script = mark_safe("<script>document.title = 'it ran'</script>")
    context = {"style": script, "title": "as it was"}
    page = render_to_string("report/base.html", context)
    assert "<script>" in page

    assert title_of(pdf.print_to_pdf(page)) == "as it was"


def title_of(document: bytes) -> str:
    found = re.search(rb"/Title \((.*?)\)", document)
    assert found
    return found[1].decode()


def a_browser(directory: Path, script: str) -> str:
    """A program in the place of a browser."""
    path = directory / "browser"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_without_a_browser_the_page_says_how_to_print(
    viewer: Client, match: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "browser", lambda: None)
    page = viewer.get(reverse("match_report", args=[match.pk])).content.decode()
    assert "print from the browser" in page
    assert reverse("match_pdf", args=[match.pk]) not in page

    response = viewer.get(reverse("match_pdf", args=[match.pk]), follow=True)
    assert "There is no Chromium, Chrome or Edge on this machine." in response.content.decode()


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for the browser")
@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 1", "could not print"),
        ("sleep 60 & sleep 60", "took more than"),
        ("kill -9 $$", "could not print"),
    ],
)
def test_a_browser_that_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, words: str
) -> None:
    program = a_browser(tmp_path, script)
    monkeypatch.setattr(pdf, "browser", lambda: program)
    monkeypatch.setattr(pdf, "MOST_SECONDS", 0.5)

    with pytest.raises(pdf.PdfError, match=words):
        pdf.print_to_pdf("<p>x</p>")
