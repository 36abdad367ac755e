"""Stored messages through the parser of today: events, totals and unknown messages follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from events.models import EventTally, PssEvent, UnknownMessage
from events.reader import reader
from events.reparse import reparse
from tests.events.test_moves import counts, recount
from tests.factories import PssEventFactory, UnknownMessageFactory, UserFactory, make_day, tally_events

pytestmark = pytest.mark.django_db


def unread(raw: str = "pt1;3\\r\\n", **fields: Any) -> PssEvent:
    """An event as an older parser left it, which did not know the message."""
    defaults = {"kind": "unknown", "status": "unknown", "stream": "", "athlete": 0, "value": None}
    event: PssEvent = PssEventFactory(raw=raw, details={}, **defaults | fields)
    return event


def test_reparse_understands_what_an_older_parser_did_not() -> None:
    event = unread(day=make_day())
    tally_events()

    outcome = reparse(PssEvent.objects.all(), reader())

    event.refresh_from_db()
    assert (event.kind, event.athlete, event.value, event.status) == ("point", 1, 3, "recognized")
    assert event.details == {"points": 3, "technique": "head"}
    assert (outcome.read, outcome.changed) == (1, 1)
    assert outcome.became == {("unknown", "recognized"): 1}


def test_reparse_keeps_totals_equal_to_a_count() -> None:
    for day in (None, make_day()):
        unread(day=day)
        unread("clk;1:23\\r\\n", day=day)
        unread("never heard of;1\\r\\n", day=day)
        PssEventFactory(day=day)
    tally_events()

    reparse(PssEvent.objects.all(), reader(), slice_size=3)

    assert counts() == recount()
    assert EventTally.objects.filter(status="recognized").total() == 6


def test_reparse_counts_unknown_messages_down_and_up() -> None:
    raw = "pt1;3\\r\\n"
    shape = reader().shape(raw)
    UnknownMessageFactory(shape=shape, count=5)
    unread(raw)
    unread(raw)
    strange = PssEventFactory(raw="strange;7\\r\\n")
    tally_events()

    reparse(PssEvent.objects.all(), reader())

    assert UnknownMessage.objects.get(shape=shape).count == 3
    new = UnknownMessage.objects.get(shape=reader().shape(strange.raw))
    assert (new.count, new.sample, new.first_seen) == (1, strange.raw, strange.received_at)


def test_dry_run_says_what_would_change_and_changes_nothing() -> None:
    event = unread()
    tally_events()
    before = counts()

    outcome = reparse(PssEvent.objects.all(), reader(), dry_run=True)

    event.refresh_from_db()
    assert (outcome.changed, event.status) == (1, "unknown")
    assert counts() == before


def test_reparse_leaves_what_only_the_importer_knows() -> None:
    """Whose gam-jeom it was, which hits belong to a point, and the round and clock at the time."""
    gam_jeom = PssEventFactory(
        raw="wg1;1;wg2;0\\r\\n",
        stream="wg1",
        kind="gam_jeom",
        athlete=1,
        value=1,
        round=2,
        clock_ms=61_000,
        details={"blue": 1, "red": 0},
    )
    point = PssEventFactory(details={"points": 3, "technique": "head", "hits": [4, 5]}, round=1)
    tally_events()

    outcome = reparse(PssEvent.objects.all(), reader())

    for event, fields in ((gam_jeom, (1, 1, 2, 61_000)), (point, (1, 3, 1, None))):
        event.refresh_from_db()
        assert (event.athlete, event.value, event.round, event.clock_ms) == fields
    assert point.details["hits"] == [4, 5]
    assert outcome.changed == 0


@dataclass
class Line:
    """A message of a parser that reads two where there was one."""

    stream: str = "xx"
    kind: str = "unknown"
    athlete: int = 0
    value: int | None = None
    round: int | None = None
    clock_ms: int | None = None
    details: dict[str, Any] = field(default_factory=dict)
    status: str = "recognized"
    error: str = ""


class TwoLines:
    def to_bytes(self, raw: str) -> bytes:
        return raw.encode()

    def read(self, raw: str, dialect: str) -> Sequence[Line]:
        return [Line(), Line()]

    def shape(self, raw: str) -> str:
        return raw


def test_a_message_now_read_as_two_stays_what_it_is() -> None:
    event = unread()
    tally_events()
    assert reparse(PssEvent.objects.all(), TwoLines()).changed == 0
    event.refresh_from_db()
    assert event.status == "unknown"


def test_a_slice_takes_the_same_queries_for_one_event_and_ten() -> None:
    def count(events: int) -> int:
        for _ in range(events):
            unread()
        tally_events()
        with CaptureQueriesContext(connection) as queries:
            reparse(PssEvent.objects.filter(status="unknown"), reader())
        return len(queries)

    assert count(1) == count(10)


def test_progress_is_told_after_each_slice() -> None:
    for _ in range(5):
        unread()
    tally_events()
    told: list[int] = []
    reparse(
        PssEvent.objects.all(), reader(), slice_size=2, progress=lambda outcome: told.append(outcome.read)
    )
    assert told == [2, 4, 5]


def run(*words: str) -> str:
    out = StringIO()
    call_command("reparse", *words, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_command_reads_only_what_was_not_recognized_unless_told() -> None:
    unread()
    wrong = PssEventFactory(value=99)
    tally_events()

    assert "1 messages read again, 1 would change." in run("--dry-run")
    assert "1 from unknown to recognized" in run()
    wrong.refresh_from_db()
    assert wrong.value == 99
    assert "1 recognized, with other fields" in run("--all")
    wrong.refresh_from_db()
    assert wrong.value == 3


def test_command_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("reparse", "--help")
    assert "manage.py reparse --dry-run" in capsys.readouterr().out


def test_action_parses_the_chosen_shapes_again_and_says_what_came_of_it() -> None:
    known, other = unread(), unread("clk;1:23\\r\\n")
    tally_events()
    chosen = UnknownMessageFactory(shape=reader().shape(known.raw), count=1)
    client = Client()
    client.force_login(UserFactory(group="Operator"))

    response = client.post(
        reverse("admin:events_unknownmessage_changelist"),
        {"action": "parse_again", "_selected_action": [chosen.pk]},
        follow=True,
    )

    for event in (known, other):
        event.refresh_from_db()
    assert (known.status, other.status) == ("recognized", "unknown")
    assert "Parsed 1 message again: 1 understood now." in response.content.decode()
    chosen.refresh_from_db()
    assert chosen.count == 0
