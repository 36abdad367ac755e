"""Pages and JSON answers, cold and warm: 5 and 1 million events on SQLite, 1 on PostgreSQL.

Making the events takes minutes, so the database of SQLite is kept in RESTRIKE_VAR/tmp, migrated when the
models change, and used again until the filling itself changes; that of PostgreSQL is dropped.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from bench.report import Options, Row, say
from bench.stand import Stand, empty
from tests.processes import PROJECT

EVENTS = {"sqlite": (5_000_000, 1_000_000), "postgresql": (1_000_000,)}
# what -> (URL name, id told by bench.filling, query, ms to reach)
PAGES: dict[str, tuple[str, str, str, int | None]] = {
    "Today": ("admin:index", "", "", 50),
    "tournament page": ("admin:tournaments_tournament_change", "tournament", "", 50),
    "day page": ("admin:tournaments_tournamentday_change", "day", "", 50),
    "tournament statistics": ("tournament_statistics", "tournament", "", 50),
    "day statistics": ("day_statistics", "day", "", 50),
    "athlete page": ("admin:events_athlete_change", "athlete", "", 100),
    "two athletes compared": ("compare_athletes", "", "a={athlete}&b={other}", 100),
    "match page": ("admin:events_match_change", "match", "", 50),
    "story of a match": ("admin:events_match_story", "match", "", 50),
    "event page": ("admin:events_pssevent_change", "event", "", 50),
    "live page": ("live", "", "", 50),
    "changelist of events": ("admin:events_pssevent_changelist", "", "", 100),
    "changelist, one day": ("admin:events_pssevent_changelist", "", "day={day}", 100),
    "changelist, one court": ("admin:events_pssevent_changelist", "", "court={court}", 100),
    "changelist, one kind": ("admin:events_pssevent_changelist", "", "kind=point", 100),
    "changelist of matches": ("admin:events_match_changelist", "", "", 100),
    "JSON: tournament": ("api-1:get_tournament", "tournament", "", 50),
    "JSON: day": ("api-1:get_day", "day", "", 50),
    "JSON: matches of a day": ("api-1:list_matches", "", "day={day}", 50),
    "JSON: match": ("api-1:get_match", "match", "", 50),
    "JSON: athletes": ("api-1:list_athletes", "", "", 50),
    "JSON: events": ("api-1:list_events", "", "", 50),
    "JSON: events of a match": ("api-1:list_events", "", "match={match}", 50),
    "JSON: live": ("api-1:get_live", "", "", 50),
    # With nothing of ours but what is on every page: the others are to be read beside it.
    "baseline: new password": ("admin:password_change", "", "", None),
}


def _fingerprint() -> str:
    """Changes with what is filled in."""
    return hashlib.sha256((PROJECT / "bench" / "filling.py").read_bytes()).hexdigest()[:12]


def _run(made: Stand, *args: str, **options: Any) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *args], env=made.env, cwd=PROJECT, stdout=subprocess.PIPE, text=True, **options
    )
    assert done.returncode == 0, f"{' '.join(args)} failed:\n{done.stdout}"
    return done.stdout.strip().splitlines()[-1]


def filled(events: int) -> tuple[Stand, dict[str, Any]]:
    """A stand on the database with so many events, made now if there is none, and the ids in it."""
    var = Path(os.environ.get("RESTRIKE_VAR", PROJECT / "var")).absolute() / "tmp"
    place = var / f"bench-pages-{events}-{_fingerprint()}"
    about = place / "about.json"
    made = Stand(place, f"sqlite:///{place}/restrike.sqlite3", {})
    made.env["SECRET_KEY"] = "bench"
    if not about.exists():
        place.mkdir(parents=True, exist_ok=True)
        for left in place.glob("restrike.sqlite3*"):
            left.unlink()
        say(f"making {events:,} events in {place}")
    made.manage("migrate", "-v", "0")
    if not about.exists():
        about.write_text(_run(made, "bench.filling", "--events", str(events)))
    known: dict[str, Any] = json.loads(about.read_text())
    return made, known


def run(options: Options) -> Iterator[Row]:
    for database in options.databases:
        for events in options.choose(EVENTS[database], (500_000,)):
            benchmark = f"pages {events:,} {database}"
            if database == "sqlite":
                yield from _measure(benchmark, *filled(events))
            else:
                yield from _on_postgresql(benchmark, events, options)


def _on_postgresql(benchmark: str, events: int, options: Options) -> Iterator[Row]:
    with empty(options) as made:
        say(f"making {events:,} events")
        known = json.loads(_run(made, "bench.filling", "--events", str(events)))
        # As the server does by itself within minutes of so many rows.
        with psycopg.connect(made.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        yield from _measure(benchmark, made, known)


def _measure(benchmark: str, made: Stand, known: dict[str, Any]) -> Iterator[Row]:
    asked = {
        what: (name, [known[key]] if key else [], query.format(**known))
        for what, (name, key, query, _) in PAGES.items()
    }
    for name, found in json.loads(_run(made, "bench.page_times", input=json.dumps(asked))).items():
        if found["status"] != 200:
            yield Row(benchmark, name, [], "ms", note=f"{found['path']} answered {found['status']}")
            continue
        target = PAGES[name][3]
        slowest = found["slowest"][0] if found["slowest"] else ("0", "")
        if target and statistics.median(found["cold"]) > target:
            for took, sql in found["slowest"]:
                say(f"{name}: {float(took) * 1000:.0f} ms: {sql}")
        note = f"{found['queries']} queries, the slowest {float(slowest[0]) * 1000:.0f} ms"
        yield Row(benchmark, f"{name}, cold", found["cold"], "ms", target, note=note)
        if found["first"]:
            yield Row(benchmark, f"{name}, first after the start", found["first"], "ms", target)
        note = f"of it {statistics.median(found['worked']):.0f} ms of processor time"
        yield Row(benchmark, f"{name}, warm", found["warm"], "ms", target, note=note)
