"""Replays: the same state however one gets there, nothing stored, steered and bounded."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from events.archive import slices
from events.consumers import TRY_AGAIN
from events.live import current_feed
from events.models import ArchivedPssEvent, Athlete, EventTally, Match, PssEvent, Replay, UdpSession
from events.models_replay import FORGOTTEN_AFTER, MOST_REPLAYS
from events.replay import loaded as loading
from events.replay import player as players
from events.replay import recording as recordings
from events.replay.loaded import let_go, loaded
from events.replay.player import Player
from events.replay.recording import MOST_COURTS, Recording, RecordingError, StillReading
from ingest.journal import JournalWriter, pack_address
from tests.captures import capture
from tests.events.live_stage import ORIGIN, Viewer, cookie_of, feed_ends, viewing
from tests.factories import (
    NOON,
    CourtFactory,
    DisplayFactory,
    MatchFactory,
    PssEventFactory,
    UdpSessionFactory,
    UserFactory,
    make_day,
)
from tournaments.models import Court

pytestmark = pytest.mark.django_db


in_a_loop = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio,
    pytest.mark.usefixtures("no_connection_left"),
]


def marked(function: Any) -> Any:
    for mark in in_a_loop:
        function = mark(function)
    return function


def load(replay: Replay) -> Recording:
    recording = recordings.load(replay)
    recording.wait(60)
    return recording


def messages_of(recording: Recording) -> list[tuple[int, Any]]:
    """Time (ms) and row of each."""
    chunks = map(recording.chunk, range(recording.chunk_at(recording.duration_ms) + 1))
    return [found for chunk in chunks for found in zip(chunk.times, chunk.rows, strict=True)]


def make_match() -> Match:
    """A load, a start, and a blue point every second for a minute."""
    match: Match = MatchFactory(number="101")
    session = UdpSessionFactory(court=match.court)

    def event(second: float, **about: Any) -> None:
        PssEventFactory(session=session, match=match, received_at=NOON + timedelta(seconds=second), **about)

    event(0, stream="pre", kind="load", athlete=0)
    clock = {"stream": "clk", "kind": "clock", "athlete": 0}
    event(0.5, clock_ms=120_000, details={"action": "start"}, **clock)
    for n in range(1, 61):
        event(n, stream="sc1", kind="score", athlete=0, details={"blue": n, "red": 0})
        event(n + 0.5, clock_ms=120_000 - 1000 * n, details={}, **clock)
    return match


def make_replay(**about: Any) -> Replay:
    match = about.pop("match", None) or make_match()
    replay = Replay(match=match, name=str(match), **about)
    replay.duration_ms = load(replay).duration_ms
    replay.save()
    return replay


def stored() -> list[int]:
    models = (PssEvent, ArchivedPssEvent, EventTally, Match, Athlete, UdpSession, Court)
    return [model.objects.count() for model in models]  # type: ignore[attr-defined]


def blue(player: Player) -> int:
    (card,) = player.cards(0, 1, True).values()
    return int(card["blue"]["score"])


# --- Position ------------------------------------------------------------------------------------------


def test_position_follows_from_the_row_alone() -> None:
    replay = Replay(duration_ms=100_000, position_ms=5_000, speed=20, anchor_at=NOON)
    assert replay.position(NOON) == 5_000
    assert replay.position(NOON + timedelta(seconds=2)) == 45_000
    assert replay.position(NOON + timedelta(hours=1)) == 100_000
    replay.paused = True
    assert replay.position(NOON + timedelta(hours=1)) == 5_000


def test_changing_the_speed_goes_on_from_where_it_stands() -> None:
    replay = make_replay(speed=10, position_ms=20_000, paused=True)
    replay.set(speed=20)
    assert (replay.position_ms, replay.speed, replay.paused) == (20_000, 20, True)
    replay.set(paused=False, position=999_999_999)
    assert replay.position() == replay.duration_ms
    replay.set(position=0, paused=True)
    assert Replay.objects.get(pk=replay.pk).position() == 0


# --- State ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", [0, 499, 500, 12_000, 30_250, 60_500])
def test_seeking_gives_the_state_of_playing_to_there(position: int) -> None:
    recording = load(make_replay())
    played, sought, back = Player(recording), Player(recording), Player(recording)
    for step in range(0, position + 1, 250):
        played.go_to(step)
    played.go_to(position)
    sought.go_to(position)
    back.go_to(recording.duration_ms)
    back.go_to(position)
    cards = [player.cards(1_000_000, 5, True) for player in (played, sought, back)]
    assert cards[0] == cards[1] == cards[2]
    assert blue(sought) == position // 1000


def test_a_leap_to_a_chunk_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    replay = make_replay()
    whole = load(replay)
    monkeypatch.setattr(players, "SHOWN_BEFORE", 4)
    everything = Player(whole).go_to(whole.duration_ms)
    with monkeypatch.context() as small:
        small.setattr(recordings, "CHUNK", 10)
        recording = load(replay)
        leaping = Player(recording)
        leaping.go_to(recording.duration_ms)
        # Back, on, far ahead, to where it is; and by a player that begins there.
        for position in (12_000, 499, 58_250, 58_250, 30_000, 60_500, 0):
            upto = sum(time <= position for time, _ in messages_of(recording))
            fresh, straight = Player(recording), Player(recording)
            for step in range(0, position + 1, 500):
                straight.go_to(step)
            straight.go_to(position)
            for player in (leaping, fresh):
                played = player.go_to(position)
                assert player.cards(1_000, 1, True) == straight.cards(1_000, 1, True), position
                assert played == everything[upto - len(played) : upto], position
                assert len(played) < 14, position
                # Whatever the length of the recording, so much of it is in memory.
                assert len(player._chunks) <= 3, position
            assert len(played) >= min(4, upto), position


def lines_of(count: int) -> str:
    """A capture with a load, and then a blue point each second."""
    texts = ["pre;FightLoaded;\r\n", *(f"sc1;{n % 100};sc2;0;\r\n" for n in range(1, count))]
    lines = (json.dumps({"t": at, "hex": text.encode().hex()}) for at, text in enumerate(texts))
    return "\n".join(lines)


def test_file_is_played_and_sought_in_however_many_chunks_it_has(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "CHUNK", 10)
    monkeypatch.setattr(players, "SHOWN_BEFORE", 4)
    (var / "captures").mkdir()
    (var / "captures" / "long.jsonl").write_text(lines_of(2_000))
    recording = load(Replay(file="captures/long.jsonl"))
    assert recording.duration_ms == 1_999_000
    player = Player(recording)
    for second in (1_999, 3, 1_234, 1_233, 1_500, 42):
        played = player.go_to(second * 1000)
        assert blue(player) == second % 100
        assert played[-1][0].received_at.timestamp() == second
        assert len(played) < 30
        assert len(player._chunks) <= 3


@pytest.fixture
def go_on(var: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Until it is set, the reading of `captures/long.jsonl` (100 s) stands before the first of 10 chunks."""
    (var / "captures").mkdir()
    (var / "captures" / "long.jsonl").write_text(lines_of(100))
    going, put = Event(), Recording._put

    def put_when_told(self: Recording, chunk: recordings.Chunk) -> None:
        assert going.wait(60)
        put(self, chunk)

    monkeypatch.setattr(Recording, "_put", put_when_told)
    monkeypatch.setattr(recordings, "CHUNK", 10)
    monkeypatch.setattr(loading, "PATIENCE_S", 0)
    yield going
    going.set()


