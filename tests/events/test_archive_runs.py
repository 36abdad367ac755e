"""Archiving: what is left alone, one run at a time, what stops it, and its commands."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from events.archive import room, runs, scope, slices
from events.models import ArchivedPssEvent, ArchiveRun, Match, PssEvent
from tests.events.archive_stage import (
    ARCHIVE,
    BRING_BACK,
    archive,
    bring_back,
    counts,
    finished_tournament,
    live_hash,
)
from tests.factories import (
    ContextChangeFactory,
    ListenerNodeFactory,
    MatchFactory,
    PssEventFactory,
    TournamentFactory,
    UdpSessionFactory,
    make_day,
    tally_events,
)
from tournaments.models import Tournament

pytestmark = pytest.mark.django_db


# --- What stays --------------------------------------------------------------------------------------


def test_running_tournament_is_left_alone() -> None:
    tournament = finished_tournament(50, status="running")

    assert "is running" in scope.why_not(tournament)
    assert scope.due()[0] == []
    with pytest.raises(CommandError, match="is running"):
        call_command("archive_events", tournament=tournament.slug)
    assert counts(tournament) == (50, 0)


def test_finished_tournament_whose_day_is_active_is_left_alone() -> None:
    now = timezone.now()
    tournament = finished_tournament(50, start=now - timedelta(hours=10))
    change = ContextChangeFactory(day=tournament.days.get(), effective_at=now - timedelta(hours=11))

    assert "is active" in scope.why_not(tournament)
    change.delete()
    assert scope.why_not(tournament) == ""


def test_tournament_that_was_just_heard_is_left_alone() -> None:
    day = make_day(status="finished")
    PssEventFactory(day=day, received_at=timezone.now() - timedelta(minutes=5))
    tally_events()

    assert "was heard at" in scope.why_not(day.tournament)
    assert scope.due()[0] == []


def test_tournament_whose_sender_goes_on_is_left_alone() -> None:
    tournament = finished_tournament(50)
    session = PssEvent.objects.filter(tournament=tournament).first().session  # type: ignore[union-attr]
    session.last_event_at, session.ended_at = timezone.now(), None
    session.save()

    assert "has been sending without a break" in scope.why_not(tournament)


def test_archiving_ends_when_the_tournament_goes_on() -> None:
    tournament = finished_tournament(100)
    part = scope.to_archive(tournament)

    def go_on(run: ArchiveRun) -> None:
        Tournament.objects.filter(pk=tournament.pk).update(status="running")

    run = runs.work(runs.begin(ARCHIVE, [part]), [part], progress=go_on, slice_size=30)

    assert (run.state, run.events) == ("stopped", 30)
    assert "is running" in run.error
    assert counts(tournament) == (70, 30)


def test_old_events_without_a_tournament_go_and_what_is_in_progress_stays() -> None:
    now = timezone.now()
    busy = UdpSessionFactory(last_event_at=now)
    match = MatchFactory(court=busy.court, loaded_at=now - timedelta(days=50))
    old = PssEventFactory(received_at=now - timedelta(days=40))
    young = PssEventFactory(received_at=now - timedelta(days=20))
    same_sender = PssEventFactory(received_at=now - timedelta(days=40), session=busy)
    same_match = PssEventFactory(received_at=now - timedelta(days=40), match=match)
    tally_events()

    call_command("archive_events", verbosity=0)

    assert set(PssEvent.objects.values_list("pk", flat=True)) == {young.pk, same_sender.pk, same_match.pk}
    assert ArchivedPssEvent.objects.get().pk == old.pk


def test_tournament_that_was_never_finished_gives_its_old_events() -> None:
    tournament = finished_tournament(50, status="planned")
    recent = PssEventFactory(day=tournament.days.get(), received_at=timezone.now() - timedelta(days=3))
    tally_events()

    call_command("archive_events", older_than=30)

    assert counts(tournament) == (1, 50)
    assert PssEvent.objects.get().pk == recent.pk


def test_archive_works_while_events_arrive() -> None:
    """Events of a running tournament come in between the slices; none goes, none is counted."""
    tournament = finished_tournament(1_000)
    running = make_day(status="running")
    before = live_hash(tournament)
    session = UdpSessionFactory(last_event_at=timezone.now())

    def arrive(run: ArchiveRun) -> None:
        PssEventFactory(day=running, session=session, received_at=timezone.now())

    archive(tournament, progress=arrive, slice_size=50)

    assert counts(tournament) == (0, 1_000)
    assert counts(running.tournament) == (20, 0)
    bring_back(tournament, progress=arrive, slice_size=100)
    assert live_hash(tournament) == before
    assert counts(running.tournament)[0] >= 30


# --- Runs ----------------------------------------------------------------------------------------------


def test_stopped_run_goes_on_where_it_was() -> None:
    tournament = finished_tournament(300)
    stop = threading.Event()

    run = archive(tournament, progress=lambda run: stop.set(), stop=stop, slice_size=100)

    assert (run.state, run.events) == ("stopped", 100)
    assert scope.to_archive(tournament).events == 200
    assert archive(tournament).events == 200
    assert counts(tournament) == (0, 300)


def test_one_run_at_a_time_and_a_dead_one_gives_way() -> None:
    tournament = finished_tournament(30)
    part = scope.to_archive(tournament)
    first = runs.begin(ARCHIVE, [part])

    with pytest.raises(runs.NotBegunError, match="is going on"):
        runs.begin(BRING_BACK, [part])
    ArchiveRun.objects.filter(pk=first.pk).update(seen_at=timezone.now() - timedelta(minutes=5))
    runs.begin(BRING_BACK, [part])

    first.refresh_from_db()
    assert first.state == "stopped"


def test_database_in_trouble_ends_the_run_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    tournament = finished_tournament(30)

    def fail(*args: Any) -> None:
        from django.db import OperationalError

        raise OperationalError("disk I/O error")

    monkeypatch.setattr(slices, "archive", fail)
    run = archive(tournament)

    assert run.state == "failed"
    assert run.error == "The database said: disk I/O error. What was moved is kept; start it again."
    assert counts(tournament) == (30, 0)


def test_slice_that_moves_otherwise_is_undone() -> None:
    tournament = finished_tournament(30)
    ids = [*PssEvent.objects.values_list("pk", flat=True), 10**9]

    with pytest.raises(DatabaseError, match="31 events were to be moved and 30 were"):
        slices.archive(connection, ids)

    assert counts(tournament)[0] == 30


# --- Commands ------------------------------------------------------------------------------------------


def test_commands_say_what_they_do(capsys: pytest.CaptureFixture[str]) -> None:
    tournament = finished_tournament(400)
    matches = Match.objects.count()

    call_command("archive_events", tournament=tournament.slug, dry_run=True)
    assert counts(tournament) == (400, 0)
    said = capsys.readouterr().out
    large, _ = room.estimate(400)
    assert f"{tournament}: 400 events of {matches} matches, about {filesizeformat(large)} now" in said
    assert "Nothing was changed." in said

    call_command("archive_events")
    said = capsys.readouterr().out
    assert "Archived 400 events, which took" in said
    assert "% less." in said
    call_command("archive_events")
    assert capsys.readouterr().out == "There is nothing to archive.\n"

    call_command("unarchive_events", tournament=tournament.slug)
    assert "Brought back 400 events." in capsys.readouterr().out
    call_command("unarchive_events", tournament=tournament.slug)
    assert "is in the archive" in capsys.readouterr().out


def test_command_names_the_tournaments_there_are() -> None:
    TournamentFactory(slug="seoul-open")

    with pytest.raises(CommandError, match=r"There is no tournament “berlin”\. There are: seoul-open"):
        call_command("unarchive_events", tournament="berlin")


def test_daily_job_archives_what_is_due() -> None:
    from events.jobs.daily.archive import Job

    tournament, running = finished_tournament(40), finished_tournament(40, status="running")
    ListenerNodeFactory()

    Job().execute()

    assert counts(tournament) == (0, 40)
    assert counts(running) == (40, 0)
