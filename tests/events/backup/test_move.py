"""Moving events to another day: only after verified backups of the tournaments concerned."""

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from events import views_backup
from events.backup.collect import OnProgress
from events.backup.delete import delete_tournament
from events.backup.make import make_backup
from events.backup.restore import Mode, restore
from events.backup.write import write_backup
from events.management.commands import move_events as command
from events.models import EventMove, EventTally, PssEvent
from events.models_backup import Backup, BackupKind
from events.moves import ALL_COURTS, move_events
from tests.events.backup.hall import contents, make_tournament
from tests.factories import (
    NOON,
    ListenerNodeFactory,
    MatchFactory,
    PssEventFactory,
    UdpSessionFactory,
    UserFactory,
    make_day,
    tally_events,
)
from tests.processes import Stack
from tournaments.models import TournamentDay

pytestmark = pytest.mark.django_db

_MAKE = "from tests.events.backup.hall import make_tournament; make_tournament()"
SPAN = ["--from", "2026-11-21T00:00", "--to", "2026-11-21T23:00"]


def to(day: TournamentDay) -> list[str]:
    return ["--tournament", day.tournament.slug, "--day", str(day.number)]


def run(*args: str) -> list[str]:
    out = StringIO()
    call_command("move_events", *args, stdout=out)
    return out.getvalue().splitlines()


def one_event(day: TournamentDay) -> PssEvent:
    session = UdpSessionFactory()
    match = MatchFactory(day=day, court=session.court)
    event = PssEventFactory(day=day, session=session, match=match)
    tally_events()
    return event


def test_tournaments_concerned_are_backed_up_first_and_no_others(tmp_path: Path) -> None:
    make_day(name="Elsewhere")
    left, joined = make_tournament(), make_day(name="Joined")
    write_backup(left.pk, tmp_path / "before.zip")

    said = run(*SPAN, *to(joined), "--yes")

    assert PssEvent.objects.filter(day=joined).count() == 40
    rows = Backup.objects.order_by("tournament_name")
    assert [row.tournament_name for row in rows] == ["Joined", "Open"]
    assert {(row.kind, bool(row.verified_at)) for row in rows} == {(BackupKind.BEFORE_DANGEROUS, True)}
    assert [line for line in said if str(rows[1].path) in line] == [
        f"How Open was is kept in {rows[1].path}."
    ]
    assert EventMove.objects.first().in_words in said  # type: ignore[union-attr]
    # As it was, out of that backup.
    restore(rows[1].path, Mode.REPLACE, replaced="open")
    left = type(left).objects.get(slug="open")
    write_backup(left.pk, tmp_path / "after.zip")
    assert contents(tmp_path / "after.zip") == contents(tmp_path / "before.zip")


def test_without_a_backup_nothing_moves(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "file").touch()
    settings.BACKUP_DIR = str(tmp_path / "file")
    event, day = one_event(make_day(name="Old")), make_day()

    with pytest.raises(CommandError, match="Cannot write to"):
        run(*SPAN, *to(day), "--yes")

    event.refresh_from_db()
    assert event.day != day
    assert not EventMove.objects.exists()


def test_events_of_no_day_need_only_the_backup_of_where_they_go() -> None:
    PssEventFactory()
    tally_events()
    day = make_day(name="Joined")

    run(*SPAN, *to(day), "--yes")

    assert [row.tournament_name for row in Backup.objects.all()] == ["Joined"]


def test_what_arrives_during_the_backup_stops_the_move(monkeypatch: pytest.MonkeyPatch) -> None:
    old, day = make_day(name="Old"), make_day()
    event = one_event(old)

    def backed_up(tournament: Any, reason: str, user: Any, progress: OnProgress) -> Backup:
        if not Backup.objects.exists():
            PssEventFactory(day=old, received_at=NOON)
            tally_events()
        return backup_before(tournament, reason, user, progress)

    backup_before = command.backup_before
    monkeypatch.setattr(command, "backup_before", backed_up)
    with pytest.raises(CommandError, match=r"Nothing was moved: it would be 2 events and 1 match now\."):
        run(*SPAN, *to(day), "--yes")

    event.refresh_from_db()
    assert event.day == old


