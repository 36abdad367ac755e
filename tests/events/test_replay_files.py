"""Replays of files: journals and captures, however long, with however many senders."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest
from django.conf import settings
from django.urls import reverse

from events.models import Replay
from events.replay import loaded as loading
from events.replay import player as players
from events.replay import recording as recordings
from events.replay.loaded import let_go, loaded
from events.replay.player import Player
from events.replay.recording import MOST_COURTS, RecordingError, StillReading
from ingest.journal import JournalWriter, pack_address
from tests.captures import capture
from tests.events.replay_stage import blue, client_of, lines_of, load, make_match, messages_of
from tests.factories import NOON

pytestmark = pytest.mark.django_db


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
