"""What the files of events, matches, athletes, unknown messages and senders hold."""

from __future__ import annotations

from typing import Any

from events.kinds import Kind, Outcome, Side, Status
from events.match_state import SIDE_NAMES
from events.words import clock_text, decision_text, describe
from tournaments.export.sheet import Columns, Sheet, local
from tournaments.sheets import plain

_KINDS, _STATES, _OUTCOMES = dict(Kind.choices), dict(Status.choices), dict(Outcome.choices)
_WHERE = {
    "zone": "tournament__time_zone",
    "tournament": "tournament__name",
    "day": "day__date",
    "court": "court__number",
    "court_name": "court__name",
}
_EVENT = {
    "id": "id",
    "received_at": "received_at",
    **_WHERE,
    "match": "match__number",
    "match_id": "match_id",
    "session": "session_id",
    "sequence": "sequence",
    "athlete": "athlete",
    "value": "value",
    "round": "round",
    "clock_ms": "clock_ms",
    "raw": "raw",
    "status": "status",
    "processing_ms": "processing_ms",
}
_READING = ("stream", "kind", "details", "error")
_ZONE = {"time zone": lambda row: row.zone or "UTC"}
_EVENT_COLUMNS: Columns = {
    "received": lambda row: local(row.received_at, row.zone),
    **_ZONE,
    "tournament": lambda row: row.tournament,
    "day": lambda row: row.day,
    "court": lambda row: _court(row),
    "match": lambda row: row.match,
    "what happened": lambda row: describe(row),
    "kind": lambda row: _KINDS.get(row.kind, row.kind),
    "athlete": lambda row: Side(row.athlete).label if row.athlete in (1, 2) else None,
    "value": lambda row: row.value,
    "round": lambda row: row.round,
    "match clock": lambda row: None if row.clock_ms is None else clock_text(row.clock_ms),
    "status": lambda row: _STATES.get(row.status, row.status),
    "error": lambda row: row.error,
    "code": lambda row: row.stream,
    "raw": lambda row: row.raw,
    "details": lambda row: row.details or None,
    "stored after ms": lambda row: row.processing_ms,
    "sender": lambda row: row.session,
    "number in its session": lambda row: row.sequence,
    "event id": lambda row: row.id,
    "match id": lambda row: row.match_id,
}
EVENTS = Sheet({**_EVENT, **{name: name for name in _READING}}, _EVENT_COLUMNS)


ARCHIVED_EVENTS = Sheet(
    {**_EVENT, **{name: f"reading__{name}" for name in _READING}, "own_details": "own_details"},
    {
        **_EVENT_COLUMNS,
        "what happened": lambda row: describe(_own(row)),
        "details": lambda row: _own(row).details or None,
    },
)
MATCHES = Sheet(
    {
        "id": "id",
        **_WHERE,
        "zone": "day__tournament__time_zone",
        "tournament": "day__tournament__name",
        **{
            name: name
            for name in (
                *("number", "phase", "category", "division", "rounds", "gam_jeoms", "winner", "decision"),
                *("loaded_at", "started_at", "ended_at", "referees", "replays"),
            )
        },
        "blue": "blue__name",
        "blue_country": "blue__country",
        "red": "red__name",
        "red_country": "red__country",
    },
    {
        "match": lambda row: row.number,
        "phase": lambda row: row.phase,
        "category": lambda row: row.category,
        "division": lambda row: row.division,
        "tournament": lambda row: row.tournament,
        "day": lambda row: row.day,
        "court": lambda row: _court(row),
        "blue": lambda row: row.blue,
        "blue country": lambda row: row.blue_country,
        "red": lambda row: row.red,
        "red country": lambda row: row.red_country,
        "winner": lambda row: _OUTCOMES.get(row.winner) if row.winner else None,
        "decision": lambda row: row.decision,
        "decision in words": lambda row: decision_text(row.decision) if row.decision else None,
        "rounds won blue": lambda row: _won(row, 1),
        "rounds won red": lambda row: _won(row, 2),
        "rounds": lambda row: "  ".join(f"{blue}:{red}" for blue, red, *_ in row.rounds),
        "gam-jeoms blue": lambda row: sum(blue for blue, _ in row.gam_jeoms),
        "gam-jeoms red": lambda row: sum(red for _, red in row.gam_jeoms),
        "replays blue": lambda row: _replays(row, "blue"),
        "replays red": lambda row: _replays(row, "red"),
        "referee": lambda row: _name((row.referees or {}).get("referee")),
        "judges": lambda row: ", ".join(
            filter(None, (_name(judge) for judge in (row.referees or {}).get("judges") or []))
        ),
        "loaded": lambda row: local(row.loaded_at, row.zone),
        "started": lambda row: local(row.started_at, row.zone),
        "ended": lambda row: local(row.ended_at, row.zone),
        **_ZONE,
        "match id": lambda row: row.id,
    },
)
ATHLETES = plain("name", "short_name", "country")
UNKNOWN_MESSAGES = plain("shape", "count", "sample", "first_seen", "last_seen", "notes")
SESSIONS = Sheet(
    {
        **{
            name: name
            for name in (
                *("id", "source", "source_port", "local_port", "dialect", "started_at", "last_event_at"),
                *("ended_at", "datagrams", "events", "concurrent"),
            )
        },
        "court": "court__number",
        "court_name": "court__name",
        "node": "node__name",
    },
    {
        "sender": lambda row: row.id,
        "source": lambda row: row.source,
        "source port": lambda row: row.source_port,
        "port": lambda row: row.local_port,
        "court": lambda row: _court(row),
        "listener": lambda row: row.node,
        "dialect": lambda row: row.dialect,
        "began": lambda row: row.started_at,
        "last heard": lambda row: row.last_event_at,
        "ended": lambda row: row.ended_at,
        "datagrams": lambda row: row.datagrams,
        "events": lambda row: row.events,
        "two senders at once": lambda row: row.concurrent,
    },
)


def _court(row: Any) -> str | None:
    return row.court_name or (None if row.court is None else f"Court {row.court}")


def _own(row: Any) -> Any:
    """The details that an archived event has to itself come before those of its reading."""
    return row if row.own_details is None else row._replace(details=row.own_details)


def _won(row: Any, side: int) -> int:
    return sum(len(told) > 2 and told[2] == side for told in row.rounds)


def _replays(row: Any, side: str) -> int:
    return sum(entry.get("side") == SIDE_NAMES.index(side) for entry in row.replays)


def _name(person: dict[str, Any] | None) -> str:
    if not person or not person.get("name"):
        return ""
    return f"{person['name']} ({person['ioc']})" if person.get("ioc") else str(person["name"])
