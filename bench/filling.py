"""`python -m bench.filling --events N`: fills a migrated database as ten tournaments would have.

The last is a long one with half of the events; it goes on today. Matches run side by side on sixteen
courts, so that a match's rows lie among those of fifteen others, as they do when they come in one by one;
tallies and matches are what the importer would have kept. Prints JSON: the ids a page can be asked for.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "restrike.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402
from django.utils.text import slugify  # noqa: E402

from events import bulk  # noqa: E402
from events.board_json import to_json  # noqa: E402
from events.models import (  # noqa: E402
    Athlete,
    EventTally,
    ListenerNode,
    Match,
    StoredBoard,
    UdpSession,
)
from events.scoreboard import Scoreboard  # noqa: E402
from events.tallies import Amount, Key, shift_hours  # noqa: E402
from ingest.protocol import parse  # noqa: E402
from ingest.simulator.athletes import COUNTRIES  # noqa: E402
from ingest.simulator.match import simulate_match  # noqa: E402
from tournaments.context import set_context  # noqa: E402
from tournaments.models import Court, Tournament, TournamentDay  # noqa: E402

COURTS = 16
MATCHES_A_DAY = 60  # on each court: about nine hours
_TEMPLATES = 12
_ATHLETES = 1_000
_SLOT_S = 540
TOURNAMENTS = 10
# An importer stores a scoreboard once a second; so much comes meanwhile in an exchange of blows.
_AFTER_BOARD = 10

# Seconds from the match's start, and the columns of an event from `stream` to `error`, details as JSON text.
Line = tuple[Any, ...]
# What a match's row says beside who, where and when.
_TOLD = (
    "rounds_planned",
    "round_seconds",
    "body_level",
    "head_level",
    "rounds",
    "gam_jeoms",
    "replays",
    "injuries",
    "time_outs",
    "winner",
    "decision",
    "figures",
)


def _templates() -> list[tuple[list[Line], dict[str, Any]]]:
    """Matches as their lines and what is told of them."""
    chance = random.Random(1)
    made = []
    for number in range(_TEMPLATES):
        lines = []
        board = Scoreboard()
        for seconds, payload in simulate_match(chance, str(number)).datagrams():
            for m in parse(payload, "T"):
                board.apply(m, int(seconds * 1e9), len(lines) + 1)
                known = (m.stream, m.kind, m.athlete, m.value, m.round, m.clock_ms)
                lines.append((seconds, *known, json.dumps(m.details), m.raw, m.status, m.error))
        fields = board.match_fields()
        made.append((lines, {name: fields[name] for name in _TOLD}))
    return made


class Filler:
    def __init__(self, target: int) -> None:
        self.target = target
        self.events = 0
        self.node = ListenerNode.objects.create(name="main")
        self.courts = [Court.objects.create(number=n, name=f"Court {n}") for n in range(1, COURTS + 1)]
        self.athletes = Athlete.objects.bulk_create(
            Athlete(name=f"ATHLETE {n:04}", short_name=f"A{n:04}", country=COUNTRIES[n % len(COUNTRIES)])
            for n in range(_ATHLETES)
        )
        self.athlete_ids = list(Athlete.objects.values_list("pk", flat=True))
        self.templates = _templates()
        per_match = sum(len(lines) for lines, _ in self.templates) / _TEMPLATES
        self.per_day = per_match * MATCHES_A_DAY * COURTS

    def fill(self) -> dict[str, Any]:
        today = timezone.localdate()
        small = self.target // 2 // (TOURNAMENTS - 1)
        for n in range(1, TOURNAMENTS):
            self._fill_tournament(f"Open {n}", today - timedelta(14 * (TOURNAMENTS - n)), small)
        # The last day is today, so that Today has something to show.
        tournament = self._fill_tournament("Long Open", today, self.target - self.events)
        days = list(tournament.days.order_by("number"))
        self._store_boards(days[-1])
        set_context(days[-1], at=timezone.make_aware(datetime.combine(today, time(0)), UTC))
        match = Match.objects.filter(day=days[-1]).order_by("id")[COURTS * 3]
        event = match.events.order_by("id")[500]
        return {
            "tournament": tournament.pk,
            "day": days[-1].pk,
            "court": self.courts[0].pk,
            "athlete": match.blue_id,
            "other": match.red_id,
            "match": match.pk,
            "event": event.pk,
            "events": self.events,
        }

    def _store_boards(self, day: TournamentDay) -> None:
        """Of the last match on each court, as the importer had it a moment before the last events."""
        boards = []
        for court in self.courts:
            match = Match.objects.filter(day=day, court=court).order_by("id").last()
            events = list(match.events.order_by("id"))
            events = events[: max(len(events) - _AFTER_BOARD, 1)]
            boards.append(
                StoredBoard(
                    court_id=court.pk,
                    match_id=match.pk,
                    recounts=match.recounts,
                    event_id=events[-1].pk,
                    heard_at=events[-1].received_at,
                    state=to_json(Scoreboard.fold(events)),
                )
            )
        StoredBoard.objects.bulk_create(boards)

    def _fill_tournament(self, name: str, last: date, events: int) -> Tournament:
        days_needed = max(1, math.ceil(events / self.per_day))
        first = last - timedelta(days_needed - 1)
        tournament = Tournament.objects.create(
            name=name, slug=slugify(name), start_date=first, end_date=last, time_zone="UTC"
        )
        before = self.events
        for day in tournament.days.order_by("number"):
            self._fill_day(day, before + events * day.number // days_needed)
            print(f"{self.events:,} events", flush=True)
        return tournament

    def _fill_day(self, day: TournamentDay, until: int) -> None:
        start = datetime.combine(day.date, time(0, 10), UTC)
        sessions = [
            UdpSession.objects.create(
                node=self.node,
                court=court,
                source=f"192.168.1.{10 + court.number}",
                source_port=40_000,
                local_port=6000,
                dialect="T",
                started_at=start,
                last_event_at=start + timedelta(hours=9),
                ended_at=start + timedelta(hours=9),
            )
            for court in self.courts
        ]
        sequences = [0] * COURTS
        slot = 0
        while self.events < until:
            self._fill_slot(day, start + timedelta(seconds=slot * _SLOT_S), slot, sessions, sequences)
            slot += 1
        for session, sequence in zip(sessions, sequences, strict=True):
            UdpSession.objects.filter(pk=session.pk).update(events=sequence, datagrams=sequence)

    def _fill_slot(
        self, day: TournamentDay, start: datetime, slot: int, sessions: list[UdpSession], sequences: list[int]
    ) -> None:
        """One match on each court, their events in the order of time."""
        with transaction.atomic():
            matches = [
                Match.objects.create(
                    court=court,
                    day=day,
                    number=f"{court.number}{slot:02}",
                    phase="Round of 32",
                    category="MEN M -68KG",
                    division="SENIORS",
                    blue_id=self.athlete_ids[(slot * 37 + n * 2) % _ATHLETES],
                    red_id=self.athlete_ids[(slot * 37 + n * 2 + 1) % _ATHLETES],
                    **self.templates[(slot + n) % _TEMPLATES][1],
                    loaded_at=start,
                    started_at=start + timedelta(seconds=20),
                    ended_at=start + timedelta(seconds=_SLOT_S - 40),
                )
                for n, court in enumerate(self.courts)
            ]
            coming = []
            for n in range(COURTS):
                lines, _ = self.templates[(slot + n) % _TEMPLATES]
                # Squeezed into the slot: a template may be longer than the next match allows.
                pace = min(1.0, (_SLOT_S - 5) / lines[-1][0])
                coming += [(line[0] * pace, n, line) for line in lines]
            coming.sort(key=lambda one: (one[0], one[1]))
            start_ns = int(start.timestamp()) * 1_000_000_000
            rows: list[bulk.Row] = []
            counts: Counter[tuple[int, str, str, int]] = Counter()
            for seconds, n, line in coming:
                sequences[n] += 1
                at_ns = start_ns + int(seconds * 1e6) * 1000
                where = (sessions[n].pk, sequences[n], self.courts[n].pk, day.tournament_id, day.pk)
                rows.append((*where, matches[n].pk, *line[1:], bulk.time_text(at_ns), 8.0))
                counts[(n, line[2], line[9], at_ns // 60_000_000_000)] += 1
            bulk.insert_rows(connection, rows)
            changes = {
                Key(
                    day.pk,
                    self.courts[n].pk,
                    matches[n].pk,
                    kind,
                    status,
                    datetime.fromtimestamp(minute * 60, UTC),
                ): Amount(count, 8.0 * count, 8.0)
                for (n, kind, status, minute), count in counts.items()
            }
            # All of them are new, and need not be looked for.
            EventTally.objects.bulk_create(
                EventTally(
                    **key._asdict(),
                    events=amount.events,
                    processing_ms_sum=amount.ms_sum,
                    processing_ms_max=amount.ms_max,
                )
                for key, amount in changes.items()
            )
            shift_hours(changes)
            self.events += len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.filling")
    parser.add_argument("--events", type=int, required=True)
    given = parser.parse_args()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            # Nobody minds losing this file in a power cut.
            cursor.execute("PRAGMA synchronous=OFF")
    found = Filler(given.events).fill()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
