"""`manage.py start`: everything on one machine, the listener and the web pages together."""

from __future__ import annotations

import logging
import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from events.alerts.running import AlertWork
from events.typed import manage
from ingest import listener
from ingest.listen import Address, ListenError, parse_listen
from ingest.simulator.cli import MOST_COURTS
from ingest.supervisor import ChildSpec, Supervisor
from restrike import starting
from restrike.daily import BackupWork, DailyWork

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Records what scoring systems send and shows it on web pages, until it is stopped with Ctrl-C.\n\n"
        "Example: manage.py start\n"
        "         manage.py start --web 0.0.0.0:8000 --listen 0.0.0.0:6000 --listen 0.0.0.0:6001"
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument(
            "--web",
            default="127.0.0.1:8000",
            metavar="HOST:PORT",
            help="where the pages are; 0.0.0.0:8000 lets other machines in (default: this machine only)",
        )
        listener.add_listen_argument(parser)
        parser.add_argument(
            "--simulate",
            type=int,
            default=0,
            metavar="COURTS",
            help="also play matches on that many simulated courts; for a demo",
        )

    def handle(self, *args: Any, web: str, listen: list[str] | None, simulate: int, **options: Any) -> None:
        node = settings.INGEST_NODE
        listener.refuse_mistakes(node, databases=["default"])
        self._refuse_unprepared()
        if not 0 <= simulate <= MOST_COURTS:
            raise CommandError(f"--simulate must be from 0 to {MOST_COURTS}")
        try:
            web_address = starting.web_address(web)
            starting.refuse_port_in_use(web_address)
            where = listen or settings.INGEST_LISTEN
            children = [*listener.children(node), _web_child(web_address)]
            if simulate:
                # First to start, for the sockets are open by then, and so first to stop.
                children.insert(0, _simulator_child(parse_listen(where[0]), simulate))
            supervisor = Supervisor(where, children, listener.journal_directory(node), log=log.warning)
            addresses = supervisor.open()
        except ListenError as error:
            raise CommandError(str(error)) from None
        report = starting.Report(self._say, node, web_address, [parse_listen(a) for a in addresses])
        var = Path(settings.RESTRIKE_VAR)
        daily = DailyWork(listener.manage_command("runjobs", "daily"), var / "daily")
        backups = BackupWork(listener.manage_command("backup_tournament", "--due"), var / "backup")
        alerts = AlertWork()
        report.begin()
        alerts.begin()
        daily.begin()
        backups.begin()
        code = supervisor.run()
        alerts.end()
        backups.end()
        daily.end()
        report.end()
        sys.exit(code)

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _refuse_unprepared(self) -> None:
        if starting.pending_migrations():
            raise CommandError(f"The database is not prepared for this version. Run: {manage('bootstrap')}")
        connection.close()


def _web_child(address: Address) -> ChildSpec:
    env = {}
    if "ALLOWED_HOSTS" not in os.environ and address.host not in ("127.0.0.1", "localhost", "::1"):
        # Let in from other machines, it answers to the names this machine has there, and no others.
        env["ALLOWED_HOSTS"] = ",".join([*settings.ALLOWED_HOSTS, *starting.own_names()])
    argv = [sys.executable, "-m", "daphne", "-v", "0", "-b", address.host, "-p", str(address.port)]
    return ChildSpec(
        "web", [*argv, "restrike.asgi:application"], env=env, cwd=Path(settings.BASE_DIR), grace_s=5
    )


def _simulator_child(target: Address, courts: int) -> ChildSpec:
    host = "127.0.0.1" if target.host in starting.ANY_HOST else target.host
    return ChildSpec(
        "simulator",
        listener.manage_command(
            "simulate", "--target", str(Address(host, target.port)), "--courts", str(courts), "--matches", "0"
        ),
    )
