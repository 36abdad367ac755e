"""A tournament's whole life after its last match: backed up, deleted, restored, archived, brought back.

Each step is done as staff do it (`CommandLine`, `tests.events.admin_pages`), while another tournament is
being captured; after each, every row of the tournament is asked for in plain SQL and has to be what it
was. `python -m tests.events.whole_life EVENTS` fills the database of DATABASE_URL for it.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.faults.flood import Flood, check_everything_is_stored_once, wait_until_stored
from tests.processes import PROJECT, Stack

SLUG = "whole-life"
USER, PASSWORD = "manager", "Poomsae-6000"

_ROWS = {
    # Named by what they are, since keys are given anew when they are restored.
    "events": """
        SELECT c.number, s.source_port, CAST(s.started_at AS text), e.sequence, d.number,
            CAST(m.loaded_at AS text), e.stream, e.kind, e.athlete, e.value, e.round, e.clock_ms,
            CAST(e.details AS text), e.raw, e.status, e.error, CAST(e.received_at AS text), e.processing_ms
        FROM events_pssevent e JOIN tournaments_tournament t ON t.id = e.tournament_id
        JOIN events_udpsession s ON s.id = e.session_id LEFT JOIN tournaments_court c ON c.id = e.court_id
        LEFT JOIN tournaments_tournamentday d ON d.id = e.day_id LEFT JOIN events_match m ON m.id = e.match_id
        WHERE t.slug = 'whole-life' ORDER BY 1, 2, 3, 4""",
    "matches": """
        SELECT c.number, d.number, CAST(m.loaded_at AS text), m.number, m.winner, CAST(m.rounds AS text),
            b.name, r.name
        FROM events_match m JOIN tournaments_tournamentday d ON d.id = m.day_id
        JOIN tournaments_tournament t ON t.id = d.tournament_id JOIN tournaments_court c ON c.id = m.court_id
        LEFT JOIN events_athlete b ON b.id = m.blue_id LEFT JOIN events_athlete r ON r.id = m.red_id
        WHERE t.slug = 'whole-life' ORDER BY 1, 2, 3""",
    "totals": """
        SELECT c.number, CAST(m.loaded_at AS text), y.kind, y.status, CAST(y.minute AS text), y.events,
            y.processing_ms_sum, y.processing_ms_max
        FROM events_eventtally y JOIN tournaments_tournamentday d ON d.id = y.day_id
        JOIN tournaments_tournament t ON t.id = d.tournament_id
        LEFT JOIN tournaments_court c ON c.id = y.court_id LEFT JOIN events_match m ON m.id = y.match_id
        WHERE t.slug = 'whole-life' ORDER BY 1, 2, 3, 4, 5""",
}
_NUMBERS = """
    SELECT (SELECT count(*) FROM events_pssevent e JOIN tournaments_tournament t ON t.id = e.tournament_id
            WHERE t.slug = 'whole-life'),
        (SELECT count(*) FROM events_archivedpssevent e
            JOIN tournaments_tournament t ON t.id = e.tournament_id WHERE t.slug = 'whole-life'),
        (SELECT count(*) FROM tournaments_tournament WHERE slug = 'whole-life')"""


class Way(Protocol):
    """How staff do it."""

    def back_up(self) -> None: ...
    def delete(self) -> None: ...
    def restore(self) -> None: ...
    def archive(self) -> None: ...
    def bring_back(self) -> None: ...


class CommandLine:
    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def back_up(self) -> None:
        self.stack.manage("backup_tournament", SLUG)

    def delete(self) -> None:
        self.stack.manage("delete_tournament", SLUG, "--yes", SLUG)

    def restore(self) -> None:
        (path,) = (self.stack.var / "backups").glob(f"{SLUG}-*-manual.zip")
        self.stack.manage("restore_tournament", str(path))

    def archive(self) -> None:
        self.stack.manage("archive_events", "--tournament", SLUG)

    def bring_back(self) -> None:
        self.stack.manage("unarchive_events", "--tournament", SLUG)


@dataclass
class Lived:
    """Seconds that each step took, datagrams captured meanwhile, and how long they took to be stored (ms)."""

    seconds: dict[str, float] = field(default_factory=dict)
    captured: int = 0
    drops: int = 0
    waited_ms: list[float] = field(default_factory=list)


def fill(stack: Stack, events: int) -> None:
    """A finished tournament of so many simulated events, and another whose day is active."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.events.whole_life", str(events)],
        env=stack.env,
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def live(stack: Stack, way: Way, events: int, rate: int) -> Lived:
    """All of it, on a filled stack that listens; asserts what has to hold after every step."""
    lived = Lived()
    before = rows(stack)
    assert numbers(stack) == (events, 0, 1)
    with Flood(stack, rate=rate) as flood:
        flood.wait_for(rate // 5)
        for name, live_events, archived, there in (
            ("back_up", events, 0, 1),
            ("delete", 0, 0, 0),
            ("restore", events, 0, 1),
            ("archive", 0, events, 1),
            ("bring_back", events, 0, 1),
        ):
            began = time.monotonic()
            getattr(way, name)()
            lived.seconds[name] = time.monotonic() - began
            assert numbers(stack) == (live_events, archived, there), name
            if live_events:
                assert rows(stack) == before, name
        flood.stop()
    wait_until_stored(stack, flood.sent)
    check_everything_is_stored_once(stack, flood.sent, beside=events)
    lived.captured = flood.sent
    lived.drops = int(stack.fetch("SELECT sum(kernel_drops) FROM events_listenernode")[0][0])
    waited = "SELECT processing_ms FROM events_pssevent WHERE stream = 'sup'"
    lived.waited_ms = sorted(ms for (ms,) in stack.fetch(waited))
    return lived


def rows(stack: Stack) -> dict[str, str]:
    """A hash over every value of every row of the tournament, by what they are."""
    return {
        what: hashlib.sha256("\n".join(map(repr, stack.fetch(sql))).encode()).hexdigest()
        for what, sql in _ROWS.items()
    }


def numbers(stack: Stack) -> tuple[Any, ...]:
    """(live events, archived events, tournaments)"""
    return tuple(stack.fetch(_NUMBERS)[0])


def main(events: int) -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "restrike.settings")
    django.setup()
    from django.contrib.auth.models import User
    from django.utils import timezone

    from tests.events.archive_stage import finished_tournament
    from tournaments.context import set_context
    from tournaments.models import Tournament

    tournament = finished_tournament(events)
    tournament.slug, tournament.name = SLUG, "Whole Life Open"
    tournament.save()
    today = timezone.localdate()
    captured = Tournament.objects.create(name="Captured", start_date=today, end_date=today, status="running")
    set_context(captured.days.get())
    User.objects.create_superuser(USER, "", PASSWORD)
    print(json.dumps({"events": events}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
