"""The ledger: what was received, what is stored, and whether the two agree.

Received and backlog are counted in the journal, stored in the database, each by whoever knows it
first-hand, so that `received = stored + backlog` is a check and not a definition.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Sum

from events.kinds import Status
from events.models import HourTally, ListenerNode, UdpSession
from events.typed import manage
from events.words import duration_text
from ingest.journal import JournalReader, Position
from ingest.listener import journal_directory
from ingest.staging import recorder_state

#: An importer that has said nothing for this long is not running.
ALIVE_S = 5


@dataclass(frozen=True, slots=True)
class NodeLedger:
    """One listener. Datagrams, bytes, milliseconds. `trouble`: why nothing can be written, or ''."""

    name: str
    listen: list[str] = field(default_factory=list)
    received: int = 0
    stored: int = 0
    backlog: int = 0
    kernel_drops: int = 0
    blind_ms: int = 0
    damaged: int = 0
    receive_buffer: int = 0
    recording: bool = False
    importing: bool = False
    trouble: str = ""

    @property
    def difference(self) -> int:
        """Datagrams that were received and are neither stored nor waiting (negative: too many stored)."""
        return self.received - self.stored - self.backlog


@dataclass(frozen=True, slots=True)
class Ledger:
    """All listeners of one database together; events are counted in messages, the rest in datagrams."""

    nodes: list[NodeLedger]
    events: int
    by_status: dict[str, int]
    sessions: int

    def total(self, name: str) -> int:
        return sum(getattr(node, name) for node in self.nodes)

    def as_dict(self) -> dict[str, Any]:
        """What `manage.py status --json` prints."""
        return {
            "received": self.total("received"),
            "stored": self.total("stored"),
            "backlog": self.total("backlog"),
            "events": self.events,
            **{status.value: self.by_status.get(status.value, 0) for status in Status},
            "kernel_drops": self.total("kernel_drops"),
            "blind_seconds": round(self.total("blind_ms") / 1000, 3),
            "sessions": self.sessions,
            # Of several listeners the smallest: that one drops first.
            "receive_buffer": min((n.receive_buffer for n in self.nodes if n.receive_buffer), default=0),
        }

    def sentences(self) -> list[str]:
        """How it stands, in words; the first is what matters most."""
        if not self.nodes:
            return [f"Nothing has been recorded here yet. Start recording with: {manage('start')}"]
        return [_sentence(node, named=len(self.nodes) > 1) for node in self.nodes] + [
            warning for node in self.nodes for warning in _warnings(node)
        ]


def read() -> Ledger:
    """The ledger as it is now. DatabaseError when the database does not answer."""
    counts = HourTally.objects.values_list("status").annotate(Sum("events"))
    by_status: dict[str, int] = {status: number or 0 for status, number in counts}
    return Ledger(
        nodes=nodes(),
        events=sum(by_status.values()),
        by_status=by_status,
        sessions=UdpSession.objects.count(),
    )


def nodes() -> list[NodeLedger]:
    """Each listener of this database or this machine, by name; one query."""
    journals = Path(settings.RESTRIKE_VAR) / "journal"
    rows = {node.name: node for node in ListenerNode.objects.all()}
    names = {*rows, *(path.name for path in journals.glob("*") if path.is_dir())}
    return [_node(name, rows.get(name), journals / name) for name in sorted(names)]


def is_recording_here(name: str) -> bool:
    """Whether a recorder of that name lives on this machine; asks no database."""
    state = recorder_state(journal_directory(name))
    return state is not None and state.alive()


def _node(name: str, node: ListenerNode | None, directory: Path) -> NodeLedger:
    node = node or ListenerNode(name=name)
    seen = node.importer_seen_at
    known: dict[str, Any] = {
        "name": name,
        "listen": node.listen,
        "stored": node.stored,
        "kernel_drops": node.kernel_drops,
        "blind_ms": node.blind_ms,
        "damaged": node.damaged,
        "importing": seen is not None and time.time() - seen.timestamp() < ALIVE_S,
    }
    if not directory.is_dir():
        # Another machine's: what its importer said last.
        received = max(node.received, node.stored)
        return NodeLedger(
            **known,
            received=received,
            backlog=received - node.stored,
            receive_buffer=node.receive_buffer,
            recording=node.is_recording(),
        )
    reader = JournalReader(directory)
    try:
        total = reader.total()
        # What the database says of another journal says nothing about this one.
        same = bool(node.sequence) and str(node.journal) == reader.uuid
        place = Position(node.segment, node.offset, node.sequence)
        imported = reader.datagrams_at(place) if same else 0
    finally:
        reader.close()
    known["stored"] = node.stored if same else 0
    if recorder := recorder_state(directory):
        known["listen"] = list(recorder.listen)
    return NodeLedger(
        **known,
        received=total,
        backlog=max(total - imported, 0),
        receive_buffer=recorder.receive_buffer if recorder else node.receive_buffer,
        recording=recorder is not None and recorder.alive(),
        trouble=recorder.trouble if recorder and recorder.alive() else "",
    )


def _sentence(node: NodeLedger, *, named: bool) -> str:
    name = f"{node.name}: " if named else ""
    where = f" on {', '.join(node.listen)}" if node.listen else ""
    recording = f"Recording{where}" if node.recording else "Nothing is being recorded"
    if node.backlog:
        wait = "1 datagram waits" if node.backlog == 1 else f"{node.backlog:,} datagrams wait"
        stored = f"{wait} in the journal to be stored"
        if not node.importing:
            stored += ", and nothing is storing them"
    elif node.received:
        stored = "everything received is stored"
    else:
        stored = "nothing received yet"
    return f"{name}{recording} · {stored}."


def _warnings(node: NodeLedger) -> list[str]:
    warnings = [f"{node.name}: {node.trouble}"] if node.trouble else []
    if node.difference > 0:
        warnings.append(
            f"{node.name}: {node.difference:,} datagrams of the journal are not in the database. "
            f"Look for damage with: {manage('journal verify')}"
        )
    if node.difference < 0:
        warnings.append(
            f"{node.name}: the database has {-node.difference:,} datagrams more than this journal. "
            "Some may be stored twice, or the journal has lost its end. "
            f"Look for damage with: {manage('journal verify')}"
        )
    if node.damaged:
        warnings.append(f"{node.name}: {node.damaged:,} damaged places in the journal were passed over.")
    if node.kernel_drops:
        warnings.append(
            f"{node.name}: the system dropped {node.kernel_drops:,} datagrams before they could be recorded."
        )
    if node.blind_ms >= 1000:
        warnings.append(
            f"{node.name}: for {duration_text(node.blind_ms)} in all nothing was listening; "
            "what was sent then is not known."
        )
    return warnings