def test_page_says_how_far_a_long_file_is_read_and_then_plays_it(go_on: Event) -> None:
    client = client_of("Operator")
    asked = {"file": "captures/long.jsonl"}
    page = client.post(reverse("start_replay"), asked, follow=True).content.decode()
    replay = Replay.objects.get()
    assert "The file is being read" in page
    assert 'http-equiv="refresh"' in page
    assert replay.duration_ms == 0
    assert client.get(reverse("replay_state", args=[replay.pk])).status_code == 409
    answer = client.get(f"/api/v1/replays/{replay.pk}")
    assert (answer.status_code, "being read" in answer.json()["detail"]) == (503, True)
    go_on.set()
    loaded(replay, 60)
    page = client.get(replay.get_absolute_url()).content.decode()
    assert 'max="99000"' in page
    assert Replay.objects.get().duration_ms == 99_000


def test_reading_ends_when_the_replay_is_stopped(go_on: Event) -> None:
    replay = Replay.objects.create(file="captures/long.jsonl", name="long.jsonl")
    with pytest.raises(StillReading, match="being read"):
        loaded(replay)
    recording = loading._loaded[replay.pk]
    replay.delete()
    let_go()
    go_on.set()
    recording.wait(60)
    assert recording.duration_ms == 9_000


def test_more_senders_than_a_hall_has_courts_are_left_out(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "MOST_COURTS", 2)
    senders = [f"10.0.0.{n}" for n in (1, 2, 3, 1)]
    writer = JournalWriter(var / "journal" / "main", 1 << 20)
    writer.append(
        [(n, 6000, pack_address(sender), 5000, b"sc1;1;sc2;0;") for n, sender in enumerate(senders, 1)]
    )
    writer.close()
    recording = load(Replay(file="journal/main/00000001.journal"))
    assert [row.court_id for _, row in messages_of(recording)] == [-1, -2, -1]
    assert list(recording.courts) == [-1, -2]


