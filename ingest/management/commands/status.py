"""`manage.py status`: the ledger."""

from __future__ import annotations

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand

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
            self.stdout.write(json.dumps(now.as_dict()))
            return
        for sentence in now.sentences():
            self.stdout.write(sentence)
        self.stdout.write("")
        for key, value in now.as_dict().items():
            label, unit = _ROWS[key]
            self.stdout.write(f"{label:27}{value:>15,} {unit}".rstrip())
