"""The scoreboards that the importer stores, and what the live feed makes of them when it starts."""

from __future__ import annotations

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.figures import count
from events.live import rows, tail
from events.live.cards import Board
from events.live.tail import Tail
from events.models import Match, PssEvent, StoredBoard
from ingest.importer import Importer
from ingest.simulator import SimulatedCourt
from tests.captures import capture
from tests.ingest.feed import Feed, empty_tables, import_some

pytestmark = pytest.mark.django_db

LOAD = b"pre;FightLoaded\r\n"
SOURCES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")


def played(feed: Feed, seed: int = 5, matches: int = 2) -> None:
    """Courts side by side."""
    begin_ns = feed.now_ns
    said = []
    for number, source in enumerate(SOURCES):
        court = SimulatedCourt(number, seed=seed + number, matches=matches)
        said += [(datagram.seconds, source, datagram.payload) for datagram in court.datagrams()]
    for seconds, source, payload in sorted(said):
        feed.now_ns = begin_ns + round(seconds * 1e6) * 1000
        feed.say(payload, after_s=0, source=source)


def beat(importer: Importer) -> None:
    """With its next batch, or without one, it says that it lives."""
    importer._heartbeat_due = 0.0


def hold(importer: Importer) -> None:
    importer._heartbeat_due = float("inf")


def loaded() -> dict[int, dict[str, Any]]:
    return Tail().load().cards


def importers_own(importer: Importer) -> dict[int, dict[str, Any]]:
    """The cards as the importer has them in memory."""
    cards = {}
    for court, track in importer.state.tracks._tracks.items():
        newest = rows.fetch(PssEvent.objects.filter(court=court))[-1:]
        cards[court] = Board(track.board, *newest).card()
    return cards


def folded() -> dict[int, dict[str, Any]]:
    """The cards from each match's first event on, as without anything stored."""
    StoredBoard.objects.all().delete()
    return loaded()


def without_serial(cards: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """A fold of one match alone does not know how many there were before."""
    return {court: {**card, "serial": 0} for court, card in cards.items()}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.lists(st.tuples(st.integers(1, 400), st.booleans()), max_size=12))
def test_cards_at_a_start_are_those_of_the_importer_and_of_a_full_fold(
    tmp_path: Path, seed: int, batches: list[tuple[int, bool]]
) -> None:
    empty_tables()
    StoredBoard.objects.all().delete()
    with TemporaryDirectory(dir=tmp_path) as directory:
        feed = Feed(Path(directory) / "journal")
        played(feed, seed)
        importer = feed.importer()
        for size, beats in [(60, True), *batches, (1, True), (3, False)]:
            (beat if beats else hold)(importer)
            import_some(importer, size)
            right = without_serial(importers_own(importer))
            stored = list(StoredBoard.objects.all())
            assert without_serial(loaded()) == right
            assert without_serial(folded()) == right
            StoredBoard.objects.bulk_create(stored)
        assert stored


def test_boards_of_a_captured_match_are_folded_on_from_any_second(feed: Feed) -> None:
    feed.play(capture("a_bestof3_full"))
    importer = feed.importer()
    random = Random(3)
    while import_some(importer, random.randint(1, 90)):
        random.choice([beat, hold])(importer)
        assert loaded() == importers_own(importer)


