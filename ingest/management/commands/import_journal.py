"""`manage.py import_journal`: the importer as a process."""

from __future__ import annotations

import gc
import signal
import threading
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ingest.importer import Importer
from ingest.listener import journal_directory


class Command(BaseCommand):
    help = (
        "Stores what the journal holds in the database. `ingest` and `start` run this by themselves;\n"
        "alone it brings a journal into a new database.\n\n"
        "Example: manage.py import_journal --once"
    )

    # `ingest` and `start` have checked. One that was killed must be back soon.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--node", default=settings.INGEST_NODE, help="name of the listener (INGEST_NODE)")
        parser.add_argument("--once", action="store_true", help="stop when everything is stored")
        parser.add_argument("--wake-fd", type=int, help="a pipe that says when there is something new")

    def handle(self, *args: Any, node: str, once: bool, wake_fd: int | None, **options: Any) -> None:
        directory = journal_directory(node)
        if once and not directory.is_dir():
            raise CommandError(f"There is no journal of “{node}” yet: {directory} does not exist.")
        stop = threading.Event()
        importer = Importer(
            directory,
            node,
            batch_size=settings.INGEST_BATCH_SIZE,
            flush_ms=settings.INGEST_FLUSH_MS,
            stop=stop,
            wake_fd=wake_fd,
        )
        if once:
            records = importer.drain()
            if importer.failing:
                raise CommandError(f"Stopped after {records:,} records; the reason is above.")
            self.stdout.write(f"{records:,} records stored.")
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        # What is loaded stays; looking through it for garbage again and again would be a pause of 75 ms
        # now and then. What a batch makes is gone with the batch, nearly all of it without cycles.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000)
        importer.follow()
