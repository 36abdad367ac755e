"""Whatever comes in is stored, marked and never holds up what comes behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.models import ListenerNode, Match, PssEvent, UnknownMessage
from ingest.protocol import unescape
from tests.ingest.feed import Feed, recounted, tallied

GOOD = b"pt1;3\r\n"
NAMES = b"at1;%s;%s;KOR;at2;LEE;LEE;ITA\r\n"

BAD = {
    "empty": b"",
    "oversized": b"x" * 65_507,
    "oversized_known": b"at1;" + b"A" * 65_503,
    "binary": bytes(range(256)) * 20,
    "nul": b"pt1;\x003\r\n",
    "broken_utf8": b"at1;\xc3\x28\xff;LEE;KOR\r\n",
    "lone_surrogate": b"at1;\xed\xa0\x80;LEE;KOR;at2;A;A;ITA\r\n",
    "half_a_character": "at1;ÁLVAREZ".encode()[:6],
    "huge_number": b"sc1;" + b"9" * 400 + b";sc2;0\r\n",
    "huge_round": b"rnd;99999999999999999999\r\n",
    "no_round": b"rnd;0\r\n",
    "negative_round": b"rnd;-3\r\n",
    "large_round": b"rnd;70000\r\n",
    "huge_clock": b"clk;99999999999999:59\r\n",
    "huge_level": b"hl1;4294967296\r\n",
    "huge_gam_jeoms": b"wg1;65536;wg2;99999999999\r\n",
    "huge_settings": b"mch;7;F;C;;;;;;;S;99999999;99999999;cntDown;99999999;99999999\r\n",
    "negative": b"sc1;-5;sc2;-99999999999999999999\r\n",
    "infinity": b"sc1;inf;sc2;nan\r\n",
    "unicode_digits": "pt1;٣\r\n".encode(),
    "markup": b"at1;<script>alert(1)</script>;<b>X</b>;KOR;at2;LEE;LEE;ITA\r\n",
    "terminal_escape": b"at1;\x1b[2J\x1b]0;x\x07;LEE;KOR\r\n",
    "bidi_override": "at1;\u202eEEL\u202c;LEE;KOR;at2;A;A;ITA\r\n".encode(),
    "semicolon_in_a_name": b"at1;LE;E;LEE;KOR;at2;A;B;C;ITA\r\n",
    "long_names": NAMES % (b"A" * 5000, b"B" * 5000),
    "long_country": b"at1;LEE;LEE;" + b"K" * 500 + b";at2;A;A;" + b"I" * 500 + b"\r\n",
    "long_match": b"mch;" + b";".join([b"9" * 900] * 15) + b"\r\n",
    "long_code": b"c" * 900 + b";1\r\n",
    "only_separators": b";" * 3000,
    "only_line_ends": b"\r\n" * 3000,
    "very_many_lines": b"pt1;1\r\n" * 9000,
    "percent": b"at1;%s%d%n;LEE;KOR;at2;A;A;ITA\r\n",
    "quotes": b"at1;Robert'); DROP TABLE events_pssevent;--;LEE;KOR\r\n",
    "backslashes": b"at1;\\N\\.\\x00;LEE;KOR;at2;\\;\\;ITA\r\n",
    "line_separator": "at1;A\u2028B;LEE;KOR;at2;A;A;ITA\r\n".encode(),
    "unknown_code": b"sup;1;2\r\n",
    "json": b'{"eventType": "BLUE_BODY_POINT", "matchNumber": "101"}',
}


def raw_bytes() -> bytes:
    """Everything stored, put together again in the order of storing."""
    return b"".join(unescape(raw) for raw in PssEvent.objects.order_by("id").values_list("raw", flat=True))


@pytest.mark.django_db
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_stored_to_the_last_byte_and_holds_up_nothing(feed: Feed, name: str) -> None:
    feed.say(BAD[name], GOOD)
    feed.store()
    assert raw_bytes() == BAD[name] + GOOD
    *bad, good = PssEvent.objects.order_by("id")
    assert bad
    assert (good.kind, good.status, good.value) == ("point", "recognized", 3)
    # Stored by the ordinary way, not by the last resort for what a database refuses.
    assert not PssEvent.objects.filter(error__contains="could not be filed").exists()
    assert tallied() == recounted()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("empty", "malformed"),
        ("oversized", "unknown"),
        ("binary", "malformed"),
        ("nul", "partial"),
        ("huge_number", "partial"),
        ("huge_round", "partial"),
        ("negative_round", "partial"),
        ("large_round", "partial"),
        ("half_a_character", "partial"),
        ("markup", "recognized"),
        ("unknown_code", "unknown"),
    ],
)
def test_bad_input_is_marked(feed: Feed, name: str, status: str) -> None:
    feed.say(BAD[name])
    feed.store()
    event = PssEvent.objects.first()
    assert event is not None
    assert event.status == status
    assert bool(event.error) == (status != "recognized")


@pytest.mark.django_db
def test_bad_input_of_every_kind_leaves_the_match_to_go_on(feed: Feed) -> None:
    feed.say(b"pre;FightLoaded\r\n", b"mch;101;Final;MEN M -68KG;;;;;;7;SENIORS;3;120;cntDown;21;5\r\n")
    feed.say(*(datagram for name, datagram in BAD.items() if not name.startswith("huge_settings")))
    feed.say(b"pre;FightLoaded\r\n", b"mch;102;Final;MEN M -80KG;;;;;;7;SENIORS;3;120;cntDown;21;5\r\n")
    feed.say(b"at1;LEE;LEE DH;KOR;at2;ROSSI;ROSSI A;ITA\r\n")
    feed.store()
    match = Match.objects.order_by("-id")[0]
    assert match.blue is not None
    assert (match.number, match.blue.name, match.blue.country) == ("102", "LEE DH", "KOR")


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.binary(max_size=80)
        | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass"))
        | st.sampled_from([b"at1;", b"mch;", b"sc1;", b"clk;", b"ref;", b"wmh;", b"wg1;"]).flatmap(
            lambda code: st.binary(max_size=60).map(lambda rest: code + rest)
        ),
        max_size=12,
    )
)
def test_any_bytes_are_stored_to_the_last_byte(feed: Feed, datagrams: list[bytes]) -> None:
    before = len(raw_bytes())
    feed.say(*datagrams)
    feed.store()
    assert raw_bytes()[before:] == b"".join(datagrams)
    assert tallied() == recounted()


# --- Unknown messages -------------------------------------------------------------------------------


@pytest.mark.django_db
def test_unknown_messages_are_counted_by_shape(feed: Feed) -> None:
    feed.say(b"sup;12;abc\r\n", b"sup;7;xyz\r\n", b"rst;\r\n", GOOD)
    feed.store()
    feed.say(b"sup;3;a\r\n")
    feed.store()
    counts = dict(UnknownMessage.objects.values_list("shape", "count"))
    assert counts == {"sup;N;A": 3, "rst;": 1}
    seen = UnknownMessage.objects.get(shape="sup;N;A")
    first, last = (
        PssEvent.objects.filter(stream="sup").order_by("id").values_list("received_at", flat=True)[::2]
    )
    assert (seen.first_seen, seen.last_seen, seen.sample) == (first, last, "sup;12;abc\\r\\n")


@pytest.mark.django_db
def test_noise_makes_few_shapes(feed: Feed) -> None:
    feed.say(*(bytes([n, 255 - n, 200]) * (n % 9 + 1) for n in range(128, 256)))
    feed.store()
    assert PssEvent.objects.count() >= 128
    assert UnknownMessage.objects.count() <= 4


# --- What the database itself refuses ---------------------------------------------------------------


@contextmanager
def refusing(condition: str) -> Iterator[None]:
    """The database refuses events for which `condition` (SQL over the row) is true."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            columns = condition
            for name in ("raw", "kind"):
                columns = columns.replace(f"{name} ", f"NEW.{name} ")
            cursor.execute(
                f"CREATE TRIGGER refuse BEFORE INSERT ON events_pssevent WHEN {columns} "
                "BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )
        else:
            cursor.execute(f"ALTER TABLE events_pssevent ADD CONSTRAINT refuse CHECK (NOT ({condition}))")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "DROP TRIGGER refuse"
                if connection.vendor == "sqlite"
                else "ALTER TABLE events_pssevent DROP CONSTRAINT refuse"
            )


