"""`manage.py support_bundle`: a file to send to whoever helps."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from restrike.support import write_bundle


class Command(BaseCommand):
    help = (
        "Writes a zip file for whoever helps: versions, settings, status, recent logs, headers of the\n"
        "journal. No keys, no passwords, no names, nothing of what scoring systems sent.\n\n"
        "Example: manage.py support_bundle\n"
        "         manage.py support_bundle --to /media/stick/support.zip"
    )
    # It is wanted most where something is wrong.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--to", type=Path, metavar="FILE.zip", help="usually in RESTRIKE_VAR/support")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path | None = options["to"]
        if path is None:
            directory = Path(settings.RESTRIKE_VAR) / "support"
            directory.mkdir(parents=True, exist_ok=True)
            path = directory / f"restrike-support-{timezone.localtime():%Y%m%d-%H%M%S}.zip"
        try:
            names = write_bundle(path)
        except FileExistsError:
            raise CommandError(f"{path} is there already. Choose another name.") from None
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror or error}.") from None
        self.stdout.write(f"{path}\n  " + "\n  ".join(names))
        self.stdout.write("Look through it before you send it on.")
