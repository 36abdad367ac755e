"""The page of a match and the story it asks for: who may see it, how long it is kept, what it costs."""

from __future__ import annotations

import gzip
import json
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from events.models import EventTally, Match, PssEvent
from events.story_pages import MOST_EVENTS, heard_of, mark, story_text
from restrike.environment import Env
from tests.captures import capture
from tests.conftest import unavailable
from tests.factories import MatchFactory, PssEventFactory, UserFactory, make_day
from tests.ingest.feed import Feed
from tests.processes import free_port, wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


def story_url(match: Match | int) -> str:
    return reverse("admin:events_match_story", args=[getattr(match, "pk", match)])


def played(tmp_path: Any, upto: float = 1e9) -> tuple[Feed, Match]:
    feed = Feed(tmp_path / "journal")
    feed.play([(t, datagram) for t, datagram in capture("a_bestof3_full") if t < upto])
    feed.store()
    return feed, Match.objects.get()


def test_story_is_that_of_the_stored_match(viewer: Client, tmp_path: Any) -> None:
    _, match = played(tmp_path)
    told = viewer.get(story_url(match)).json()
    assert [row[3] for row in told["rounds"]] == [[13, 8], [0, 11], [7, 7]]
    assert [row[3] for row in told["differences"]] == ["turn", "turn", "gam_jeom_taken_back", "turn"]
    assert len(told["lines"]) == PssEvent.objects.filter(match=match).count()
    ids = [line[0] for line in told["lines"]]
    assert ids == list(
        PssEvent.objects.filter(match=match).order_by("received_at", "id").values_list("pk", flat=True)
    )


