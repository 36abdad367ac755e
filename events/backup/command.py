"""What the commands share: help as it is typed, who asks, and errors as one sentence."""

from __future__ import annotations

import argparse
import os
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from events.backup.telling import State, StateFile, Terminal, read_state, state_path, terminal
from events.backup.trouble import BackupError, full_disk_in_words


class BackupCommand(BaseCommand):
    """Subclasses have `work`, which may raise BackupError; it returns what the page is told."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        # For the pages, which start these commands and show how far they are.
        parser.add_argument("--action", default="", help=argparse.SUPPRESS)
        parser.add_argument("--by", type=int, default=0, help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        self.user = User.objects.filter(pk=options["by"]).first() if options["by"] else None
        self.state = self._state(options["action"])
        self.progress: Terminal = terminal(self.state.progress if self.state else None)
        try:
            with full_disk_in_words():
                result = self.work(**options)
        except (BackupError, CommandError) as error:
            self.progress.end()
            if self.state:
                self.state.fail(str(error))
            raise CommandError(str(error)) from error
        except BaseException:
            if self.state:
                self.state.break_off()
            raise
        if self.state:
            self.state.finish(**result)

    def work(self, *args: Any, **options: Any) -> dict[str, Any]:
        raise NotImplementedError

    def confirm(self, name: str, typed: str | None, warning: str) -> None:
        """BackupError unless `name` was given, or is typed now."""
        if typed is None:
            self.stdout.write(warning)
            try:
                typed = input(f"Type {name} to go on: ").strip()
            except EOFError:
                typed = ""
        if typed != name:
            raise BackupError(f"Nothing was changed: what was typed is not {name}.")

    def say(self, text: str) -> None:
        self.progress.end()
        self.stdout.write(text)

    def _state(self, key: str) -> StateFile | None:
        if not key:
            return None
        if hasattr(os, "nice"):
            # Started by a page, while others record and watch.
            os.nice(10)
        return StateFile(state_path(key), read_state(key) or State(""))


def existing(path: str) -> Path:
    """BackupError when there is no such file."""
    found = Path(path).expanduser()
    if not found.is_file():
        raise BackupError(f"There is no file {path}.")
    return found
