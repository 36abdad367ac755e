"""What holds on every page: text from outside is escaped, no inline script, a constant number of queries."""

from __future__ import annotations

import html
import re

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from events.models import EventMove
from events.reader import reader
from tests.factories import (
    NOON,
    AthleteFactory,
    CourtFactory,
    MatchFactory,
    PssEventFactory,
    UnknownMessageFactory,
    make_day,
)

pytestmark = pytest.mark.django_db

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.mark.parametrize("key", ["0", "999999", "x", "9" * 30])
def test_an_event_or_match_that_is_not_there_is_not_found(viewer: Client, key: str) -> None:
    for name in ("pssevent", "match"):
        assert viewer.get(reverse(f"admin:events_{name}_change", args=[key])).status_code == 404


@pytest.mark.parametrize(
    "name", ["match", "athlete", "udpsession", "listenernode", "unknownmessage", "eventmove"]
)
def test_other_lists_take_the_same_queries_for_one_row_and_three(viewer: Client, name: str) -> None:
    def count() -> int:
        PssEventFactory(match=MatchFactory(day=make_day()))
        UnknownMessageFactory()
        EventMove.objects.create(
            court=CourtFactory(), start=NOON, end=NOON, events=1, matches=1, day=make_day()
        )
        with CaptureQueriesContext(connection) as queries:
            assert viewer.get(reverse(f"admin:events_{name}_changelist")).status_code == 200
        return len(queries)

    one = count()
    count()
    assert count() == one


def test_hostile_text_from_the_wire_is_escaped_everywhere(viewer: Client) -> None:
    match = MatchFactory(
        number=HOSTILE[:32],
        phase=HOSTILE,
        category=HOSTILE,
        blue=AthleteFactory(name=HOSTILE, country="<b>"),
        red=AthleteFactory(name=HOSTILE + "2"),
        referees={"referee": {"name": HOSTILE, "ioc": HOSTILE}, "judges": [{"name": HOSTILE, "ioc": None}]},
        decision="<i>",
    )
    event = PssEventFactory(
        match=match,
        kind="athletes",
        raw=HOSTILE,
        error=HOSTILE,
        status="partial",
        details={HOSTILE: HOSTILE, "blue": {"long": HOSTILE, "short": HOSTILE, "ioc": "<b>"}},
    )
    unknown = UnknownMessageFactory(shape=HOSTILE, sample=HOSTILE, notes=HOSTILE)
    pages = [
        reverse("admin:events_pssevent_changelist"),
        event.get_absolute_url(),
        reverse("admin:events_match_changelist"),
        match.get_absolute_url(),
        reverse("admin:events_athlete_changelist"),
        match.blue.get_absolute_url(),
        reverse("admin:events_unknownmessage_changelist"),
        reverse("admin:events_unknownmessage_change", args=[unknown.pk]),
    ]
    for url in pages:
        page = viewer.get(url).content.decode()
        assert "<img src=x" not in page, url
        assert "onerror=alert" not in page.replace("&lt;img src=x onerror=alert", ""), url


@pytest.mark.parametrize(
    "raw",
    ["wxy;12;\\r\\n", '{"eventType": "NEW_ONE", "x": 1', "{ nothing", "12;13;\\r\\n", ";;", "? ;1"],
)
def test_the_events_of_an_unknown_shape_are_a_click_away(viewer: Client, raw: str) -> None:
    event = PssEventFactory(raw=raw, status="unknown", kind="unknown")
    unknown = UnknownMessageFactory(shape=reader().shape(raw), sample=raw)
    page = viewer.get(reverse("admin:events_unknownmessage_change", args=[unknown.pk])).content.decode()
    (link,) = re.findall(r'href="([^"]*status=problem[^"]*)"', page)
    listed = viewer.get(html.unescape(link)).context["cl"].result_list
    assert list(listed) == [event]


def test_no_page_of_ours_holds_inline_script_or_style() -> None:
    """The theme's own pages may; ours add nothing to it."""
    for path in (settings.BASE_DIR / "templates").rglob("*.html"):
        text = re.sub(r"{%.*?%}", "", path.read_text(), flags=re.DOTALL)
        assert " style=" not in text, path
        assert "<style" not in text, path
        assert " onclick=" not in text, path
        assert "<script" not in text.replace("<script src", "").replace('<script type="module" src', ""), path
