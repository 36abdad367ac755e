"""`manage.py alerts`: looks for alerts where `manage.py start` does not."""

from __future__ import annotations

import signal
import uuid
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from events.alerts import outbox, receivers
from events.alerts.running import AlertWork


class Command(BaseCommand):
    help = (
        "Looks for alerts and sends them, until it is stopped. “start” does this by itself; it is needed\n"
        "where listener and pages run as services of their own. Of several, one looks, the others wait.\n\n"
        "Example: manage.py alerts\n"
        "         manage.py alerts --test"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument(
            "--test", action="store_true", help="send a test to each receiver now, and say whether it arrived"
        )

    def handle(self, *args: Any, test: bool, **options: Any) -> None:
        if test:
            self._test()
            return
        work = AlertWork()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: work.stop())
        work.begin()
        self.stdout.write("Looking for alerts. Ctrl-C stops it.")
        self.stdout.flush()
        # In slices, for on Windows a wait without end hears no Ctrl-C.
        while not work.wait(1.0):
            pass
        work.end()
        self.stdout.write("Stopped.")

    def _test(self) -> None:
        channels = receivers.configured()
        if not channels:
            raise CommandError("There is no receiver. Set ALERT_WEBHOOK_URL or ALERT_EMAIL_TO.")
        failed = False
        for channel in channels:
            where = f"{channel.label}, {receivers.described(channel)}"
            try:
                receivers.send(channel, uuid.uuid4(), outbox.test_message(timezone.now()))
            except receivers.NotDeliveredError as error:
                failed = True
                self.stderr.write(f"{where}: not delivered. {error}")
            else:
                self.stdout.write(f"{where}: delivered.")
        if failed:
            raise CommandError("Not every receiver was reached.")
