"""What the recorder writes about itself in the journal: its starts, and what was lost."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from events.models import Loss
from ingest.journal import Record
from ingest.senders import moment

log = logging.getLogger(__name__)

#: Where a note does not say since when, as those of earlier versions: it was looked for each second.
_LOOKED_EVERY_NS = 1_000_000_000
#: Drops that go on are one loss, of a minute at most, so that a match is not told of another's.
_GOES_ON = timedelta(seconds=2)
_LONGEST = timedelta(minutes=1)


class Notes:
    """The notes among the records of one batch."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.count = 0
        self.kernel_drops = 0
        self.blind_ms = 0
        self.settings: dict[str, Any] = {}
        self.losses: list[Loss] = []
        for record in records:
            self._read(record)

    def write_losses(self, node: str) -> None:
        """Stores when something was lost; in the transaction that stores how much."""
        for loss in self.losses:
            loss.node = node
            if loss.kind == Loss.Kind.DROPS and (before := _goes_on(loss)):
                before.end = max(loss.end, before.end)
                before.datagrams += loss.datagrams
                before.save()
            else:
                loss.save()

    def _read(self, record: Record) -> None:
        """A note nobody can read is passed over: it must not hold up the datagrams behind it."""
        self.count += 1
        try:
            note = json.loads(record.payload)
            drops, blind_ns = max(int(note.get("kernel_drops", 0)), 0), max(int(note.get("blind_ns", 0)), 0)
            losses = []
            if drops:
                since_ns = min(
                    int(note.get("since_ns", record.received_ns - _LOOKED_EVERY_NS)), record.received_ns
                )
                losses.append(
                    Loss(
                        kind=Loss.Kind.DROPS,
                        begin=moment(since_ns),
                        end=moment(record.received_ns),
                        port=_port(note.get("listen")),
                        datagrams=drops,
                    )
                )
            if blind_ns >= 1_000_000:
                until_ns = min(int(note.get("opened_ns", record.received_ns)), record.received_ns)
                losses.append(
                    Loss(
                        kind=Loss.Kind.BLIND,
                        begin=moment(until_ns - blind_ns),
                        end=moment(until_ns),
                        blind_ms=blind_ns // 1_000_000,
                    )
                )
            settings = self.settings
            if note["note"] == "start":
                settings = {
                    "listen": list(note["listen"]),
                    "receive_buffer": max(int(note["receive_buffer"]), 0),
                }
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            log.warning("A note of the recorder cannot be read (%s); passed over.", error)
            return
        self.kernel_drops += drops
        self.blind_ms += blind_ns // 1_000_000
        self.losses += losses
        self.settings = settings


def _goes_on(loss: Loss) -> Loss | None:
    """The row that this loss continues."""
    before = (
        Loss.objects.filter(node=loss.node, kind=loss.kind, port=loss.port, end__gte=loss.begin - _GOES_ON)
        .order_by("-end")
        .first()
    )
    return before if before and before.begin <= loss.begin and loss.end - before.begin <= _LONGEST else None


def _port(address: object) -> int | None:
    """The port of "0.0.0.0:6000" or "[::]:6000"."""
    port = str(address).rpartition(":")[2]
    return int(port) if port.isdecimal() and int(port) < 65_536 else None