def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events each query brings from now on."""
    sizes: list[int] = []
    fetch = rows.fetch

    def counted(events: Any) -> list[rows.Row]:
        found = fetch(events)
        sizes.append(len(found))
        return found

    monkeypatch.setattr(rows, "fetch", counted)
    return sizes


def test_a_start_reads_what_came_since_and_not_the_match(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    played(feed, matches=1)
    importer = feed.importer()
    import_some(importer, 900)
    beat(importer)
    import_some(importer, 30)
    hold(importer)
    import_some(importer, 12)
    sizes = fetched(monkeypatch)
    cards = loaded()
    # What followed, and the last event that each board holds.
    assert sum(sizes) == 12 + len(cards) == 15


def test_boards_are_stored_when_the_importer_says_that_it_lives(feed: Feed) -> None:
    feed.say(LOAD, b"hl1;30\r\n")
    importer = feed.importer()
    hold(importer)
    importer.drain()
    assert not StoredBoard.objects.exists()
    beat(importer)
    importer.step()  # nothing to import
    board = StoredBoard.objects.get()
    assert (board.match_id, board.event_id) == (Match.objects.get().pk, PssEvent.objects.last().pk)
    beat(importer)
    StoredBoard.objects.update(recounts=9)
    importer.step()
    assert StoredBoard.objects.get().recounts == 9  # nothing was heard, nothing is written


def test_a_match_whose_events_were_read_anew_is_folded_anew(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.say(LOAD, *[b"hl1;30\r\n"] * 10)
    feed.store()
    (court,) = loaded()
    PssEvent.objects.filter(kind="hit").order_by("id")[0].delete()
    count([Match.objects.get().pk])
    sizes = fetched(monkeypatch)
    assert loaded()[court]["blue"]["hits"] == 9
    assert sum(sizes) >= 10
    # The importer learns of it, and what it stores counts again.
    feed.say(b"hl1;30\r\n")
    beat(feed._importer)
    feed.store()
    beat(feed._importer)
    feed.store()
    assert StoredBoard.objects.get().recounts == 1
    assert loaded()[court]["blue"]["hits"] == 10


def test_a_board_of_the_match_before_is_not_taken(feed: Feed) -> None:
    feed.say(LOAD, b"hl1;30\r\n")
    importer = feed.importer()
    importer.drain()
    hold(importer)
    feed.say(LOAD, b"hl2;40\r\n", after_s=60)
    importer.drain()
    (card,) = loaded().values()
    assert card["match"] == Match.objects.latest("id").pk
    assert (card["blue"]["hits"], card["red"]["hits"]) == (0, 1)


def test_a_board_without_its_event_or_of_another_version_is_not_taken(feed: Feed) -> None:
    feed.say(LOAD, b"hl1;30\r\n", b"hl1;31\r\n")
    feed.store()
    right = loaded()
    stored = StoredBoard.objects.get()
    for change in ({"event_id": stored.event_id + 5}, {"state": b"{}"}, {"match_id": stored.match_id + 1}):
        StoredBoard.objects.update(**change)
        assert loaded() == right
        stored.save()


@pytest.mark.parametrize("back_s", [1, 3600])
def test_what_comes_after_the_clock_was_set_back_is_on_the_card(feed: Feed, back_s: int) -> None:
    feed.say(LOAD, b"hl1;30\r\n")
    importer = feed.importer()
    importer.drain()
    hold(importer)
    feed.say(b"hl1;30\r\n", b"hl1;30\r\n", after_s=-back_s)
    importer.drain()
    (card,) = loaded().values()
    assert (card["blue"]["hits"], card["heard"]) == (3, feed.now_ns // 1_000_000)


def test_a_flood_since_the_board_is_folded_by_the_newest_of_each_court(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "LOAD_MATCH_EVENTS", 20)
    feed.say(LOAD)
    importer = feed.importer()
    importer.drain()
    hold(importer)
    feed.say(*[b"hl1;30\r\n"] * 50, after_s=0.001)
    importer.drain()
    sizes = fetched(monkeypatch)
    (card,) = loaded().values()
    assert card["blue"]["hits"] == 20
    assert sizes == [21, 51, 20]


def test_an_answer_about_the_match_before_is_no_result_on_the_card_after_a_start(feed: Feed) -> None:
    teams = b"at1;LEE;LEE;KOR;at2;%b;%b;ESP\r\n"
    line = b"mch;%b;Final;MEN M -68KG;;;;;;7;SENIORS;3;120;cntDown;21;5\r\n"
    feed.say(LOAD, line % b"101", teams % (b"ROSSI", b"ROSSI"), after_s=0.2)
    feed.say(b"clk;02:00;start\r\n", b"clk;0:00;stopEnd\r\n", after_s=60)
    feed.say(b"wmh;LEE;2-0 PTF\r\n", b"win;BLUE\r\n", after_s=10)
    feed.say(LOAD, line % b"102", teams % (b"DIAZ", b"DIAZ"), after_s=20)
    feed.store()
    feed.say(b"wmh;LEE;2-0 PTF\r\n", b"win;BLUE\r\n", after_s=5)
    feed.store()
    (card,) = loaded().values()
    assert (card["number"], card["winner"], card["decision"]) == ("102", "", "")
