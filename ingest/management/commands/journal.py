"""`manage.py journal`: looks into the journal of a listener, checks it, exports it for Wireshark."""

from __future__ import annotations

import contextlib
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from events.progress import ProgressLine
from ingest.captures import PcapWriter
from ingest.journal import JournalReader, iterate, list_segments, verify
from ingest.listener import journal_directory

EXAMPLES = """
examples:
  manage.py journal ls
  manage.py journal verify
  manage.py journal export saturday.pcap --from "2026-05-16 08:00" --to "2026-05-16 20:00"
"""


class Command(BaseCommand):
    help = "Lists, checks or exports the journal, which holds every datagram as it was received."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = EXAMPLES
        actions = parser.add_subparsers(dest="action", required=True, metavar="ls | verify | export")
        listing = actions.add_parser("ls", help="list its segments")
        check = actions.add_parser("verify", help="check every record and every sealed segment")
        export = actions.add_parser("export", help="write it as a pcap file, for Wireshark or replay")
        export.add_argument("file", metavar="FILE.pcap")
        export.add_argument("--from", dest="begin", metavar="TIME", help='such as "2026-05-16 08:00"')
        export.add_argument("--to", dest="end", metavar="TIME")
        for one in (listing, check, export):
            one.add_argument(
                "--node", default=settings.INGEST_NODE, help="name of the listener (INGEST_NODE)"
            )
            one.add_argument("--directory", type=Path, help="a journal elsewhere, such as a copy")

    def handle(self, *args: Any, action: str, node: str, directory: Path | None, **options: Any) -> None:
        where = directory or journal_directory(node)
        if not JournalReader(where).uuid:
            raise CommandError(f"There is no journal in {where}. Name the listener with --node.")
        try:
            {"ls": self._ls, "verify": self._verify, "export": self._export}[action](where, options)
        except KeyboardInterrupt:
            raise CommandError("Stopped.") from None
        except OSError as error:
            raise CommandError(f"{error.filename or where}: {error.strerror or error}.") from None

    def _ls(self, where: Path, options: dict[str, Any]) -> None:
        reader = JournalReader(where)
        self.stdout.write(f"Journal {reader.uuid} in {where}: {reader.total():,} datagrams so far.")
        self.stdout.write(f"{'segment':>8}  {'begun':19}  {'datagrams':>11}  {'bytes':>13}  state")
        for info in list_segments(where):
            begun = datetime.fromtimestamp(info.created_ns / 1e9, timezone.get_current_timezone())
            count = f"{info.datagrams:,}" if info.datagrams >= 0 else "?"
            state = "sealed" if info.sealed else "open"
            self.stdout.write(
                f"{info.number:8}  {begun:%Y-%m-%d %H:%M:%S}  {count:>11}  {info.size:13,}  {state}"
            )

    def _verify(self, where: Path, options: dict[str, Any]) -> None:
        progress = ProgressLine(sys.stderr)
        wrong = verify(
            where, lambda done, of: progress.tell(f"{done:,} of {of:,} segments checked", done / of)
        )
        progress.done()
        for sentence in wrong:
            self.stdout.write(sentence)
        if wrong:
            raise CommandError(f"The journal in {where} is damaged; what is whole in it can still be read.")
        self.stdout.write(f"The journal in {where} is sound: {JournalReader(where).total():,} datagrams.")

    def _export(self, where: Path, options: dict[str, Any]) -> None:
        begin, end = _time(options["begin"], 0), _time(options["end"], 1 << 63)
        path = Path(options["file"])
        total = max(1, JournalReader(where).count_after(None))
        progress, seen = ProgressLine(sys.stderr), 0
        try:
            file = path.open("xb")
        except FileExistsError:
            raise CommandError(f"{path} is there already. Choose another name.") from None
        try:
            with file:
                writer = PcapWriter(file)
                for record in iterate(where):
                    seen += 1
                    if not record.local_port or begin <= record.received_ns < end:
                        writer.write(record)
                    if seen % 10_000 == 0:
                        progress.tell(f"{writer.written:,} datagrams written", min(1.0, seen / total))
        except BaseException:
            with contextlib.suppress(OSError):
                path.unlink()
            raise
        progress.done()
        self.stdout.write(f"{writer.written:,} datagrams written to {path}.")


def _time(text: str | None, default: int) -> int:
    """A local time as ns since 1970; CommandError when it is none."""
    if text is None:
        return default
    with contextlib.suppress(ValueError):
        if day := parse_date(text):
            return _ns(datetime(day.year, day.month, day.day))
        if moment := parse_datetime(text):
            return _ns(moment)
    raise CommandError(f"“{text}” is not a time. Write it as 2026-05-16 or 2026-05-16 08:00.")


def _ns(moment: datetime) -> int:
    aware = moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    return int(aware.timestamp() * 1e9)
