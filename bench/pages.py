"""Pages at 5 million events, on SQLite, cold and warm; measured in the server (bench.page_times).

Making the events takes minutes, so the database is kept in RESTRIKE_VAR/tmp, migrated when the models
change, and used again until the filling itself changes. Pages only read it.
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

from bench.report import Options, Row, say
from bench.stand import Stand
from tests.processes import PROJECT

EVENTS = 5_000_000
# what -> (URL name, id told by bench.filling, query, ms to reach)
PAGES = {
    "Today": ("admin:index", "", "", 50),
    "tournament page": ("admin:tournaments_tournament_change", "tournament", "", 50),
    "day page": ("admin:tournaments_tournamentday_change", "day", "", 50),
    "match page": ("admin:events_match_change", "match", "", 50),
    "event page": ("admin:events_pssevent_change", "event", "", 50),
    "live page": ("live", "", "", 50),
    "changelist of events": ("admin:events_pssevent_changelist", "", "", 100),
    "changelist, one day": ("admin:events_pssevent_changelist", "", "day={day}", 100),
    "changelist, one court": ("admin:events_pssevent_changelist", "", "court={court}", 100),
    "changelist of matches": ("admin:events_match_changelist", "", "", 100),
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
    if "sqlite" not in options.databases:
        say("pages are measured on SQLite only")
        return
    events = options.choose(EVENTS, 500_000)
    made, known = filled(events)
    asked = {
        what: (name, [known[key]] if key else [], query.format(**known))
        for what, (name, key, query, _) in PAGES.items()
    }
    for name, found in json.loads(_run(made, "bench.page_times", input=json.dumps(asked))).items():
        if found["status"] != 200:
            yield Row(f"pages {events:,}", name, [], "ms", note=f"{found['path']} answered {found['status']}")
            continue
        target = PAGES[name][3]
        slowest = found["slowest"][0] if found["slowest"] else ("0", "")
        if statistics.median(found["cold"]) > target:
            for took, sql in found["slowest"]:
                say(f"{name}: {float(took) * 1000:.0f} ms: {sql}")
        note = f"{found['queries']} queries, the slowest {float(slowest[0]) * 1000:.0f} ms"
        yield Row(f"pages {events:,}", f"{name}, cold", found["cold"], "ms", target, note=note)
        note = f"of it {statistics.median(found['worked']):.0f} ms of processor time"
        yield Row(f"pages {events:,}", f"{name}, warm", found["warm"], "ms", target, note=note)
