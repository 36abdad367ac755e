"""`manage.py ingest`: records what scoring systems send and stores it."""

from __future__ import annotations

import logging
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ingest import listener
from ingest.listen import ListenError
from ingest.supervisor import Supervisor

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Records every datagram and stores it in the database, until it is stopped (Ctrl-C or SIGTERM).\n"
        "While the database is away, what comes waits in the journal.\n\n"
        "Example: manage.py ingest --listen 0.0.0.0:6000 --node hall-2"
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        listener.add_listen_argument(parser)
        parser.add_argument(
            "--node", default=settings.INGEST_NODE, help="name of this listener (INGEST_NODE)"
        )

    def handle(self, *args: Any, listen: list[str] | None, node: str, **options: Any) -> None:
        listener.refuse_mistakes(node)
        supervisor = Supervisor(
            listen or settings.INGEST_LISTEN,
            listener.children(node),
            listener.journal_directory(node),
            log=log.warning,
        )
        try:
            addresses = supervisor.open()
        except ListenError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Listening on {', '.join(addresses)}. Ctrl-C stops.")
        self.stdout.flush()
        sys.exit(supervisor.run())