@marked
async def test_sender_of_a_journal_is_the_court_it_is_here(var: Path) -> None:
    one, two = [await sync_to_async(CourtFactory)(number=n, source=f"10.0.0.{n}") for n in (1, 2)]
    writer = JournalWriter(var / "journal" / "main", 1 << 20)
    senders = (("10.0.0.9", 9), ("10.0.0.2", 2), ("10.0.0.1", 1), ("10.0.0.8", 8))
    writer.append(
        [(score, 6000, pack_address(sender), 5000, b"sc1;%d;sc2;0;" % score) for sender, score in senders]
    )
    writer.close()
    file = "journal/main/00000001.journal"
    replay = await Replay.objects.acreate(file=file, name=file, duration_ms=1, paused=True, position_ms=1)
    async with feed_ends():
        for court, score in ((one, 1), (two, 2)):
            display = await sync_to_async(DisplayFactory)(court=court, replay=replay)
            async with viewing(AnonymousUser(), f"?key={display.key}", "/ws/screen/") as viewer:
                cards = (await viewer.receive("snapshot"))["cards"]
            assert {pk: card["blue"]["score"] for pk, card in cards.items()} == {str(court.pk): score}
    # Those that are none here have numbers of their own.
    courts = (await sync_to_async(loaded)(replay)).courts
    assert {pk: about["number"] for pk, about in courts.items()} == {-1: 3, two.pk: 2, one.pk: 1, -2: 4}


@pytest.mark.parametrize(("senders", "says"), [(MOST_COURTS, False), (MOST_COURTS + 1, True)])
def test_page_says_that_more_senders_than_are_played_sent(var: Path, senders: int, says: bool) -> None:
    writer = JournalWriter(var / "journal" / "main", 1 << 20)
    sent = [(n, 6000, pack_address(f"10.0.0.{n}"), 5000, b"sc1;1;sc2;0;") for n in range(1, senders + 1)]
    writer.append(sent)
    writer.close()
    asked = {"file": "journal/main/00000001.journal"}
    page = client_of("Operator").post(reverse("start_replay"), asked, follow=True).content.decode()
    assert "REPLAY" in page
    assert ("The file has more than 64 senders. The first 64 are played." in page) is says


