"""`manage.py bootstrap`: everything a first start needs; on a set-up installation it changes nothing."""

from __future__ import annotations

import os
import secrets
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand

from events.typed import manage
from restrike.starting import pending_migrations
from restrike.troubles import database_name

# No letters and digits that look alike: it is read off a screen and typed.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_password() -> str:
    """Sixteen random characters (79 bits) in groups of four."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


class Command(BaseCommand):
    help = (
        "Prepares the directory, the secret key, the database and a first user. Can be run at any time.\n\n"
        "Example: manage.py bootstrap"
    )
    # Checks of the database can only pass once it is there.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter

    def handle(self, *args: Any, **options: Any) -> None:
        self._prepare_var(Path(settings.RESTRIKE_VAR))
        self._migrate()
        self._make_admin()

    def _prepare_var(self, var: Path) -> None:
        for name in ("journal", "logs", "backups"):
            (var / name).mkdir(parents=True, exist_ok=True)
        # Settings made it on first use; a copy from elsewhere may have lost its mode.
        key = var / "secret_key"
        if os.name == "posix" and key.exists() and key.stat().st_mode & 0o077:
            key.chmod(0o600)

    def _migrate(self) -> None:
        if pending := pending_migrations():
            steps = "1 step" if pending == 1 else f"{pending} steps"
            self.stdout.write(f"Preparing the database ({steps}): {database_name()}")
            call_command("migrate", verbosity=0, interactive=False)

    def _make_admin(self) -> None:
        # A demo gives its own a new password with each start.
        if settings.DEMO or User.objects.filter(is_superuser=True).exists():
            return
        if User.objects.filter(username="admin").exists():
            self.stderr.write(
                "No user may manage everything, and the name admin is taken. "
                f"Make one with: {manage('createsuperuser')}"
            )
            return
        password = new_password()
        User.objects.create_superuser("admin", password=password)
        self.stdout.write(
            "\nThe first user has been made. Write this down, it is not shown again:\n"
            f"    user      admin\n    password  {password}\n"
            f"Another password at any time: {manage('changepassword admin')}\n"
        )
