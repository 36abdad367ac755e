"""Matches, and what the importer adds to an event: whose gam-jeom it is, which hits made a point."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.db.models import Count
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.models import Athlete, EventTally, Match, PssEvent, UdpSession
from events.scoreboard import Scoreboard
from ingest.simulator import MatchStory, SimulatedCourt
from tests.captures import capture
from tests.ingest.feed import Feed, empty_tables, picture, recounted, tallied

pytestmark = pytest.mark.django_db

LOAD = b"pre;FightLoaded\r\n"


def match_line(number: str) -> bytes:
    return f"mch;{number};Final;MEN M -68KG;;;;;;7;SENIORS;3;120;cntDown;21;5\r\n".encode()


def events(kind: str) -> list[PssEvent]:
    return list(PssEvent.objects.filter(kind=kind).order_by("id"))


# --- What is added to an event ----------------------------------------------------------------------


def test_a_gam_jeom_is_stored_with_its_athlete_and_total(feed: Feed) -> None:
    feed.say(LOAD, b"rnd;1\r\n", b"wg1;0;wg2;0\r\n", after_s=1)
    feed.say(b"wg1;1;wg2;0\r\n", b"wg1;1;wg2;1\r\n", b"wg1;2;wg2;1\r\n", after_s=5)
    feed.store()
    assert [(event.athlete, event.value) for event in events("gam_jeom")][1:] == [(1, 1), (2, 1), (1, 2)]


def test_a_gam_jeom_is_found_by_the_total_stored_before_a_restart(feed: Feed) -> None:
    feed.say(LOAD, b"rnd;1\r\n", b"wg1;1;wg2;0\r\n", after_s=2)
    feed.store()
    feed.say(b"wg1;1;wg2;1\r\n", after_s=5)
    feed.importer().drain()
    last = events("gam_jeom")[-1]
    assert (last.athlete, last.value) == (2, 1)


def test_hits_before_and_after_a_point_are_linked_to_it(feed: Feed) -> None:
    feed.say(LOAD, b"clk;02:00;start\r\n", after_s=1)
    feed.say(b"hl1;30\r\n", after_s=1)  # sequence 3: 5.5 s before the point, too early
    feed.say(b"hl1;44\r\n", after_s=1.5)  # 4
    feed.say(b"hl2;50\r\n", after_s=1)  # 5: the other's
    feed.say(b"hl1;61\r\n", after_s=1)  # 6
    feed.say(b"pt1;2\r\n", after_s=2)  # 7
    feed.say(b"hl1;70\r\n", after_s=0.4)  # 8: within half a second
    feed.say(b"hl1;71\r\n", after_s=0.4)  # 9: not any more
    feed.store()
    (point,) = events("point")
    assert point.details["hits"] == [[4, 44], [6, 61]]
    assert {event.sequence: event.details.get("points") for event in events("hit")} == {
        3: None,
        4: None,
        5: None,
        6: None,
        8: [7],
        9: None,
    }


def test_hits_are_linked_over_a_restart(feed: Feed) -> None:
    feed.say(LOAD, b"clk;02:00;start\r\n", b"hl2;33\r\n")
    feed.store()
    feed.say(b"pt2;3\r\n")
    feed.importer().drain()
    assert events("point")[0].details["hits"] == [[3, 33]]


def test_hits_of_an_earlier_session_are_not_linked_by_a_sequence_that_means_another(feed: Feed) -> None:
    feed.say(LOAD, b"clk;02:00;start\r\n", b"hl1;33\r\n", source_port=40_001)
    feed.say(b"pt1;3\r\n", source_port=40_002)
    feed.store()
    assert "hits" not in events("point")[0].details


def test_a_link_at_the_very_edge_of_its_time_is_the_same_after_a_restart(feed: Feed) -> None:
    feed.say(LOAD, b"clk;02:00;start\r\n")
    feed.now_ns += 900
    feed.say(b"hl1;33\r\n")
    feed.now_ns -= 100  # 100 ns less than 5 s; but stored times are cut to the microsecond
    feed.say(b"pt1;3\r\n", after_s=5)
    feed.store()
    undisturbed = picture()["events"]
    empty_tables()
    feed.store_in_pieces([3])
    assert picture()["events"] == undisturbed


def test_every_event_carries_the_round_and_clock_of_its_moment(feed: Feed) -> None:
    feed.say(
        LOAD, match_line("101"), b"rnd;2\r\n", b"clk;01:30\r\n", b"pt1;1\r\n", b"clk;01:29\r\n", after_s=1
    )
    feed.say(b"hl2;9\r\n")
    feed.store()
    point, hit = events("point")[0], events("hit")[0]
    assert (point.round, point.clock_ms) == (2, 90_000)
    assert (hit.round, hit.clock_ms) == (2, 89_000)


# --- Matches ----------------------------------------------------------------------------------------


def test_a_match_opens_at_its_load_and_takes_all_that_follows(feed: Feed) -> None:
    feed.say(b"hel;\r\n", b"zz\r\n", LOAD)
    loaded = feed.now_ns
    feed.say(b"rnd;1\r\n", match_line("101"), b"zz\r\n")
    feed.store()
    match = Match.objects.get()
    assert (match.number, match.phase, match.category, match.division) == (
        "101",
        "Final",
        "MEN M -68KG",
        "SENIORS",
    )
    assert [event.match_id for event in PssEvent.objects.order_by("id")] == [None, None, *[match.pk] * 4]
    assert match.loaded_at.timestamp() * 1e6 == pytest.approx(loaded / 1000, abs=1)


def test_a_listener_that_starts_in_the_middle_of_a_match_opens_one(feed: Feed) -> None:
    feed.say(b"hwt;0\r\n", b"clk;00:30\r\n", b"sc1;5;sc2;6\r\n")
    feed.store()
    match = Match.objects.get()
    assert [event.match_id for event in PssEvent.objects.order_by("id")] == [None, match.pk, match.pk]


def test_the_end_of_a_match_that_comes_together_with_the_next_load_stays_with_it(feed: Feed) -> None:
    feed.say(LOAD, match_line("101"), b"at1;LEE;LEE;KOR;at2;ROSSI;ROSSI;ITA\r\n", after_s=1)
    feed.say(b"wrd;rd1;1;rd2;1;rd3;0\r\n", after_s=60)
    feed.say(LOAD, after_s=1)
    feed.say(match_line("102"), b"at1;KIM;KIM;KOR;at2;DIAZ;DIAZ;ESP\r\n", after_s=0.001)
    feed.store()
    first, second = Match.objects.order_by("loaded_at")
    assert [winner for _, _, winner in first.rounds][:2] == [1, 1]
    assert (first.number, second.number) == ("101", "102")
    assert second.blue is not None
    assert second.blue.name == "KIM"
    assert second.rounds in ([], [[0, 0, 0]])


@pytest.mark.parametrize("restart", [False, True])
def test_an_answer_about_the_match_before_is_not_taken_for_a_result(feed: Feed, restart: bool) -> None:
    feed.say(LOAD, match_line("101"), b"at1;LEE;LEE;KOR;at2;ROSSI;ROSSI;ITA\r\n", after_s=0.2)
    feed.say(b"clk;02:00;start\r\n", b"clk;0:00;stopEnd\r\n", after_s=60)
    feed.say(b"wmh;LEE;2-0 PTF\r\n", b"win;BLUE\r\n", after_s=10)
    # The winner fights again.
    feed.say(LOAD, match_line("102"), b"at1;LEE;LEE;KOR;at2;DIAZ;DIAZ;ESP\r\n", after_s=20)
    feed.store()
    feed.say(b"wmh;LEE;2-0 PTF\r\n", b"win;BLUE\r\n", after_s=5)
    (feed.importer().drain if restart else feed.store)()
    first, second = Match.objects.order_by("loaded_at")
    assert (first.winner, first.decision) == ("blue", "PTF")
    assert (second.number, second.winner, second.decision, second.ended_at) == ("102", "", "", None)


def test_after_hours_of_silence_a_message_belongs_to_no_earlier_match(tmp_path: Path) -> None:
    feed = Feed(tmp_path / "journal", time.time_ns() - 10 * 3600 * 10**9)
    feed.say(LOAD, match_line("101"))
    feed.say(b"zz\r\n", after_s=4 * 3600)
    feed.say(b"clk;01:00\r\n")
    feed.store()
    first, second = Match.objects.order_by("loaded_at")
    assert [event.match_id for event in PssEvent.objects.order_by("id")] == [
        first.pk,
        first.pk,
        None,
        second.pk,
    ]
    assert (first.number, second.number) == ("101", "")


def test_matches_of_two_courts_do_not_mix(feed: Feed) -> None:
    for number in range(40):
        feed.say(LOAD, match_line(f"1{number:02}"), source="127.0.0.2", after_s=0.2)
        feed.say(LOAD, match_line(f"2{number:02}"), source="127.0.0.3", after_s=0.2)
    feed.store()
    numbers: dict[int, set[str]] = {1: set(), 2: set()}
    for match in Match.objects.select_related("court"):
        assert match.court is not None
        numbers[match.court.number].add(match.number[0])
    assert numbers == {1: {"1"}, 2: {"2"}}
    assert Match.objects.count() == 80


def test_a_sender_without_a_court_goes_on_with_its_match_after_a_restart(feed: Feed, settings: Any) -> None:
    settings.INGEST_AUTO_COURTS = False
    feed.say(LOAD, match_line("101"), source="127.0.0.2")
    feed.say(LOAD, match_line("201"), source="127.0.0.3")
    feed.store()
    feed.say(b"wg1;1;wg2;0\r\n", source="127.0.0.2", after_s=3)
    feed.say(b"wg1;0;wg2;1\r\n", source="127.0.0.3", after_s=3)
    feed.importer().drain()
    gam_jeoms = {match.number: match.gam_jeoms[0] for match in Match.objects.all()}
    assert gam_jeoms == {"101": [1, 0], "201": [0, 1]}


def test_many_senders_without_a_court_are_kept_apart(feed: Feed, settings: Any) -> None:
    settings.INGEST_AUTO_COURTS = False
    ports = range(40_000, 40_260)
    for port in ports:
        feed.say(LOAD, match_line(str(port)), source_port=port, after_s=0.001)
    importer = feed.importer()
    importer.drain()
    for port in ports:
        feed.say(b"wg1;1;wg2;0\r\n", source_port=port, after_s=0.01)
    importer.drain()
    assert Match.objects.count() == len(ports)
    assert all(match.gam_jeoms == [[1, 0]] for match in Match.objects.all())


def test_an_athlete_is_one_row_however_often_named(feed: Feed) -> None:
    for number in range(3):
        feed.say(LOAD, match_line(str(number)), b"at1;LEE;LEE DH;KOR;at2;ROSSI;ROSSI A;ITA\r\n", after_s=2)
    feed.store()
    assert sorted(Athlete.objects.values_list("name", "short_name", "country")) == [
        ("LEE DH", "LEE", "KOR"),
        ("ROSSI A", "ROSSI", "ITA"),
    ]
    assert Match.objects.filter(blue__name="LEE DH", red__name="ROSSI A").count() == 3


def test_simulated_matches_are_read_as_they_were_played(feed: Feed) -> None:
    stories: list[MatchStory] = []
    for number, dialect in ((1, "T"), (2, "P")):
        game = SimulatedCourt(number, seed=11, matches=3, dialect=dialect)
        begin_ns = feed.now_ns
        feed.play([(d.seconds, d.payload) for d in game.datagrams()], source=f"127.0.0.{number}")
        feed.now_ns = begin_ns
        stories += game.stories
    feed.store()
    for story in stories:
        match = Match.objects.get(number=story.number)
        assert match.winner == ("tie", "blue", "red")[story.winner], story
        assert match.decision == story.decision, story
        assert match.rounds == [[r.blue, r.red, r.winner] for r in story.rounds], story
        if not story.text_is_cut:
            assert match.blue is not None
            assert match.red is not None
            assert (match.blue.country, match.red.country) == (story.blue.ioc, story.red.ioc)
        assert PssEvent.objects.filter(match=match, kind="point").count() == story.points
    assert tallied() == recounted()


def test_stored_events_fold_to_the_stored_match(feed: Feed) -> None:
    feed.play([(d.seconds, d.payload) for d in SimulatedCourt(1, seed=5, matches=2).datagrams()])
    feed.store()
    for match in Match.objects.all():
        told = Scoreboard.fold(PssEvent.objects.filter(match=match).order_by("id")).match_fields()
        assert told["rounds"] == match.rounds
        assert (told["winner"], told["decision"]) == (match.winner, match.decision)
        assert (told["gam_jeoms"], told["replays"]) == (match.gam_jeoms, match.replays)


# --- Totals -----------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [LOAD, b"pt1;2\r\n", b"pt1;\r\n", b"zz\r\n", b"\xff", b"clk;01:00\r\n", b"bye;\r\n"]
            ),
            st.sampled_from([2, 3, 4]),
            st.sampled_from([0.0, 1.0, 59.0, 700.0]),
            st.booleans(),
        ),
        max_size=25,
    )
)
def test_totals_are_what_counting_gives(feed: Feed, said: list[tuple[bytes, int, float, bool]]) -> None:
    for payload, source, after_s, restart in said:
        feed.say(payload, source=f"127.0.0.{source}", after_s=after_s)
        if restart:
            feed.importer().drain()
    feed.importer().drain()
    assert tallied() == recounted()


def test_matches_loaded_in_one_moment_all_have_their_figures(feed: Feed) -> None:
    for _ in range(3):
        feed.say(LOAD, after_s=0.0)
    feed.store()
    assert Match.objects.count() == 3
    assert tallied() == recounted()


def test_totals_keep_sum_and_maximum_of_the_time_it_took(feed: Feed) -> None:
    feed.say(*[b"pt1;2\r\n"] * 5, after_s=0.001)
    feed.store()
    feed.say(*[b"pt1;2\r\n"] * 5, after_s=0.001)
    feed.store()
    times = list(PssEvent.objects.values_list("processing_ms", flat=True))
    tallies = EventTally.objects.all()
    assert sum(tally.events for tally in tallies) == 10
    assert sum(tally.processing_ms_sum for tally in tallies) == pytest.approx(sum(times))
    assert max(tally.processing_ms_max for tally in tallies) == pytest.approx(max(times))
    assert min(times) >= 59_000  # The feed's datagrams are a minute old.


# --- A real match -----------------------------------------------------------------------------------

# Figures: ../shared/captures/README.md, what the operator played.
PLAYED = {
    "number": "101",
    "phase": "Final",
    "category": "MEN M -68KG",
    "division": "SENIORS",
    "rounds_planned": 3,
    "round_seconds": 120,
    "body_level": 21,
    "head_level": 5,
    "rounds": [[13, 8, 1], [0, 11, 2], [7, 7, 1]],
    "gam_jeoms": [[1, 0], [0, 1], [0, 0]],
    "winner": "blue",
    "decision": "PTF",
}


def check_the_captured_match(match: Match) -> None:
    """What a correct reading of `a_bestof3_full` must have found."""
    assert {name: getattr(match, name) for name in PLAYED} == PLAYED
    assert match.blue is not None
    assert match.red is not None
    assert (match.blue.name, match.blue.country) == ("LEE DH", "KOR")
    assert (match.red.name, match.red.country) == ("DELL'AQUILA V", "ITA")
    assert [(replay["side"], replay["state"]) for replay in match.replays] == [(1, "accepted"), (2, "denied")]
    assert match.referees["referee"] == {"name": "SMITH J", "ioc": "USA"}
    assert [judge["name"] for judge in match.referees["judges"]] == ["GARCIA M", "KIM S", "DUPONT A"]
    assert match.started_at is not None
    assert match.ended_at is not None
    gam_jeoms = match.events.filter(kind="gam_jeom", athlete__gt=0).order_by("id")
    assert list(gam_jeoms.values_list("athlete", "value", "round")) == [(1, 1, 1), (2, 1, 2)]


def test_the_captured_match_is_read_as_it_was_played(feed: Feed) -> None:
    datagrams = capture("a_bestof3_full")
    feed.play(datagrams)
    feed.store()
    match = Match.objects.get()
    check_the_captured_match(match)
    assert PssEvent.objects.count() == len(datagrams) == 1070
    assert set(PssEvent.objects.values_list("status", flat=True)) == {"recognized"}
    assert UdpSession.objects.get().dialect == "T"
    assert match.started_at is not None
    assert match.ended_at is not None
    assert timedelta(minutes=5) < match.ended_at - match.started_at < timedelta(seconds=527)


def test_the_captured_match_with_a_restart_anywhere_is_read_the_same(feed: Feed) -> None:
    feed.play(capture("a_bestof3_full"))
    feed.store()
    undisturbed = picture()
    random = Random(7)
    for _ in range(2):
        empty_tables()
        feed.store_in_pieces([random.randint(1, 300) for _ in range(20)])
        again = picture()
        for part in undisturbed:
            assert again[part] == undisturbed[part], part


def test_a_sender_that_never_loads_a_match_gets_another_one_before_a_restart_takes_long(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.matches.MOST_MESSAGES", 10)
    importer = feed.importer()
    for number in range(25):
        feed.say(b"hl1;%d\r\n" % (number + 1))
        if number % 4 == 0:
            importer.drain()
            importer = feed.importer()
    importer.drain()

    sizes = Match.objects.order_by("id").annotate(size=Count("events")).values_list("size", flat=True)
    assert list(sizes) == [10, 10, 5]
    assert [match.figures["hits"] for match in Match.objects.order_by("id")] == [[10, 0], [10, 0], [5, 0]]