def test_recording_for_which_there_is_no_room_is_refused_in_words(
    make_small_disk: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = make_small_disk("64k")
    monkeypatch.setattr(settings, "RESTRIKE_VAR", disk)
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass
    asked = {"match": make_match().pk}
    page = client_of("Operator").post(reverse("start_replay"), asked, follow=True).content.decode()
    assert f"written anew in {disk}, which is not possible: No space left on device." in page
    assert not Replay.objects.exists()


def test_recording_for_which_there_is_no_directory_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "RESTRIKE_VAR", tmp_path / "gone")
    asked = {"match": make_match().pk}
    page = client_of("Operator").post(reverse("start_replay"), asked, follow=True).content.decode()
    assert f"written anew in {tmp_path}/gone, which is not possible: No such file or directory." in page
    assert not Replay.objects.exists()


def test_captured_match_played_from_its_file_ends_as_it_was_fought(var: Path) -> None:
    (var / "captures").mkdir()
    lines = [json.dumps({"t": at, "hex": datagram.hex()}) for at, datagram in capture("a_bestof3_full")]
    (var / "captures" / "match.jsonl").write_text("\n".join(lines))
    recording = load(Replay(file="captures/match.jsonl"))
    player = Player(recording)
    player.go_to(recording.duration_ms)
    (card,) = player.cards(0, 1, False).values()
    assert [rounds[:2] for rounds in card["rounds"]] == [[13, 8], [0, 11], [7, 7]]
    assert (card["winner"], card["decision"]) == ("blue", "PTF")
    keys = [row.id for _, row in messages_of(recording)]
    assert len(keys) == len(set(keys))
    assert all(key < 0 for key in keys)  # never the key of a stored event


def test_archived_match_is_played_as_the_live_one() -> None:
    match = make_match()
    before = load(Replay(match=match))
    keys = list(PssEvent.objects.values_list("pk", flat=True))
    slices.archive(connection, keys)
    slices.delete(connection, slices.LIVE, keys)
    after = load(Replay(match=match))
    assert messages_of(after) == messages_of(before)


def test_clocks_stand_where_they_stood_and_are_moved_to_now() -> None:
    player = Player(load(make_replay()))
    player.go_to(10_750)  # a quarter of a second after the tick at 1:50
    (card,) = player.cards(1_000_000, 5, True).values()
    assert (card["clock_ms"], card["clock_at"], card["clock_running"]) == (110_000, 1_000_000 - 50, True)
    assert card["heard"] == 1_000_000
    (held,) = player.cards(1_000_000, 5, False).values()
    assert not held["clock_running"]


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "captures/../secret_key", "captures/none.pcap"])
def test_only_known_files_are_read(var: Path, name: str) -> None:
    (var / "secret_key").write_text("{}")
    (var / "captures").mkdir()
    with pytest.raises(RecordingError, match="no longer there"):
        load(Replay(file=name))


def test_files_are_offered_with_their_time_and_the_last_written_first(var: Path) -> None:
    for name, age_s in (("journal/main/1.journal", 60), ("captures/a.pcap", 3600), ("captures/b.pcap", 5)):
        path = var / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        at = NOON.timestamp() - age_s
        os.utime(path, (at, at))
    text = client_of("Operator").get(reverse("replays")).content.decode()
    times = {"captures/b.pcap": "11:59", "journal/main/1.journal": "11:59", "captures/a.pcap": "11:00"}
    assert re.findall(r'<option value="(.+?)">', text) == list(times)
    for name, time in times.items():
        assert re.search(rf'"{name}">[^<]*{time}', text), name
    assert str(var / "captures") in text


def test_file_that_is_no_recording_is_refused_in_words(var: Path) -> None:
    (var / "captures").mkdir()
    (var / "captures" / "notes.txt").write_text("nothing")
    with pytest.raises(RecordingError, match="cannot be read"):
        load(Replay(file="captures/notes.txt"))


# --- Pages -----------------------------------------------------------------------------------------------


def client_of(group: str | None) -> Client:
    client = Client()
    if group is not None:
        client.force_login(UserFactory(group=group))
    return client