def test_dry_run_says_what_would_move_and_moves_nothing() -> None:
    old, day = make_day(name="Old"), make_day(name="New", time_zone="Asia/Seoul")
    event = one_event(old)
    ListenerNodeFactory(received=12, stored=2)

    said = run(*SPAN, "--court", str(event.court.number), *to(day), "--dry-run")  # type: ignore[union-attr]

    when = "Sat 21 Nov 2026, 00:00:00 to Sat 21 Nov 2026, 23:00:00"
    assert said == [
        f"1 event and 1 match of {event.court}, {when}, to {day}:",
        f"             1  from {old}",
        "            10  received but not yet stored: they would not move with them",
        "Nothing was changed: this was a dry run.",
    ]
    event.refresh_from_db()
    assert (event.day, Backup.objects.count()) == (old, 0)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([*SPAN], "Say which day: --tournament SLUG --day N."),
        ([*SPAN, "--no-day", "--day", "1"], "--no-day goes without"),
        ([*SPAN, "--no-day", "--court", "77"], "There is no court 77."),
        (["--from", "noon", "--to", "2026-11-21T23:00", "--no-day"], "The beginning is not a date and time."),
        (["--from", "2026-11-21", "--to", "2126-11-21", "--no-day"], "The end lies in the future."),
        ([*SPAN, "--no-day", "--without-court", "--yes"], "There is nothing to move."),
        ([*SPAN, "--no-day", "--yes", "--expect", "2", "1"], "it would be 1 event and 1 match now"),
    ],
)
def test_mistakes_are_named_and_move_nothing(args: list[str], words: str) -> None:
    event = one_event(make_day())

    with pytest.raises(CommandError, match=words):
        run(*args)

    before = event.day
    event.refresh_from_db()
    assert event.day == before


def test_page_begins_the_command_that_moves_exactly_what_was_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[list[str]] = []
    monkeypatch.setattr(views_backup, "start_process", lambda command, state: begun.append(command))
    old, new = make_day(name="Old"), make_day(name="New", time_zone="Asia/Seoul")
    event = one_event(old)
    mia = UserFactory(username="mia", group="Manager")
    client = Client()
    client.force_login(mia)
    asked = {
        "court": str(event.court_id),
        "start": "2026-11-21T20:59",
        "end": "2026-11-21T21:01",
        "day": str(new.pk),
    }

    shown = client.get(reverse("move_events"), asked).content.decode()
    assert "First New Open and Old Open are backed up" in shown.replace(
        "New and Old", "New Open and Old Open"
    )
    page = client.post(
        reverse("move_events"), asked | {"expected_events": "1", "expected_matches": "1"}, follow=True
    )
    ((name, *options),) = begun
    # What the page's process is started with, here; without the place for its state.
    options[options.index("--action") + 1] = ""
    call_command(name, *options, stdout=StringIO())

    event.refresh_from_db()
    assert event.day == new
    move = EventMove.objects.get()
    assert (move.user, move.court, move.in_words) == (
        mia,
        event.court,
        f"Moved 1 event and 1 match of {event.court} to {new}.",
    )
    assert Backup.objects.filter(by=mia).count() == 2
    state = views_backup.read_state(page.redirect_chain[0][0].split("/")[-2].replace("-", ""))
    assert state is not None
    assert {key: value for key, (value,) in parse_qs(urlsplit(state.asked["back"]).query).items()} == asked


def test_command_as_it_is_typed(stack: Stack) -> None:
    stack.manage("shell", "-v0", "-c", _MAKE)

    refused = stack.manage("move_events", *SPAN, "--no-day", check=False)
    assert refused.stderr.strip() == "CommandError: Nothing was changed: what was typed is not yes."
    said = stack.manage("move_events", *SPAN, "--no-day", "--yes").stdout

    assert "Moved 40 events and 3 matches of all courts to no day." in said
    assert stack.fetch("SELECT count(*) FROM events_pssevent WHERE day_id IS NULL") == [(40,)]


def test_tournament_that_keeps_the_end_of_a_moved_match_can_be_backed_up_and_restored(tmp_path: Path) -> None:
    tournament, elsewhere = make_tournament(), make_day(name="Elsewhere")
    # The match began before this moment, its last events came after it.
    move_events(ALL_COURTS, NOON, NOON + timedelta(seconds=5), elsewhere, None)
    kept = PssEvent.objects.filter(tournament=tournament)
    assert kept.exclude(match=None).count() == kept.filter(match__day=elsewhere).count() == 17

    row = make_backup(tournament)
    other = make_backup(elsewhere.tournament)

    assert (row.events, row.matches, other.events, other.matches) == (20, 0, 20, 3)
    restored = restore(row.path)
    assert PssEvent.objects.filter(tournament=restored.tournament_id, match=None).count() == 20
    assert EventTally.objects.filter(day__tournament=restored.tournament_id, match=None).total() == 20
    assert delete_tournament(tournament).rows["events"] == 20
