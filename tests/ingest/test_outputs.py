"""A court that sends TkStrike's text output, its JSON output, or both: one match, counted once."""

import json
from collections import Counter

import pytest

from events.figures import count
from events.kinds import Kind
from events.models import EventTally, HourTally, Match, PssEvent, UdpSession
from events.reader import reader
from events.reparse import reparse
from ingest.outputs import SILENT_MESSAGES, Outputs
from ingest.protocol import as_echo, parse
from tests.captures import capture
from tests.ingest.feed import SECOND_NS
from tournaments.models import Court

pytestmark = pytest.mark.django_db

TEXT, JSON = {"source_port": 40_001}, {"source_port": 40_002}
TOLD = ("number", "division", "rounds", "winner", "decision")


def text():
    return [(t, datagram, TEXT) for t, datagram in capture("a_bestof3_full")]


def objects():
    return [(t, datagram, JSON) for t, datagram in capture("a_bestof3_full.json_udp")]


def play(feed, datagrams, **who):
    begin_ns = feed.now_ns
    for seconds, payload, sender in sorted(datagrams, key=lambda d: d[0]):
        feed.now_ns = begin_ns + round(seconds * 1e6) * 1000
        feed.say(payload, after_s=0, **{**sender, **who})


def story(match):
    """What both outputs tell of a match."""
    return {
        **{name: getattr(match, name) for name in TOLD},
        "replays": [(r["side"], r["round"], r["clock_ms"] // 1000, r["state"]) for r in match.replays],
        "kye-shi": [(i["round"], i["clock_ms"] // 1000) for i in match.injuries],
    }


def figures(match):
    """Points and hits as the events have them."""
    kinds = Counter(PssEvent.objects.filter(match=match).values_list("kind", flat=True))
    return {kind: kinds[kind] for kind in (Kind.POINT, Kind.HIT, Kind.GAM_JEOM, Kind.REPLAY)}


def test_json_alone_gives_the_match_that_text_gives(feed):
    play(feed, text())
    feed.store()
    play(feed, objects(), source="127.0.0.9")
    feed.store()
    by_text, by_json = Match.objects.order_by("loaded_at")
    assert story(by_json) == story(by_text)
    assert by_text.rounds == [[13, 8, 1], [0, 11, 2], [7, 7, 1]]
    # Only this output says that a gam-jeom was taken back.
    assert (by_text.gam_jeoms, by_json.gam_jeoms) == ([[1, 0], [0, 1], [0, 0]], [[1, 0], [0, 0], [0, 0]])
    assert [session.dialect for session in UdpSession.objects.order_by("id")] == ["T", "J"]


def test_both_outputs_are_stored_and_give_one_match_counted_once(feed):
    play(feed, [*text(), *objects()])
    feed.store()
    match = Match.objects.get()
    assert Court.objects.count() == 1
    assert PssEvent.objects.count() == len(text()) + len(objects())
    assert set(PssEvent.objects.filter(stream="json").values_list("kind", flat=True)) == {"echo"}
    assert match.rounds == [[13, 8, 1], [0, 11, 2], [7, 7, 1]]
    assert (match.winner, match.decision, match.phase) == ("blue", "PTF", "Final")
    assert match.gam_jeoms == [[1, 0], [0, 0], [0, 0]]
    assert not UdpSession.objects.filter(concurrent=True).exists()
    both = figures(match)
    hits = PssEvent.objects.filter(kind="point", details__has_key="hits").exclude(details__hits=[]).count()
    EventTally.objects.all().delete()
    PssEvent.objects.all().delete()
    Match.objects.all().delete()
    play(feed, text(), source="127.0.0.3")
    feed.store()
    alone = Match.objects.get()
    assert both == figures(alone)
    # Hits are linked to their points as if nobody spoke in between.
    assert hits == PssEvent.objects.filter(kind="point").exclude(details__hits=[]).count()
    assert story(match) == story(alone)


def test_figures_of_both_say_which_kicks_were_technical(feed):
    play(feed, [*text(), *objects()])
    feed.store()
    figures = Match.objects.get().figures
    assert figures["points"] == [
        {"punch": 1, "body": 4, "head": 2, "technical_head": 1},
        {"punch": 1, "body": 5, "head": 2, "technical_body": 2},
    ]
    # Text tells 18 and 21; the turns are worth 2 each.
    assert figures["points_sum"] == [20, 25]
    assert figures["hits"] == [227, 268]
    match = Match.objects.get()
    count([match.pk])
    match.refresh_from_db()
    assert match.figures == figures


def test_totals_are_a_plain_count_of_the_events_of_both(feed):
    play(feed, [*text(), *objects()])
    feed.store()
    counted = Counter(PssEvent.objects.values_list("kind", flat=True))
    assert EventTally.objects.by("kind") == counted
    assert counted["echo"] == 936


def test_restarts_between_batches_change_nothing(feed):
    play(feed, [*text(), *objects()])
    feed.store_in_pieces([7, 150, 1, 400])
    pieces = list(PssEvent.objects.order_by("id").values_list("kind", "details", "match__number"))
    assert Counter(kind for kind, *_ in pieces)["echo"] == 936
    assert Match.objects.get().rounds == [[13, 8, 1], [0, 11, 2], [7, 7, 1]]


def test_json_goes_on_with_the_match_when_text_falls_silent(feed):
    play(feed, [*[d for d in text() if d[0] < 300], *objects()])
    feed.store()
    match = Match.objects.get()
    assert match.rounds == [[13, 8, 1], [0, 11, 2], [7, 7, 1]]
    assert (match.winner, match.decision, match.phase) == ("blue", "PTF", "Final")
    assert match.blue.name == "LEE DH"
    told = PssEvent.objects.filter(stream="json").exclude(kind="echo").order_by("id").first()
    before = PssEvent.objects.filter(id__lt=told.id, stream="json").order_by("-id").first()
    assert before.kind == "echo"


def test_text_takes_over_again_when_it_comes_back(feed):
    play(feed, [*[d for d in text() if not 300 < d[0] < 400], *objects()])
    feed.store()
    match = Match.objects.get()
    assert match.rounds == [[13, 8, 1], [0, 11, 2], [7, 7, 1]]
    assert match.winner == "blue"
    last = PssEvent.objects.filter(stream="json").order_by("-id").first()
    assert last.kind == "echo"


def test_json_tells_the_match_at_once_after_a_goodbye(feed):
    feed.say(*(d for t, d, _ in text() if t < 14), **TEXT)
    feed.say(b"bye;\r\n", **TEXT)
    feed.say(*(d for t, d, _ in objects() if 14 < t < 20), **JSON)
    feed.store()
    assert not PssEvent.objects.filter(kind="echo").exists()
    assert Match.objects.get().rounds[0][:2] == [2, 0]


def test_objects_that_are_repeated_word_for_word_count_once(feed):
    play(feed, objects())
    feed.store()
    again = PssEvent.objects.filter(kind="echo")
    assert {event.details["again"] for event in again} == {True}
    raws = Counter(PssEvent.objects.exclude(kind="echo").values_list("raw", flat=True))
    assert set(raws.values()) == {1}
    assert PssEvent.objects.count() == 936


def test_other_output_of_an_address_belongs_to_its_court_whatever_the_port(feed):
    feed.say(*(d for t, d, _ in text() if t < 14), **TEXT)
    feed.say(*(d for t, d, _ in objects() if t < 20), **JSON, port=6001)
    feed.store()
    assert Court.objects.count() == 1
    assert UdpSession.objects.values("court").distinct().count() == 1


def test_json_of_a_machine_with_two_courts_is_not_guessed(feed):
    feed.say(text()[4][1], **TEXT)
    feed.say(text()[4][1], source_port=40_005, port=6001)
    feed.say(objects()[0][1], **JSON, port=6002)
    feed.store()
    assert Court.objects.count() == 3


def test_second_match_of_json_alone_is_a_match_of_its_own(feed):
    play(feed, objects())
    second = [
        (
            t + 600,
            d.replace(b'"matchNumber":"101"', b'"matchNumber":"102"').replace(b"OVR-101", b"OVR-102"),
            s,
        )
        for t, d, s in objects()
    ]
    play(feed, second)
    feed.store()
    one, two = Match.objects.order_by("loaded_at")
    assert (one.number, two.number) == ("101", "102")
    assert story(one) | {"number": "102"} == story(two)


def test_text_is_silent_only_after_time_and_messages():
    outputs = Outputs()
    (tick,) = parse(objects()[1][1])
    other = [parse(d)[0] for _, d, _ in objects()[10:40]]
    assert outputs.hear(tick, 1) is tick
    (word,) = parse(b"rnd;1\r\n")
    outputs.hear(word, SECOND_NS)
    heard = [outputs.hear(message, SECOND_NS + n) for n, message in enumerate(other)]
    assert {message.kind for message in heard} == {"echo"}
    outputs.hear(word, 2 * SECOND_NS)
    fresh = [parse(d)[0] for _, d, _ in objects()[40:60]]
    late = [outputs.hear(message, 9 * SECOND_NS + n) for n, message in enumerate(fresh)]
    assert [message.kind == "echo" for message in late][: SILENT_MESSAGES + 2] == [True] * SILENT_MESSAGES + [
        False
    ] * 2


def test_reparse_makes_old_json_an_echo_and_keeps_echoes(feed):
    play(feed, [d for d in (*text(), *objects()) if d[0] < 60])
    feed.store()
    # As they were stored before this output could be read.
    old = PssEvent.objects.filter(stream="json")
    old.update(kind="unknown", status="unknown", details={}, error="kept as it is")
    EventTally.objects.filter(kind="echo").update(kind="unknown", status="unknown")
    HourTally.objects.all().delete()
    for session in UdpSession.objects.all():
        status = "unknown" if session.dialect == "J" else "recognized"
        # What was played may reach into the next hour.
        spoken = (session.started_at, session.last_event_at)
        for hour in {at.replace(minute=0, second=0, microsecond=0) for at in spoken}:
            HourTally.objects.create(court=session.court, status=status, hour=hour, events=5000)
    assert reparse(PssEvent.objects.all(), reader()).changed == old.count() > 0
    assert set(old.values_list("kind", flat=True)) == {"echo"}
    counted = EventTally.objects.filter(events__gt=0).by("kind")
    assert counted == Counter(PssEvent.objects.values_list("kind", flat=True))
    # Repetitions are told apart only where both are heard, so those are read as they came.
    assert reparse(PssEvent.objects.all(), reader()).changed == 0


def test_echo_is_stored_with_the_words_of_its_kind():
    (message,) = parse(next(d for _, d, _ in objects() if b"BLUE_HEAD_TECH_POINT" in d))
    assert json.loads(json.dumps(as_echo(message).details))["kind"] == "point"


def test_ticks_and_echoes_are_left_out_where_only_what_happened_is_asked(feed):
    play(feed, objects())
    feed.store()
    kept = PssEvent.objects.without_ticks()
    assert not kept.filter(kind="echo").exists()
    assert kept.filter(kind="clock").count() == 13
    assert PssEvent.objects.filter(kind="clock").count() == 304
