"""Restoring into a new tournament, merged, and in place of one; and saying before what will happen."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db.models import Sum

from events.backup.make import backup_before
from events.backup.remove import size_of
from events.backup.restore import Mode, restore
from events.backup.trouble import BackupError
from events.backup.write import write_backup
from events.models import Athlete, EventTally, Match, PssEvent, UdpSession
from events.models_backup import Backup
from ingest.state import State
from tests.events.backup.hall import contents, make_tournament
from tests.factories import NOON, ContextChangeFactory, PssEventFactory, make_day, tally_events
from tournaments.context import ContextTimeline, clear_context, get_context, set_context
from tournaments.models import ContextChange, Court, Tournament

pytestmark = pytest.mark.django_db


def everything() -> dict[str, int]:
    models = (Tournament, Court, Athlete, UdpSession, Match, PssEvent, EventTally, ContextChange, User)
    return {model.__name__: model._base_manager.count() for model in models}


@pytest.mark.parametrize("mode", list(Mode))
def test_dry_run_says_what_the_real_run_does_and_changes_nothing(backup: Path, mode: Mode) -> None:
    PssEvent.objects.order_by("id").first().delete()  # type: ignore[union-attr]
    before = everything()

    said = restore(backup, mode, replaced="open", dry_run=True).lines()

    assert everything() == before
    assert restore(backup, mode, replaced="open").lines() == said
    assert (
        said[0]
        == {
            Mode.NEW: "“Open (restored)” (open-2), as a new tournament:",
            Mode.MERGE: "“Open” (open), merged:",
            Mode.REPLACE: "“Open” (open), replacing:",
        }[mode]
    )


def test_restore_uses_courts_athletes_and_listeners_that_are_there(backup: Path) -> None:
    before = everything()

    outcome = restore(backup)

    after = everything()
    assert {name: after[name] - before[name] for name in ("Court", "Athlete", "User")} == {
        "Court": 0,
        "Athlete": 0,
        "User": 0,
    }
    assert after["UdpSession"] == 2 * before["UdpSession"]
    assert outcome.differing == 0


def test_restored_context_is_history_and_never_in_force(backup: Path) -> None:
    node_state = State("live", "00000000-0000-0000-0000-000000000001")
    node_state.refresh_context()
    ContextChange.objects.all().delete()
    in_force = get_context()

    outcome = restore(backup, Mode.REPLACE, replaced="open")

    restored = ContextChange.everything.filter(day__tournament=outcome.tournament_id)
    assert sorted(restored.values_list("restored", "effective_at")) == [
        (True, NOON - timedelta(hours=1)),
        (True, NOON + timedelta(hours=1)),
    ]
    assert get_context() == in_force
    assert len(ContextTimeline.load()) == 0
    filed = list(PssEvent.objects.order_by("id").values_list("day_id", flat=True))
    node_state.refresh_context()
    assert list(PssEvent.objects.order_by("id").values_list("day_id", flat=True)) == filed


@pytest.mark.parametrize("mode", list(Mode))
def test_restore_over_the_active_tournament_is_refused(backup: Path, mode: Mode) -> None:
    set_context(Tournament.objects.get(slug="open").days.first())
    before = everything()

    with pytest.raises(BackupError, match="active now"):
        restore(backup, mode, replaced="open")

    assert everything() == before
    clear_context()
    restore(backup, mode, replaced="open")


def test_merge_brings_back_what_was_deleted_with_its_totals(backup: Path, tmp_path: Path) -> None:
    tournament = Tournament.objects.get(slug="open")
    doomed = PssEvent.objects.filter(match__day__number=1)[:7]
    for event in doomed:
        minute = event.received_at.replace(second=0, microsecond=0)
        tally = EventTally.objects.get(
            day=event.day,
            court=event.court,
            match=event.match,
            kind=event.kind,
            status=event.status,
            minute=minute,
        )
        EventTally.objects.filter(pk=tally.pk).update(events=tally.events - 1)
        event.delete()
    changed = Match.objects.earliest("pk")
    Match.objects.filter(pk=changed.pk).update(phase="Semi-final", rounds=[[9, 0, "blue"]])

    outcome = restore(backup, Mode.MERGE)

    assert outcome.tournament_id == tournament.pk
    assert {name: n for name, n in outcome.added.items() if n} == {"events": 7}
    assert PssEvent.objects.count() == 40
    assert EventTally.objects.aggregate(total=Sum("events"))["total"] == 40
    assert outcome.differing == 1
    assert outcome.differences == [
        f"match “{changed}”: phase is “Semi-final” here, “Final” in the backup; rounds not the same"
    ]
    assert Match.objects.filter(phase="Semi-final").count() == 1


def test_merge_of_what_is_there_changes_nothing(backup: Path) -> None:
    before = everything()

    outcome = restore(backup, Mode.MERGE)

    assert (outcome.total, outcome.differing) == (0, 0)
    assert everything() == before


def test_replace_gives_exactly_the_backup_and_lets_go_of_what_belongs_to_others(
    backup: Path, tmp_path: Path
) -> None:
    other = make_tournament(name="Other")
    match = Match.objects.filter(day__tournament__slug="open").first()
    foreign = PssEvent.objects.filter(tournament=other).first()
    assert foreign
    PssEvent.objects.filter(pk=foreign.pk).update(match=match)
    PssEvent.objects.filter(tournament__slug="open").update(raw="spoilt")

    outcome = restore(backup, Mode.REPLACE, replaced="open")

    assert (outcome.name, outcome.slug) == ("Open", "open")
    write_backup(outcome.tournament_id, tmp_path / "again.zip")
    assert contents(tmp_path / "again.zip") == contents(backup)
    foreign.refresh_from_db()
    assert (foreign.tournament, foreign.match) == (other, None)
    assert outcome.removed["events"] == 40
    assert PssEvent.objects.filter(tournament=other).count() == 40


def test_backup_from_another_machine_names_its_people_only_in_words(backup: Path, tmp_path: Path) -> None:
    User.objects.all().delete()

    outcome = restore(backup)

    changes = ContextChange.everything.filter(day__tournament=outcome.tournament_id)
    assert set(changes.values_list("user", flat=True)) == {None}
    assert User.objects.count() == 0


def test_two_courts_never_get_the_same_sender(backup: Path, tmp_path: Path) -> None:
    court = Court.objects.order_by("number").first()
    assert court
    Court.objects.filter(pk=court.pk).update(port=6001, source="10.0.0.1")
    tournament = Tournament.objects.get(slug="open")
    write_backup(tournament.pk, tmp_path / "b.zip")
    Court.objects.filter(pk=court.pk).update(number=77)

    outcome = restore(tmp_path / "b.zip")

    made = Court.objects.get(number=court.number)
    assert (made.port, made.source) == (None, None)
    assert "6001" in outcome.notes[0]


def test_backup_before_a_dangerous_action_is_verified(tmp_path: Path) -> None:
    tournament = make_tournament()

    row = backup_before(tournament, "Before a test")

    assert row.verified_at
    assert (row.kind, row.reason, row.events) == ("before", "Before a test", 40)
    assert Backup.objects.get() == row
    assert row.path.stat().st_size == row.size


def test_day_without_events_has_a_backup_too(tmp_path: Path) -> None:
    day = make_day(name="Empty")
    ContextChangeFactory(day=None)

    write_backup(day.tournament_id, tmp_path / "a.zip")

    assert restore(tmp_path / "a.zip").slug == "empty-2"


def test_what_arrives_after_the_backup_is_not_replaced_with_it(backup: Path) -> None:
    tournament = Tournament.objects.get()
    size = size_of(tournament)
    PssEventFactory(day=tournament.days.get(number=1))
    tally_events()

    with pytest.raises(BackupError, match="has changed since it was backed up"):
        restore(backup, Mode.REPLACE, replaced=tournament.slug, size=size)

    assert PssEvent.objects.filter(tournament=tournament).count() == 41
    restore(backup, Mode.REPLACE, replaced=tournament.slug, size=size_of(tournament))
    assert PssEvent.objects.count() == 40
