"""`manage.py simulate`: plays matches and sends them."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ingest.simulator.cli import DESCRIPTION, add_arguments, run
from ingest.simulator.target import SimulatorError


class Command(BaseCommand):
    help = DESCRIPTION
    # It needs neither the database nor a sound configuration.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run(argparse.Namespace(**options), self.stdout.write)
        except SimulatorError as problem:
            raise CommandError(str(problem)) from None
