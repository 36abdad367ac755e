"""`manage.py demo`: the whole thing with a tournament of today and simulated courts, kept apart.

The demo has a directory and a database of its own, RESTRIKE_VAR/demo. So it can never mix with what
a real tournament recorded, and removing it is removing that directory.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from events.models_display import Display, View
from ingest.listen import ListenError
from ingest.simulator.cli import MOST_COURTS
from ingest.simulator.target import court_source
from ingest.staging import recorder_state
from restrike import starting
from restrike.management.commands.bootstrap import new_password
from tournaments.context import get_context, set_context
from tournaments.models import Court, Tournament, TournamentDay


class Command(BaseCommand):
    help = (
        "Shows reStrike VTA at work: a demo tournament of today, with simulated courts.\n"
        "It listens to this machine only and has a directory of its own (demo in RESTRIKE_VAR).\n\n"
        "Example: manage.py demo\n"
        "         manage.py demo --remove"
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--remove", action="store_true", help="remove the demo and all it recorded")
        parser.add_argument("--courts", type=int, default=4, help="courts to play on (default: 4)")
        parser.add_argument(
            "--web", default="127.0.0.1:8000", metavar="HOST:PORT", help="where the pages are"
        )
        parser.add_argument("--listen", default="127.0.0.1:6000", metavar="HOST:PORT", help="where to listen")

    def handle(self, *args: Any, remove: bool, courts: int, web: str, listen: str, **options: Any) -> None:
        if remove:
            self._remove(demo_directory())
        elif settings.DEMO:
            url = self._url_when_free(demo_directory(), web, courts)
            call_command("bootstrap", stdout=self.stdout)
            self._make_admin()
            activate_today()
            make_courts(courts)
            overlay = make_overlay()
            self.stdout.write(f"\nAll courts on a wall, once logged in: {url}/wall/")
            if overlay is not None:
                self.stdout.write(f"{overlay}, for OBS or another window: {url}{overlay.path}\n")
            call_command("start", web=web, listen=[listen], simulate=courts, stdout=self.stdout)
        else:
            _run_again_as_demo()

    def _url_when_free(self, directory: Path, web: str, courts: int) -> str:
        """Where the pages will be; asked before anything is made or a running demo gets another password."""
        if not 1 <= courts <= MOST_COURTS:
            raise CommandError(f"--courts must be from 1 to {MOST_COURTS}")
        self._refuse_running(directory)
        try:
            address = starting.web_address(web)
            starting.refuse_port_in_use(address)
        except ListenError as error:
            raise CommandError(str(error)) from None
        return starting.url_here(address)

    def _refuse_running(self, directory: Path) -> None:
        if any(_is_recording(journal) for journal in (directory / "journal").glob("*")):
            raise CommandError("The demo is running. Stop it with Ctrl-C first.")

    def _remove(self, directory: Path) -> None:
        self._refuse_running(directory)
        if not directory.exists():
            self.stdout.write("There is no demo to remove.")
            return
        shutil.rmtree(directory)
        self.stdout.write(f"The demo is removed: {directory}")

    def _make_admin(self) -> None:
        """Nobody keeps the password of a demo, so each start gives a new one."""
        password = new_password()
        admin, _ = User.objects.get_or_create(username="admin")
        admin.is_staff = admin.is_superuser = True
        admin.set_password(password)
        admin.save()
        self.stdout.write(f"\nLog in to the demo as admin with the password {password}\n")


def demo_directory() -> Path:
    """Where the demo keeps everything."""
    var = Path(settings.RESTRIKE_VAR)
    return var if settings.DEMO else var / "demo"


def activate_today() -> TournamentDay:
    """The demo tournament's day of today, made when it is missing, active on all courts."""
    today = timezone.localdate()
    tournament, _ = Tournament.objects.get_or_create(
        slug="demo-open",
        defaults={
            "name": "Demo Open",
            "city": "Demo",
            "venue": "Simulated courts",
            "start_date": today,
            "end_date": today,
            "notes": "Made by manage.py demo. Remove it with: manage.py demo --remove",
        },
    )
    if tournament.end_date < today:
        tournament.end_date = today
        tournament.save()
    day = tournament.days.get(date=today)
    active = get_context()
    if active is None or active.day_id != day.pk:
        set_context(day)
    return day


def make_courts(number: int) -> None:
    """A court for each simulated one, so that their numbers agree whoever is heard first."""
    for court in range(1, number + 1):
        source = court_source(court)
        if not Court.objects.filter(source=source).exists():
            Court.objects.update_or_create(
                number=court, defaults={"name": f"Court {court}", "source": source, "port": None}
            )


def make_overlay() -> Display | None:
    """The scoreboard of the first simulated court; None when staff has removed the court or revoked it."""
    court = Court.objects.filter(source=court_source(1)).first()
    if court is None:
        return None
    overlay = court.displays.filter(view=View.SCOREBOARD).order_by("pk").first()
    overlay = overlay or court.displays.create(name="Stream, court 1")
    return overlay if overlay.revoked_at is None else None


def _is_recording(journal: Path) -> bool:
    state = recorder_state(journal)
    return state is not None and state.alive()


def _run_again_as_demo() -> None:
    """The same command with settings of the demo; they are read once, when a process starts."""
    env = {**os.environ, "RESTRIKE_DEMO": "True", "RESTRIKE_VAR": str(demo_directory()), "DATABASE_URL": ""}
    if os.name == "posix":
        os.execve(sys.executable, [sys.executable, *sys.argv], env)  # noqa: S606  ourselves
    process = subprocess.Popen([sys.executable, *sys.argv], env=env)
    while True:
        try:
            sys.exit(process.wait())
        except KeyboardInterrupt:
            continue  # Ctrl-C went to the demo too; it ends by itself.
