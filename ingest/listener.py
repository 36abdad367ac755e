"""A listener as its commands run it: which journal, which children, and what forbids a start."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.checks import run_checks
from django.core.management.base import CommandError

from ingest.supervisor import ChildSpec, recorder_spec

#: The tag of the system checks that decide whether a listener can start.
CONFIGURATION_TAG = "configuration"
#: It is also the name of the journal's directory.
NODE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
NODE_NAME_HINT = "Use up to 64 letters, digits, - and _, for example: hall-2"


def add_listen_argument(parser: ArgumentParser) -> None:
    """`--listen`, for the commands that start a listener."""
    parser.add_argument(
        "--listen",
        action="append",
        metavar="HOST:PORT",
        help="where to listen; can be repeated (INGEST_LISTEN)",
    )


def journal_directory(node: str) -> Path:
    """Where the listener `node` keeps its journal."""
    return Path(settings.RESTRIKE_VAR) / "journal" / node


def manage_command(*args: str) -> list[str]:
    """`manage.py ARGS` with this Python."""
    return [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *args]


def children(node: str) -> list[ChildSpec]:
    """Recorder and importer of `node`."""
    return [
        recorder_spec(journal_directory(node), segment_mb=settings.JOURNAL_SEGMENT_MB),
        ChildSpec(
            "importer",
            lambda fds: [
                *manage_command("import_journal", "--node", node),
                *(["--wake-fd", str(fds.wake)] if fds.wake >= 0 else []),
            ],
            wake=True,
        ),
    ]


def refuse_mistakes(node: str, databases: list[str] | None = None) -> None:
    """CommandError with a sentence for each mistake in the settings; with `databases`, in these too."""
    if not NODE_NAME.fullmatch(node):
        raise CommandError(f"“{node}” cannot be the name of a listener. {NODE_NAME_HINT}")
    messages = run_checks(tags=[CONFIGURATION_TAG], databases=databases)
    mistakes = [message for message in messages if message.is_serious()]
    if mistakes:
        raise CommandError("\n".join(f"{mistake.msg} {mistake.hint or ''}".strip() for mistake in mistakes))
