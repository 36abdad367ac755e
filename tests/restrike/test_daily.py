"""The daily work of `manage.py start`: once a day, and never while a tournament goes on."""

from __future__ import annotations

import os
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from events.backup import keep
from events.models_replay import Replay
from restrike.daily import BackupWork, DailyWork
from tests.events.backup.hall import make_tournament
from tests.factories import ContextChangeFactory, CourtFactory, TournamentFactory, UdpSessionFactory
from tests.processes import wait_until

pytestmark = pytest.mark.django_db


def test_daily_work_is_due_once_a_day(tmp_path: Path) -> None:
    work = DailyWork([], tmp_path / "daily")
    now = timezone.now()

    assert work.is_due(now)
    (tmp_path / "daily").touch()
    assert not work.is_due(now)
    yesterday = (now - timedelta(days=1)).timestamp()
    os.utime(tmp_path / "daily", (yesterday, yesterday))
    assert work.is_due(now)


def test_daily_work_waits_while_something_is_heard(tmp_path: Path) -> None:
    session = UdpSessionFactory(last_event_at=timezone.now() - timedelta(minutes=5))
    work = DailyWork([], tmp_path / "daily")

    assert not work.is_due()
    session.last_event_at -= timedelta(minutes=20)
    session.save()
    assert work.is_due()


@pytest.mark.parametrize("of_one_court", [True, False])
def test_daily_work_waits_while_a_day_is_active(tmp_path: Path, of_one_court: bool) -> None:
    today = timezone.now().date()
    tournament = TournamentFactory(start_date=today, end_date=today)
    court = CourtFactory() if of_one_court else None
    change = ContextChangeFactory(
        day=tournament.days.get(), court=court, effective_at=timezone.now() - timedelta(minutes=1)
    )
    work = DailyWork([], tmp_path / "daily")

    assert not work.is_due()
    # Over, and only forgotten.
    tournament.days.update(date=today - timedelta(days=1))
    assert work.is_due()
    change.delete()
    assert work.is_due()


@pytest.mark.django_db(transaction=True)
def test_daily_work_runs_its_command_and_ends_with_it(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    code = f"import pathlib, time; pathlib.Path({str(ran)!r}).touch(); time.sleep(60)"
    work = DailyWork([sys.executable, "-c", code], tmp_path / "daily", every_s=0.01)
    work.begin()
    wait_until(ran.exists, 20, "the command")

    work.end()

    assert (tmp_path / "daily").exists()
    assert not any(thread.name == "daily" for thread in threading.enumerate())


@pytest.mark.django_db(transaction=True)
def test_daily_work_that_begins_while_everything_ends_ends_too(tmp_path: Path) -> None:
    asked, ended = threading.Event(), threading.Event()

    class SlowToSay(DailyWork):
        def is_due(self, now: datetime | None = None) -> bool:
            asked.set()
            return ended.wait(20)

    work = SlowToSay([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "daily", every_s=0.01)
    work.begin()
    assert asked.wait(20)
    threading.Timer(0.2, ended.set).start()

    work.end()

    assert not any(thread.name == "daily" for thread in threading.enumerate())


@pytest.mark.django_db(transaction=True)
def test_backup_work_runs_one_niced_command_at_a_time_while_one_is_due(tmp_path: Path) -> None:
    work = BackupWork([], tmp_path / "backup")
    assert not work.is_due()
    tournament = make_tournament()
    tournament.status = "running"
    tournament.save()
    assert work.is_due()
    started = tmp_path / "started"
    code = (
        "import os, pathlib, time\n"
        "while os.name == 'posix' and os.nice(0) < 10: time.sleep(0.01)\n"
        f"pathlib.Path({str(started)!r}).open('a').write('x')\n"
        "time.sleep(60)"
    )
    work = BackupWork([sys.executable, "-c", code], tmp_path / "backup", every_s=0.01)
    work.begin()
    wait_until(started.exists, 20, "the command")

    work.end()

    assert started.read_text() in ("", "x")
    assert not any(thread.name == "backup" for thread in threading.enumerate())


@pytest.mark.django_db(transaction=True)
def test_backups_are_looked_for_from_the_start_on(var: Path) -> None:
    assert not keep.is_looked_for()

    work = BackupWork([], var / "backup")
    work.begin()

    assert keep.is_looked_for()
    work.end()


def test_replays_that_nobody_watches_end_with_the_next_look(var: Path) -> None:
    watched = Replay.objects.create(name="watched")
    Replay.objects.create(name="forgotten", watched_at=timezone.now() - timedelta(hours=1))

    assert not BackupWork([], var / "backup").is_due()

    assert list(Replay.objects.all()) == [watched]