def test_match_page_starts_a_replay_and_nothing_is_stored() -> None:
    match = make_match()
    client = client_of("Operator")
    assert reverse("start_replay") in client.get(match.get_absolute_url()).content.decode()
    before = stored()
    response = client.post(reverse("start_replay"), {"match": match.pk}, follow=True)
    replay = Replay.objects.get()
    assert response.redirect_chain[-1][0] == replay.get_absolute_url()
    assert "REPLAY" in response.content.decode()
    assert (replay.match, replay.duration_ms) == (match, 60_500)
    assert replay.name == f"Match 101 · {match.court}"
    assert client.get(reverse("replay_state", args=[replay.pk])).status_code == 200
    assert stored() == before


def test_replay_says_where_and_when_its_match_was() -> None:
    day = make_day()
    match = MatchFactory(number="101", day=day, court=None)
    PssEventFactory(match=match, day=day)
    client_of("Operator").post(reverse("start_replay"), {"match": match.pk})
    assert Replay.objects.get().name == f"Match 101 · {day}"


def test_event_of_another_court_than_its_match_is_shown_there() -> None:
    replay = make_replay()
    event = PssEventFactory(match=replay.match, received_at=NOON)
    answer = client_of("Viewer").get(reverse("replay_state", args=[replay.pk])).json()
    assert set(answer["courts"]) == {str(event.court.number), str(replay.match.court.number)}  # type: ignore[union-attr]


def test_state_is_the_same_as_the_player_has() -> None:
    replay = make_replay(paused=True, position_ms=33_000)
    answer = client_of("Viewer").get(reverse("replay_state", args=[replay.pk])).json()
    assert answer["replay"]["position"] == 33_000
    (card,) = answer["courts"].values()
    assert (card["blue"]["score"], card["clock_running"]) == (33, False)
    assert list(answer["courts"]) == [str(replay.match.court.number)]  # type: ignore[union-attr]
    # At its end nothing counts on, even of a match whose clock never stopped.
    replay.set(paused=False, position=replay.duration_ms)
    answer = client_of("Viewer").get(reverse("replay_state", args=[replay.pk])).json()
    assert [card["clock_running"] for card in answer["courts"].values()] == [False]


def test_state_reads_the_messages_once(django_assert_max_num_queries: Any) -> None:
    replay = make_replay(paused=True)
    client = client_of("Viewer")
    address = reverse("replay_state", args=[replay.pk])
    first = client.get(address).json()
    with django_assert_max_num_queries(10) as asked:
        assert client.get(address).json()["courts"].keys() == first["courts"].keys()
    assert not [query["sql"] for query in asked if "events_pssevent" in query["sql"]]
    assert loaded(replay) is loaded(replay)


def test_replay_that_nobody_watches_ends_by_itself() -> None:
    long_ago = timezone.now() - FORGOTTEN_AFTER - timedelta(seconds=1)
    unwatched, asked_for = make_replay(watched_at=long_ago), make_replay(watched_at=long_ago, paused=True)
    display, messages = DisplayFactory(replay=unwatched), loaded(unwatched)
    client_of("Viewer").get(reverse("replay_state", args=[asked_for.pk]))
    call_command("runjob", "replays")
    let_go()
    assert list(Replay.objects.all()) == [asked_for]
    display.refresh_from_db()
    assert display.replay is None
    # Its messages are not held any longer either.
    assert loaded(unwatched) is not messages


@pytest.mark.parametrize("group", [None, "", "Viewer", "Operator", "Manager"])
def test_replays_are_seen_by_viewers_and_steered_by_operators(group: str | None) -> None:
    replay = make_replay(paused=True)
    client = client_of(group)
    sees = 302 if group is None else 403 if not group else 200
    for name, args in (("replays", []), ("replay", [replay.pk]), ("replay_state", [replay.pk])):
        assert client.get(reverse(name, args=args)).status_code == sees, name
    steers = group in ("Operator", "Manager")
    client.post(reverse("control_replay", args=[replay.pk]), {"position": 7000})
    assert (Replay.objects.get().position_ms == 7000) is steers
    client.post(reverse("start_replay"), {"match": replay.match_id})
    assert (Replay.objects.count() == 2) is steers
    client.post(reverse("stop_replay", args=[replay.pk]))
    assert Replay.objects.filter(pk=replay.pk).exists() is not steers


