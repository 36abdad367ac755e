"""A finished tournament as the importer would have stored it, and what a test asks of it."""

from __future__ import annotations

import hashlib
import json
import random
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from events import bulk
from events.archive import runs, scope
from events.models import ArchivedPssEvent, ArchiveRun, Match, PssEvent, UdpSession
from ingest.protocol import parse
from ingest.simulator.match import simulate_match
from tests.factories import CourtFactory, MatchFactory, TournamentFactory, UdpSessionFactory, tally_events
from tournaments.models import Tournament

LONG_AGO = datetime.fromisoformat("2026-05-16T08:00:00+00:00")
ARCHIVE, BRING_BACK = runs.Direction.ARCHIVE, runs.Direction.BRING_BACK


def simulated_lines(seed: int, count: int) -> list[list[tuple[Any, ...]]]:
    """Matches as (seconds, columns from `stream` to `error`); details as the importer writes them."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        lines: list[tuple[Any, ...]] = []
        for seconds, payload in simulate_match(chance, str(101 + number)).datagrams():
            for told in parse(payload, "T"):
                details = dict(told.details)
                if told.kind == "point" and len(lines) % 2:
                    details["hits"] = [len(lines), len(lines) + 1]
                if told.kind == "hit" and len(lines) % 7 == 0:
                    details["points"] = [len(lines) + 1]
                text = json.dumps(details, separators=(",", ":"))
                known = (told.stream, told.kind, told.athlete, told.value, told.round, told.clock_ms)
                lines.append((seconds, *known, text, told.raw, told.status, told.error))
        made.append(lines)
    return made


def finished_tournament(
    events: int, *, status: str = "finished", courts: int = 4, seed: int = 1, start: datetime = LONG_AGO
) -> Tournament:
    """At least so many events of simulated matches side by side on some courts, with their totals."""
    tournament = TournamentFactory(start_date=start.date(), end_date=start.date(), status=status)
    day = tournament.days.get()
    sessions = [
        UdpSessionFactory(court=CourtFactory(), started_at=start, last_event_at=start, ended_at=start)
        for _ in range(courts)
    ]
    templates = simulated_lines(seed, 5)
    sequences = [0] * courts
    stored = slot = 0
    while stored < events:
        begin = start + timedelta(minutes=10 * slot)
        matches = [
            MatchFactory(court=s.court, day=day, loaded_at=begin, winner="blue", ended_at=begin)
            for s in sessions
        ]
        coming = sorted(
            (line[0], n, line) for n in range(courts) for line in templates[(slot + n) % len(templates)]
        )
        rows: list[bulk.Row] = []
        for seconds, n, line in coming[: events - stored]:
            sequences[n] += 1
            at = begin + timedelta(seconds=round(seconds % 600, 6))
            where = (sessions[n].pk, sequences[n], sessions[n].court_id, tournament.pk, day.pk, matches[n].pk)
            at_ns = int(at.timestamp() * 1e6) * 1000
            rows.append((*where, *line[1:], bulk.time_text(at_ns), 8.25 + n))
        bulk.insert_rows(connection, rows)
        stored += len(rows)
        slot += 1
    for session, sequence in zip(sessions, sequences, strict=True):
        UdpSession.objects.filter(pk=session.pk).update(events=sequence)
    tally_events()
    return tournament


def live_hash(tournament: Tournament | None) -> str:
    """Of every column of every live event of a tournament, as the database has them."""
    kept = hashlib.sha256()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, {', '.join(bulk.COLUMNS)} FROM events_pssevent WHERE tournament_id = %s ORDER BY id",
            [tournament.pk if tournament else None],
        )
        for row in cursor.fetchall():
            kept.update(repr(row).encode())
    return kept.hexdigest()


def counts(tournament: Tournament | None) -> tuple[int, int]:
    """(live, archived) events of a tournament."""
    return (
        PssEvent.objects.filter(tournament=tournament).count(),
        ArchivedPssEvent.objects.filter(tournament=tournament).count(),
    )


def matches_of(tournament: Tournament) -> list[dict[str, Any]]:
    return list(Match.objects.filter(day__tournament=tournament).order_by("pk").values())


def archive(tournament: Tournament, **options: Any) -> ArchiveRun:
    part = scope.to_archive(tournament)
    return runs.work(runs.begin(ARCHIVE, [part]), [part], **options)


def bring_back(tournament: Tournament, **options: Any) -> ArchiveRun:
    part = scope.to_bring_back(tournament)
    return runs.work(runs.begin(BRING_BACK, [part]), [part], **options)