def test_story_comes_compressed_to_who_can_read_it(viewer: Client, tmp_path: Any) -> None:
    _, match = played(tmp_path, 30)
    plain = viewer.get(story_url(match))
    small = viewer.get(story_url(match), headers={"accept-encoding": "gzip, br"})
    assert small["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.content) == plain.content
    assert "Content-Encoding" not in plain
    assert "no-cache" in plain["Cache-Control"]


def test_story_is_told_once_until_the_next_event(viewer: Client, tmp_path: Any) -> None:
    feed, match = played(tmp_path, 30)
    first = viewer.get(story_url(match))
    with CaptureQueriesContext(connection) as queries:
        again = viewer.get(story_url(match), headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert not any("events_pssevent" in query["sql"] for query in queries)
    with CaptureQueriesContext(connection) as queries:
        assert viewer.get(story_url(match)).content == first.content
    assert not any("events_pssevent" in query["sql"] for query in queries)
    feed.say(b"pt1;3\r\n")
    feed.store()
    after = viewer.get(story_url(match), headers={"if-none-match": first["ETag"]})
    assert after.status_code == 200
    assert len(after.json()["lines"]) == len(first.json()["lines"]) + 1


@pytest.fixture
def redis() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Redis server: the address of a database of its own, and its process."""
    program = shutil.which("redis-server")
    if program is None:
        unavailable("There is no redis-server on this machine")
    port = free_port(socket.SOCK_STREAM)
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--daemonize", "no"]
    with subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL) as server:

        def answers() -> bool:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
                return True
            return False

        try:
            wait_until(answers, 20, "redis-server")
            yield f"redis://127.0.0.1:{port}/1", server
        finally:
            server.kill()


def test_story_is_kept_in_redis_where_that_is_set(
    viewer: Client, tmp_path: Any, settings: Any, redis: tuple[str, Any]
) -> None:
    settings.CACHES = {"default": Env.cache_url_config(redis[0])}
    _, match = played(tmp_path, 30)
    first = viewer.get(story_url(match))
    assert cache.get(f"story:{match.pk}:{mark(match)}") == story_text(match, mark(match))
    with CaptureQueriesContext(connection) as queries:
        assert viewer.get(story_url(match)).content == first.content
    assert not any("events_pssevent" in query["sql"] for query in queries)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGSTOP], ids=["gone", "silent"])
def test_story_is_told_without_a_redis_that_was_there(
    viewer: Client,
    tmp_path: Any,
    settings: Any,
    redis: tuple[str, subprocess.Popen[bytes]],
    ending: signal.Signals,
    caplog: pytest.LogCaptureFixture,
) -> None:
    url, server = redis
    settings.CACHES = {"default": Env.cache_url_config(url)}
    _, match = played(tmp_path, 30)
    first = viewer.get(story_url(match))
    assert caplog.messages == []

    server.send_signal(ending)
    if ending == signal.SIGKILL:
        server.wait()

    for _ in range(2):
        assert viewer.get(story_url(match)).content == first.content
    assert viewer.get(match.get_absolute_url()).status_code == 200
    assert any("Redis did not answer" in message for message in caplog.messages)


def test_story_is_told_anew_when_events_are_read_anew(tmp_path: Any) -> None:
    _, match = played(tmp_path, 30)
    before = mark(match)
    assert mark(match) == before
    EventTally.objects.filter(match=match, kind="hit").update(kind="unknown", status="unknown")
    assert mark(match) != before


def test_story_asks_the_same_number_of_queries_for_one_event_and_many(viewer: Client) -> None:
    counts = []
    for events in (1, 3):
        match = MatchFactory(day=make_day())
        for _ in range(events):
            PssEventFactory(match=match)
        with CaptureQueriesContext(connection) as queries:
            viewer.get(story_url(match))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_page_does_not_read_the_events(viewer: Client, tmp_path: Any) -> None:
    _, match = played(tmp_path)
    with CaptureQueriesContext(connection) as queries:
        page = viewer.get(match.get_absolute_url()).content.decode()
    assert not any("events_pssevent" in query["sql"] for query in queries)
    assert story_url(match) in page
    assert "Blue wins on points (PTF)" in page


def test_match_that_is_gone_is_answered_in_words(viewer: Client) -> None:
    for gone in (10**12, 0):
        page = viewer.get(reverse("admin:events_match_change", args=[gone]))
        assert page.status_code == 404
        assert "There is no such match" in page.content.decode()
        assert reverse("admin:events_match_changelist") in page.content.decode()
        answer = viewer.get(story_url(gone))
        assert (answer.status_code, answer.json()) == (404, {"error": "There is no such match."})
    assert viewer.get("/events/match/nonsense/story/").status_code == 404


def test_story_is_for_those_who_may_see_matches(client: Client) -> None:
    match = MatchFactory()
    assert client.get(story_url(match)).status_code == 302
    client.force_login(UserFactory(is_staff=True))
    assert client.get(story_url(match)).status_code == 403
    assert client.get(match.get_absolute_url()).status_code == 403


def test_story_and_page_only_answer_to_get(viewer: Client) -> None:
    match = MatchFactory()
    assert viewer.post(story_url(match)).status_code == 405
    assert viewer.post(match.get_absolute_url()).status_code == 405


def test_page_follows_a_match_only_while_it_can_go_on(viewer: Client) -> None:
    now = timezone.now()

    def follows(match: Match) -> bool:
        return 'data-follows="1"' in viewer.get(match.get_absolute_url()).content.decode()

    first = MatchFactory(loaded_at=now - timedelta(hours=1), winner="", ended_at=None)
    assert follows(first)
    second = MatchFactory(court=first.court, loaded_at=now, winner="", ended_at=None)
    assert not follows(first)
    assert follows(second)
    Match.objects.filter(pk=second.pk).update(winner="blue")
    assert not follows(second)
    Match.objects.filter(pk=second.pk).update(winner="", loaded_at=now - timedelta(hours=7))
    Match.objects.filter(pk=first.pk).delete()
    assert not follows(second)


def test_part_of_the_page_can_be_asked_for_alone(viewer: Client) -> None:
    match = MatchFactory()
    part = viewer.get(match.get_absolute_url(), {"part": "facts"}).content.decode()
    assert part.strip().startswith("<div data-follows")
    assert "<html" not in part


def test_hostile_names_are_text_everywhere(viewer: Client) -> None:
    name = '<img src=x onerror="alert(1)">'
    match = MatchFactory(blue__name=name, number="<b>1</b>")
    PssEventFactory(
        match=match,
        kind="athletes",
        details={"blue": {"short": name, "long": name, "ioc": "KOR"}, "red": None},
    )
    page = viewer.get(match.get_absolute_url())
    assert "<img src=x" not in page.content.decode()
    answer = viewer.get(story_url(match))
    assert answer["Content-Type"] == "application/json"
    assert name in json.loads(answer.content)["lines"][0][4]


def test_match_of_a_sender_gone_mad_is_told_as_far_as_a_page_can_show(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    match = MatchFactory()
    for _ in range(4):
        PssEventFactory(match=match)
    monkeypatch.setattr("events.story_pages.MOST_EVENTS", 3)
    told = json.loads(gzip.decompress(story_text(match, "x")))
    assert (len(told["lines"]), told["is_cut"]) == (3, True)
    assert MOST_EVENTS > 2_000
    assert len(heard_of(match)) == 4