@pytest.mark.parametrize("name", ["control_replay", "stop_replay"])
def test_replay_is_not_changed_by_looking(name: str) -> None:
    replay = make_replay()
    assert client_of("Operator").get(reverse(name, args=[replay.pk])).status_code == 405


@pytest.mark.parametrize(
    "asked", [{"speed": "3"}, {"speed": "-1"}, {"position": "x"}, {"paused": "2"}, {"position": "9" * 40}, {}]
)
def test_nonsense_changes_nothing(asked: dict[str, str]) -> None:
    replay = make_replay(paused=True, position_ms=4000)
    client_of("Operator").post(reverse("control_replay", args=[replay.pk]), asked)
    now = Replay.objects.get()
    assert (now.speed, now.paused, now.position_ms) == (1, True, 4000)


def test_number_of_replays_is_bounded_and_forgotten_ones_make_room() -> None:
    match = make_match()
    replays = [make_replay(match=match) for _ in range(MOST_REPLAYS)]
    client = client_of("Operator")
    response = client.post(reverse("start_replay"), {"match": match.pk}, follow=True)
    assert "Stop one of them first" in response.content.decode()
    Replay.objects.filter(pk=replays[0].pk).update(watched_at=timezone.now() - timedelta(minutes=11))
    client.post(reverse("start_replay"), {"match": match.pk})
    assert set(Replay.objects.all()) & set(replays) == set(replays[1:])
    assert Replay.objects.count() == MOST_REPLAYS


def test_replay_of_nothing_is_refused_in_words(var: Path) -> None:
    client = client_of("Operator")
    for asked in ({"match": MatchFactory().pk}, {"file": "nothing"}, {}):
        response = client.post(reverse("start_replay"), asked, follow=True)
        assert not Replay.objects.exists()
        assert response.redirect_chain[-1][0] == reverse("replays")
    assert client.post(reverse("start_replay"), {"match": "999999"}).status_code == 404


def test_replay_that_has_ended_leads_to_the_list() -> None:
    response = client_of("Viewer").get(reverse("replay", args=[77]), follow=True)
    assert "has ended" in response.content.decode()


def test_deleting_the_match_ends_its_replay_and_frees_its_displays() -> None:
    replay = make_replay()
    display = DisplayFactory(replay=replay)
    Replay.objects.filter(pk=replay.pk).delete()
    display.refresh_from_db()
    assert display.replay is None


# --- Channel ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def watching(replay: Replay, cookie: str) -> AsyncIterator[Viewer]:
    async with feed_ends(), viewing(cookie, path=f"/ws/replay/{replay.pk}/") as viewer:
        yield viewer


@marked
async def test_page_gets_the_state_and_what_follows_at_twenty_times(cookie: str) -> None:
    replay = await sync_to_async(make_replay)(speed=20)
    before = await sync_to_async(stored)()
    async with watching(replay, cookie) as viewer:
        first = await viewer.receive("snapshot")
        assert first["status"]["replay"]["speed"] == 20
        assert list(first["status"]["courts"]) == [str(replay.match.court_id)]  # type: ignore[union-attr]
        seen = [row["id"] for row in first["events"]]
        score = 0
        async with asyncio.timeout(30):
            while score < 60:
                message = await viewer.receive()
                seen += [row["id"] for row in message["events"]]
                for card in message["cards"].values():
                    score = card["blue"]["score"]
        # Each event once, in order: the whole match in three seconds.
        keys = await sync_to_async(list)(PssEvent.objects.order_by("pk").values_list("pk", flat=True))
        assert seen == keys[: len(seen)]
        assert len(seen) >= len(keys) - 1
    assert await sync_to_async(stored)() == before


