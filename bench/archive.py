"""Archiving and bringing back: events a second, and the room they take before and after.

A tournament on sixteen courts, as `bench.filling` makes it, is archived and brought back by the code
that the commands run, timed without the start of Python. Every live row is hashed before and after.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from bench.report import Options, Row
from bench.stand import Stand, stand
from tests.processes import PROJECT

EVENTS = 300_000
TARGET = 50_000
TARGET_SAVED = 30

_MOVE = """
import hashlib, json, os, time
import django
django.setup()
from datetime import timedelta
from django.utils import timezone
from events.archive import runs, scope
from events.models import ArchivedPssEvent, PssEvent, UdpSession
from tournaments.context import clear_context
from tournaments.models import Tournament

def whole():
    found = hashlib.sha256()
    for row in PssEvent.objects.order_by("id").values_list().iterator(chunk_size=5000):
        found.update(repr(row).encode())
    return found.hexdigest()

# It is over: nothing is active, and nothing was heard for hours.
clear_context()
long_ago = timezone.now() - timedelta(days=2)
tournament = Tournament.objects.get(slug="long-open")
tournament.days.update(status="finished")
Tournament.objects.filter(pk=tournament.pk).update(status="finished")
tournament.refresh_from_db()
UdpSession.objects.update(last_event_at=long_ago, ended_at=long_ago)
PssEvent.objects.filter(received_at__gt=timezone.now() - timedelta(hours=4)).update(received_at=long_ago)
before, found = whole(), {}
for name, plan in (("archive", scope.to_archive), ("bring_back", scope.to_bring_back)):
    part = plan(tournament)
    run = runs.begin(name, [part])
    began, worked = time.monotonic(), time.process_time()
    run = runs.work(run, [part])
    took = time.monotonic() - began
    assert (run.state, run.events) == ("done", part.events), run.error
    found[name] = {"events": run.events, "seconds": took, "processor": time.process_time() - worked}
    if name == "archive":
        assert not PssEvent.objects.filter(tournament=tournament).exists()
        found["before"], found["after"] = run.bytes_before, run.bytes_after
assert not ArchivedPssEvent.objects.exists()
found["same"] = whole() == before
print(json.dumps(found))
"""


def run(options: Options) -> Iterator[Row]:
    events = options.choose(EVENTS, 60_000)
    for database in options.databases:
        found = []
        for _ in range(options.repeat):
            with stand(options, database) as made:
                _python(made, "-m", "bench.filling", "--events", str(events))
                found.append(json.loads(_python(made, "-c", _MOVE)))
        assert all(one["same"] for one in found), "what came back is not what was archived"
        for name, words in (("archive", "archived"), ("bring_back", "brought back")):
            moved = [one[name] for one in found]
            note = f"{moved[0]['events']:,} events; processor {_share(moved):.0%} of the time"
            yield Row(
                f"archive, {database}",
                f"events {words}",
                [one["events"] / one["seconds"] for one in moved],
                "/s",
                TARGET,
                better="higher",
                note=note,
            )
        yield Row(
            f"archive, {database}",
            "room saved",
            [100 * (1 - one["after"] / one["before"]) for one in found],
            "%",
            TARGET_SAVED,
            better="higher",
            note=f"{found[0]['before'] / 2**20:.1f} MB live, {found[0]['after'] / 2**20:.1f} MB archived",
        )


def _share(moved: list[dict[str, Any]]) -> float:
    """How much of the time this process was working: the rest is the database's, or others'."""
    return float(sum(one["processor"] for one in moved) / sum(one["seconds"] for one in moved))


def _python(made: Stand, *args: str) -> str:
    env = {**made.env, "DJANGO_SETTINGS_MODULE": "restrike.settings"}
    done = subprocess.run(
        [sys.executable, *args], env=env, cwd=PROJECT, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, f"{' '.join(args)[:80]} failed:\n{done.stderr}"
    return done.stdout.strip().splitlines()[-1]
