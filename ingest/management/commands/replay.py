"""`manage.py replay`: sends recorded datagrams again."""

from __future__ import annotations

import math
import sys
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.progress import ProgressLine
from ingest.captures import Capture, CaptureError
from ingest.replay import Replay, TargetError

EXAMPLES = """
FILE is a journal (its directory or one of its segments), a pcap or pcapng file, or JSON lines
with "t" (seconds) and "hex" in them. Each source in it gets a socket of its own.

examples:
  manage.py replay match.pcap --port 6000            at its own pace, to 127.0.0.1:6000
  manage.py replay match.jsonl --speed 10            ten times as fast
  manage.py replay var/journal/main --speed max --target 192.168.1.20:6000
"""


def speed(text: str) -> float | None:
    """A number above 0, or `max` (None)."""
    if text == "max":
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not (math.isfinite(value) and value > 0):
        raise ArgumentTypeError(f"“{text}” is not a speed: use a number such as 1, 0.5 or 10, or max")
    return value


class Command(BaseCommand):
    help = "Sends recorded datagrams again: a journal, a pcap file or JSON lines."
    # It needs neither the database nor a sound configuration.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = EXAMPLES
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--target", default="127.0.0.1:6000", metavar="HOST:PORT")
        parser.add_argument(
            "--speed", type=speed, default=1.0, metavar="X|max", help="1 is the original pace"
        )
        parser.add_argument("--port", type=int, help="only what was sent to this UDP port")

    def handle(self, *args: Any, file: str, target: str, port: int | None, **options: Any) -> None:
        progress = ProgressLine(sys.stderr)
        try:
            capture = Capture(file, port)
            replay = Replay(target, options["speed"])
            replay.run(capture, lambda: progress.tell(f"{replay.sent:,} datagrams sent", capture.fraction()))
        except (CaptureError, TargetError) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            progress.done()
            raise CommandError(f"Stopped after {replay.sent:,} datagrams.") from None
        progress.done()
        if not replay.sent and not replay.unsent:
            raise CommandError(f"There are no datagrams in {file}{f' to port {port}' if port else ''}.")
        self.stdout.write(f"{replay.sent:,} datagrams sent from {replay.sources:,} source(s) to {target}.")
        if capture.skipped:
            self.stdout.write(f"{capture.skipped:,} other entries of the file were no whole datagrams.")
        if replay.unsent:
            raise CommandError(f"{replay.unsent:,} datagrams could not be sent: is {target} reachable?")
