"""Matches and files to be played again, and who watches them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from django.test import Client

from events.models import ArchivedPssEvent, Athlete, EventTally, Match, PssEvent, Replay, UdpSession
from events.replay import recording as recordings
from events.replay.player import Player
from events.replay.recording import Recording
from tests.events.live_stage import Viewer, feed_ends, viewing
from tests.factories import NOON, MatchFactory, PssEventFactory, UdpSessionFactory, UserFactory
from tournaments.models import Court


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


def lines_of(count: int) -> str:
    """A capture with a load, and then a blue point each second."""
    texts = ["pre;FightLoaded;\r\n", *(f"sc1;{n % 100};sc2;0;\r\n" for n in range(1, count))]
    lines = (json.dumps({"t": at, "hex": text.encode().hex()}) for at, text in enumerate(texts))
    return "\n".join(lines)


def client_of(group: str | None) -> Client:
    client = Client()
    if group is not None:
        client.force_login(UserFactory(group=group))
    return client


@asynccontextmanager
async def watching(replay: Replay, cookie: str) -> AsyncIterator[Viewer]:
    async with feed_ends(), viewing(cookie, path=f"/ws/replay/{replay.pk}/") as viewer:
        yield viewer
