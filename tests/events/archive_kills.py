"""Archiving and bringing back, killed at random points; a process of its own for `test_archive_kills`.

Prints JSON: whether every kill left each event in one place, and what an undisturbed run made of it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "restrike.settings")
django.setup()

from django.db import connection, connections  # noqa: E402

from events.archive import runs, scope  # noqa: E402
from events.models import ArchivedPssEvent, PssEvent  # noqa: E402
from tests.events.archive_stage import counts, finished_tournament, live_hash  # noqa: E402
from tests.factories import PssEventFactory, UdpSessionFactory, make_day  # noqa: E402
from tournaments.models import Tournament  # noqa: E402

EVENTS = 2_000
SLICE = 40


def move(tournament: Tournament, direction: str) -> str:
    archiving = direction == runs.Direction.ARCHIVE
    part = scope.to_archive(tournament) if archiving else scope.to_bring_back(tournament)
    return runs.work(runs.begin(direction, [part]), [part], slice_size=SLICE).state


def killed_after(tournament: Tournament, direction: str, seconds: float) -> bool:
    """Whether it was killed before it was done."""
    connections.close_all()
    if connection.vendor == "postgresql":
        # Parent and child must not share a socket.
        connection.close_pool()  # type: ignore[attr-defined]
    child = os.fork()
    if child == 0:
        os._exit(0 if move(tournament, direction) == "done" else 1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def main(kills: int, seed: int) -> dict[str, Any]:
    chance = random.Random(seed)
    tournament, running = finished_tournament(EVENTS), make_day(status="running")
    sender = UdpSessionFactory()
    before = live_hash(tournament)
    began = time.monotonic()
    move(tournament, runs.Direction.ARCHIVE)
    took = time.monotonic() - began
    found: dict[str, Any] = {"killed": 0, "torn": [], "arrived": 0}
    direction = runs.Direction.BRING_BACK
    while found["killed"] < kills:
        if killed_after(tournament, direction, chance.uniform(0.01, max(took, 0.05) / 2)):
            found["killed"] += 1
        PssEventFactory(day=running, session=sender)
        found["arrived"] += 1
        live, archived = counts(tournament)
        both = PssEvent.objects.filter(pk__in=ArchivedPssEvent.objects.values("pk")).count()
        if live + archived != EVENTS or both:
            found["torn"].append((live, archived, both))
        if archived == 0:
            direction = runs.Direction.ARCHIVE
        elif live == 0:
            direction = runs.Direction.BRING_BACK
    found["archive"] = move(tournament, runs.Direction.ARCHIVE)
    found["archived"] = counts(tournament)
    found["back"] = move(tournament, runs.Direction.BRING_BACK)
    found["same"] = live_hash(tournament) == before
    found["others"] = counts(running.tournament)
    return found


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
