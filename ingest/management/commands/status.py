"""`manage.py status`: the ledger."""

from __future__ import annotations

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand

from events import losses
from events.losses import ListenerLedger
from ingest import ledger

_ROWS = {
    "received": ("Received", "datagrams"),
    "stored": ("Stored", "datagrams"),
    "backlog": ("Waiting to be stored", "datagrams"),
    "events": ("Events", "messages"),
    "recognized": ("  recognized", "messages"),
    "partial": ("  partly read", "messages"),
    "unknown": ("  unknown", "messages"),
    "malformed": ("  malformed", "messages"),
    "kernel_drops": ("Dropped by the system", "datagrams"),
    "blind_seconds": ("Nothing was listening for", "s"),
    "sessions": ("Sessions of senders", ""),
    "receive_buffer": ("Receive buffer", "bytes"),
}


class Command(BaseCommand):
    help = (
        "Shows what was received, what is stored, and whether the two agree.\n\n"
        "Example: manage.py status\n"
        "         manage.py status --json"
    )
    # It only reads, so it answers even where nothing can be started.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--json", action="store_true", help="for programs: one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        now = ledger.read()
        if options["json"]:
            by_court = [listener.as_dict() for listener in losses.read()]
            self.stdout.write(json.dumps({**now.as_dict(), "by_court": by_court}))
            return
        for sentence in now.sentences():
            self.stdout.write(sentence)
        self.stdout.write("")
        for key, value in now.as_dict().items():
            label, unit = _ROWS[key]
            self.stdout.write(f"{label:27}{value:>15,} {unit}".rstrip())
        for listener in losses.read():
            self._write_courts(listener)

    def _write_courts(self, listener: ListenerLedger) -> None:
        """What each court sent to one listener, and what may be missing of it."""
        self.stdout.write(f"\nStored by listener “{listener.node.name}”, in datagrams")
        for court in listener.courts:
            self._write_row(str(court.court or "Senders without a court"), court.stored)
            for sentence in court.missed.sentences:
                self.stdout.write(f"  {sentence}")
        if listener.tests:
            self._write_row("Test datagrams", listener.tests)
        if listener.elsewhere:
            self._write_row("In no session any more", listener.elsewhere)
        self._write_row("Together", listener.stored)

    def _write_row(self, label: str, number: int) -> None:
        self.stdout.write(f"  {label:40}{number:>15,}")
