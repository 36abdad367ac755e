"""A tournament with something in every table, and ways to compare two of them."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from events.backup.write import SEAL, seal
from events.models import EventMove, PssEvent
from tests.factories import (
    NOON,
    AthleteFactory,
    ContextChangeFactory,
    CourtFactory,
    ListenerNodeFactory,
    MatchFactory,
    UdpSessionFactory,
    UserFactory,
    make_day,
    tally_events,
)
from tournaments.models import Tournament

DETAILS: list[dict[str, Any]] = [
    {},
    {"points": 3, "technique": "head"},
    {"blue": None, "red": 2, "ä": "“quoted” \u2028 ☃", "nested": [1.5, {"deep": True}]},
]


def make_tournament(
    events: int = 40, name: str = "Open", user: User | None = None, **fields: Any
) -> Tournament:
    """Two courts, two days, three matches, `events` events over them, totals, context, moves, history."""
    user = user or UserFactory(username=f"helper of {name}")
    day = make_day(name=name, **fields)
    tournament = day.tournament
    tournament.venue = "Hall 2"
    tournament.save()
    second = tournament.days.get(number=2)
    node = ListenerNodeFactory()
    blue, red = AthleteFactory(), AthleteFactory(country="ITA")
    courts = [CourtFactory(), CourtFactory()]
    sessions = [UdpSessionFactory(node=node, court=court, events=events) for court in courts]
    matches = [
        MatchFactory(
            court=court, day=on, blue=blue, red=red, referees={"referee": {"name": "Ö", "ioc": None}}
        )
        for court, on in ((courts[0], day), (courts[1], day), (courts[0], second))
    ]
    ContextChangeFactory(day=day, user=user, effective_at=NOON - timedelta(hours=1))
    ContextChangeFactory(day=second, court=courts[0], effective_at=NOON + timedelta(hours=1))
    ContextChangeFactory(day=None, effective_at=NOON + timedelta(hours=2))
    add_events(tournament, events, sessions, matches)
    EventMove.objects.create(
        court=courts[0], start=NOON, end=NOON + timedelta(minutes=1), day=day, events=3, matches=1, user=user
    )
    return tournament


def add_events(tournament: Tournament, count: int, sessions: list[Any], matches: list[Any]) -> None:
    """In turn on the sessions, with every kind of value; and the totals of all events."""
    start = PssEvent.objects.count()
    made = []
    for n in range(count):
        match = matches[n % len(matches)]
        made.append(
            PssEvent(
                session=sessions[n % len(sessions)],
                sequence=start + n + 1,
                court=sessions[n % len(sessions)].court,
                tournament=tournament,
                day=match.day,
                match=match if n % 7 else None,
                stream="pt1",
                kind="point",
                athlete=n % 3,
                value=None if n % 5 == 0 else n - 20,
                round=1 + n % 3,
                clock_ms=n * 100,
                details=DETAILS[n % len(DETAILS)],
                raw=f"pt1;{n}\\r\\n" + "☃\\x00\\\\" * (n % 4),
                status="recognized" if n % 9 else "partial",
                error="" if n % 9 else "cut",
                received_at=NOON + timedelta(milliseconds=n * 250, microseconds=n % 2),
                processing_ms=n / 7,
            )
        )
    PssEvent.objects.bulk_create(made)
    tally_events()


def contents(path: Path) -> dict[str, list[Any]]:
    """Rows by model, with every key of another row as its place in that model's file.

    Two backups of equal tournaments have equal contents whatever their keys are.
    """
    from events.backup.rules import Holds, plan

    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        rows = {
            file["model"]: [json.loads(line) for line in archive.read(file["name"]).splitlines()]
            for file in manifest["files"]
        }
    places: dict[str, dict[Any, int]] = {}
    found: dict[str, list[Any]] = {}
    for part in plan():
        columns = part.columns
        key = next(n for n, column in enumerate(columns) if column.field.primary_key)
        shared = part.role.value == "shared"
        places[part.label] = {
            # Shared rows are known by what they are, in whatever order they were made.
            row[key]: str(row[key + 1 :]) if shared else place
            for place, row in enumerate(rows[part.label])
        }
        for row in rows[part.label]:
            for n, column in enumerate(columns):
                if column.holds in (Holds.REFERENCE, Holds.TRACE) and row[n] is not None:
                    row[n] = places[column.target._meta.label_lower].get(row[n], "gone")
            row[key] = None
        found[part.label] = sorted(map(str, rows[part.label])) if shared else rows[part.label]
    return found


def repack(source: Path, target: Path, change: Any) -> Path:
    """`source` with `change(manifest, members)` done to it and sealed anew; members are name -> bytes."""
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    change(manifest, members)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.comment = SEAL + b"0" * 64
    seal(target)
    return target


def rehash(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    """Makes the manifest true again after members were changed."""
    import hashlib

    for file in manifest["files"]:
        content = members[file["name"]]
        file["bytes"], file["rows"] = len(content), content.count(b"\n")
        file["sha256"] = hashlib.sha256(content).hexdigest()