@marked
async def test_seek_and_pause_reach_the_page(cookie: str) -> None:
    replay = await sync_to_async(make_replay)(paused=True, position_ms=50_000)
    async with watching(replay, cookie) as viewer:
        first = await viewer.receive("snapshot")
        (card,) = first["cards"].values()
        assert (card["blue"]["score"], card["clock_running"]) == (50, False)
        await sync_to_async(replay.set)(position=20_000)
        again = await viewer.receive("snapshot")
        (card,) = again["cards"].values()
        assert (card["blue"]["score"], again["status"]["replay"]["paused"]) == (20, True)
        # Held: only the second's status comes.
        assert (await viewer.receive("status"))["replay"]["position"] == 20_000
        assert (await viewer.receive("status"))["replay"]["position"] == 20_000


@marked
async def test_stopped_replay_tells_its_pages(cookie: str) -> None:
    replay = await sync_to_async(make_replay)(paused=True)
    async with watching(replay, cookie) as viewer:
        await viewer.receive("snapshot")
        await Replay.objects.all().adelete()
        await viewer.receive("ended")


@marked
async def test_wall_of_a_stopped_replay_loads_its_page_anew_and_shows_what_is_live(cookie: str) -> None:
    replay = await sync_to_async(make_replay)(paused=True)
    query = f"?replay={replay.pk}"
    async with feed_ends(), viewing(cookie, query, "/ws/screen/") as wall:
        assert (await wall.receive("snapshot"))["replay"] is True
        await Replay.objects.all().adelete()
        await wall.receive("reload")
        async with viewing(cookie, query, "/ws/screen/") as again:
            assert "replay" not in await again.receive("snapshot")


@marked
async def test_replay_needs_permission_and_has_to_be_there(cookie: str) -> None:
    replay = await sync_to_async(make_replay)()
    nobody = await sync_to_async(cookie_of)(await sync_to_async(UserFactory)())
    for who, pk in ((AnonymousUser(), replay.pk), (nobody, replay.pk), (cookie, 0)):
        viewer = Viewer(who, "", ORIGIN, f"/ws/replay/{pk}/")
        assert not (await viewer.connect())[0]
        await viewer.socket.disconnect()


@marked
async def test_page_and_screen_are_told_to_try_again_while_a_file_is_read(go_on: Event, cookie: str) -> None:
    replay = await Replay.objects.acreate(file="captures/long.jsonl", name="long.jsonl")
    async with feed_ends():
        for path, query in ((f"/ws/replay/{replay.pk}/", ""), ("/ws/screen/", f"?replay={replay.pk}")):
            viewer = Viewer(cookie, query, ORIGIN, path)
            assert await viewer.connect() == (False, TRY_AGAIN), path
            await viewer.socket.disconnect()
    go_on.set()
    await sync_to_async(loaded)(replay, 60)
    async with watching(replay, cookie) as page:
        assert (await page.receive("snapshot"))["status"]["replay"]["duration"] == 99_000


@marked
async def test_display_shows_the_replay_marked_as_one_and_then_what_is_live() -> None:
    replay = await sync_to_async(make_replay)(paused=True, position_ms=42_000)
    display = await sync_to_async(DisplayFactory)(replay=replay)  # of another court
    async with feed_ends(), viewing(AnonymousUser(), f"?key={display.key}", "/ws/screen/") as viewer:
        first = await viewer.receive("snapshot")
        assert first["replay"] is True
        (card,) = first["cards"].values()
        assert card["blue"]["score"] == 42
        await Replay.objects.all().adelete()
        assert (await viewer.receive("go"))["url"] == await sync_to_async(lambda: display.path)()
    async with feed_ends(), viewing(AnonymousUser(), f"?key={display.key}", "/ws/screen/") as viewer:
        first = await viewer.receive("snapshot")
        assert "replay" not in first
        assert first["cards"] == {}
    assert current_feed().viewers == 0