def stored_with_one_refused(feed: Feed, condition: str) -> list[PssEvent]:
    """Forty datagrams, of which the database refuses the one with level 66."""
    feed.say(*(b"hl1;%d\r\n" % (20 + n) for n in range(40)), b"hl1;66\r\n")
    feed.say(*(b"hl2;%d\r\n" % (20 + n) for n in range(40)))
    with refusing(condition):
        assert feed.store() == 81
    return list(PssEvent.objects.order_by("id"))


@pytest.mark.django_db(transaction=True)
def test_one_message_the_database_refuses_is_stored_as_malformed_and_the_others_as_they_are(
    feed: Feed,
) -> None:
    events = stored_with_one_refused(feed, "raw LIKE 'hl1;66%' AND kind <> 'unknown'")
    assert [event.sequence for event in events] == list(range(1, 82))
    refused = events[40]
    assert (refused.status, refused.raw, refused.kind) == ("malformed", "hl1;66\\r\\n", "unknown")
    assert refused.error
    others = events[:40] + events[41:]
    assert [event.value for event in others] == [*range(20, 60), *range(20, 60)]
    assert {event.status for event in others} == {"recognized"}
    assert ListenerNode.objects.get().stored == 81
    assert tallied() == recounted()


@pytest.mark.django_db(transaction=True)
def test_a_text_the_database_refuses_in_any_form_is_left_out_and_named(feed: Feed) -> None:
    events = stored_with_one_refused(feed, "raw LIKE 'hl1;66%'")
    assert [event.sequence for event in events] == list(range(1, 82))
    assert (events[40].raw, events[40].status) == ("", "malformed")
    assert f"record {feed.writer.next_sequence - 41} of the journal" in events[40].error
    assert ListenerNode.objects.get().stored == 81
