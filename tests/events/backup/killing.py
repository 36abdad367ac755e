"""`python -m tests.events.backup.killing WHAT TIMES`: kills what it started, and looks at what is left.

Prints JSON: for each time what was found. The database is that of DATABASE_URL, migrated and empty.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "restrike.settings")
django.setup()

from django.db import connection, connections, transaction  # noqa: E402

from events import bulk  # noqa: E402
from events.backup.make import backup_directory, make_backup  # noqa: E402
from events.backup.read import open_backup  # noqa: E402
from events.backup.restore import Mode, restore  # noqa: E402
from events.backup.write import write_backup  # noqa: E402
from events.models import EventTally, PssEvent, UdpSession  # noqa: E402
from events.models_backup import Backup  # noqa: E402
from tests.events.backup.hall import contents, make_tournament  # noqa: E402
from tournaments.models import Tournament  # noqa: E402

EVENTS = 1_500


def kill_somewhere(work: Callable[[], Any], longest_s: float, chance: random.Random) -> None:
    """Runs `work` in a child that is killed at a random moment, or has ended before it."""
    connections.close_all()
    if connection.vendor == "postgresql":
        # A pool keeps its connections open; parent and child must not speak on the same one.
        connection.close_pool()
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    time.sleep(chance.uniform(0.01, longest_s))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def kill_backups(times: int, chance: random.Random) -> dict[str, Any]:
    tournament = make_tournament(EVENTS)
    undisturbed = backup_directory().parent / "undisturbed.zip"
    write_backup(tournament.pk, undisturbed)
    expected = contents(undisturbed)
    took = timed(lambda: make_backup(tournament))
    whole = []
    for _ in range(times):
        kill_somewhere(lambda: make_backup(tournament), took, chance)
        for path in backup_directory().glob("*.zip"):
            with open_backup(path):
                pass
        whole.append(len(list(backup_directory().glob("*.zip"))))
    last = make_backup(tournament)
    return {
        "whole": whole,
        "equal": contents(last.path) == expected,
        "claimed": [row.file for row in Backup.objects.all() if not (row.verified_at and row.is_there())],
    }


def kill_restores(times: int, chance: random.Random) -> dict[str, Any]:
    directory = backup_directory()
    tournament = make_tournament(EVENTS)
    write_backup(tournament.pk, directory / "good.zip")
    good = contents(directory / "good.zip")
    spoil(tournament.pk)
    write_backup(tournament.pk, directory / "spoilt.zip")
    spoilt = contents(directory / "spoilt.zip")

    def replace() -> None:
        restore(directory / "good.zip", Mode.REPLACE, replaced="open")

    took = timed(replace)
    spoil(Tournament.objects.get(slug="open").pk)
    found = []
    for n in range(times):
        kill_somewhere(replace, took, chance)
        look = directory / f"look{n}.zip"
        write_backup(Tournament.objects.get(slug="open").pk, look)
        now = contents(look)
        found.append("old" if now == spoilt else "new" if now == good else "a mixture")
        if now == good:
            spoil(Tournament.objects.get(slug="open").pk)
    replace()
    write_backup(Tournament.objects.get(slug="open").pk, directory / "end.zip")
    return {"found": found, "equal": contents(directory / "end.zip") == good}


def spoil(tournament_id: int) -> None:
    PssEvent.objects.filter(tournament=tournament_id).update(raw="spoilt")


def back_up_while_writing(times: int, chance: random.Random) -> dict[str, Any]:
    """Events come in and are counted in the same transaction, as the importer does it."""
    tournament = make_tournament(EVENTS)
    session = UdpSession.objects.order_by("pk")[0]
    tally = EventTally.objects.filter(day__tournament=tournament).order_by("pk")[0]
    stop, waits = threading.Event(), []

    def write() -> None:
        sequence = 1_000_000
        while not stop.wait(0.02):
            began = time.perf_counter()
            with transaction.atomic():
                rows = []
                for _ in range(20):
                    sequence += 1
                    where = (
                        session.pk,
                        sequence,
                        tally.court_id,
                        tournament.pk,
                        tally.day_id,
                        tally.match_id,
                    )
                    what = ("pt1", "point", 1, 1, 1, 1, "{}", "x", "recognized", "")
                    rows.append((*where, *what, bulk.time_text(time.time_ns()), 1.0))
                bulk.insert_rows(connection, rows)
                counted = EventTally.objects.select_for_update().get(pk=tally.pk)
                counted.events += len(rows)
                counted.save()
            waits.append(time.perf_counter() - began)
        connections.close_all()

    writer = threading.Thread(target=write)
    writer.start()
    off = []
    for n in range(times):
        path = backup_directory() / f"{n}.zip"
        write_backup(tournament.pk, path)
        held = contents(path)
        column = [field.attname for field in EventTally._meta.concrete_fields].index("events")
        off.append(sum(row[column] for row in held["events.eventtally"]) - len(held["events.pssevent"]))
    stop.set()
    writer.join()
    return {"off": off, "writes": len(waits), "longest_wait": max(waits)}


def main() -> None:
    what, times = sys.argv[1], int(sys.argv[2])
    work = {"backup": kill_backups, "restore": kill_restores, "write": back_up_while_writing}[what]
    Path(backup_directory()).mkdir(exist_ok=True)
    print(json.dumps(work(times, random.Random(5))))


if __name__ == "__main__":
    main()
