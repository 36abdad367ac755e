"""What is in a backup is found by following keys, so that nobody has to remember to add a model."""

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models

from events.backup.make import make_backup
from events.backup.restore import Mode, restore
from events.backup.rules import Role, plan
from events.backup.verify import verify
from events.backup.write import write_backup
from events.models import Match
from tests.events.archive_stage import finished_tournament
from tests.events.backup.hall import contents, make_tournament
from tournaments.models import Tournament

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def later_models() -> Iterator[tuple[Any, Any]]:
    """Two models as somebody may add them next year, with their tables; gone afterwards."""

    class Protest(models.Model):
        match = models.ForeignKey("events.Match", models.CASCADE)
        about = models.CharField(max_length=100)
        fee = models.DecimalField(max_digits=6, decimal_places=2, null=True)
        lasted = models.DurationField(null=True)
        token = models.UUIDField()
        paper = models.BinaryField(null=True)
        day = models.DateField(null=True)
        at = models.TimeField(null=True)
        by = models.ForeignKey("auth.User", models.SET_NULL, null=True)

        class Meta:
            app_label = "events"

        def __str__(self) -> str:
            return self.about

    class Answer(models.Model):
        protest = models.OneToOneField(Protest, models.CASCADE, primary_key=True)
        before = models.ForeignKey("self", models.SET_NULL, null=True)
        allowed = models.BooleanField()

        class Meta:
            app_label = "events"

        def __str__(self) -> str:
            return str(self.protest)

    made = (Protest, Answer)
    with connection.schema_editor() as editor:
        for model in made:
            editor.create_model(model)
    yield made
    with connection.schema_editor() as editor:
        for model in reversed(made):
            editor.delete_model(model)
    for model in made:
        del apps.all_models["events"][model._meta.model_name]
    apps.clear_cache()


def test_backup_holds_models_that_were_added_later(later_models: tuple[Any, Any], tmp_path: Path) -> None:
    import datetime
    import uuid
    from decimal import Decimal

    protest_model, answer_model = later_models
    tournament = make_tournament()
    other = make_tournament(name="Other")
    rich: dict[str, Any] = {
        "about": "Score of round 2",
        "fee": Decimal("150.50"),
        "lasted": datetime.timedelta(minutes=3, microseconds=7),
        "token": uuid.uuid4(),
        "paper": b"\x00PDF\xff",
        "day": datetime.date(2026, 11, 21),
        "at": datetime.time(12, 30, 0, 5),
    }
    match = Match.objects.filter(day__tournament=tournament).order_by("pk")[0]
    first = protest_model.objects.create(match=match, **rich)
    second = protest_model.objects.create(match=match, about="-", token=uuid.uuid4())
    protest_model.objects.create(
        match=Match.objects.filter(day__tournament=other).first(), about="Not ours", token=uuid.uuid4()
    )
    answer = answer_model.objects.create(protest=first, allowed=True)
    answer_model.objects.create(protest=second, before=answer, allowed=False)

    manifest = write_backup(tournament.pk, tmp_path / "a.zip")
    verify(tmp_path / "a.zip")
    restored = restore(tmp_path / "a.zip")

    assert (manifest.count("events.protest"), manifest.count("events.answer")) == (2, 2)
    again = protest_model.objects.get(match__day__tournament=restored.tournament_id, about=rich["about"])
    assert {name: getattr(again, name) for name in rich} == rich
    assert answer_model.objects.get(protest__about="-", pk__gt=second.pk).before.protest == again
    write_backup(restored.tournament_id, tmp_path / "b.zip")
    assert contents(tmp_path / "b.zip")["events.answer"] == contents(tmp_path / "a.zip")["events.answer"]
    replaced = restore(tmp_path / "a.zip", Mode.REPLACE, replaced="open")
    assert replaced.removed["protests"] == 2
    assert protest_model.objects.filter(about="Not ours").count() == 1
    assert restore(tmp_path / "a.zip", Mode.MERGE).total == 0


def test_backup_holds_no_accounts_and_nothing_of_the_framework() -> None:
    ours = {"events", "tournaments"}

    assert {part.model._meta.app_label for part in plan()} <= ours


def test_backup_holds_no_secrets() -> None:
    """A key that opens a page or the API, by whatever it hangs on, stays on the machine."""
    secret = re.compile("secret|password|token|key_hash|hashed|webhook|_key$")

    named = {f"{part.label}.{column.name}" for part in plan() for column in part.columns}

    assert {name for name in named if secret.search(name.rpartition(".")[2])} == set()


def test_every_model_with_a_way_to_a_tournament_is_in_a_backup() -> None:
    """Said the other way round from how the rules find them."""
    found = {part.model for part in plan() if part.role is not Role.SHARED}
    # Of the hourly tallies `test_restore_counts_hours…` says how they come back; a replay is of the moment.
    left_out = {"events.backup", "events.hourtally", "events.replay"}
    for model in apps.get_models():
        if model._meta.app_label not in ("events", "tournaments") or model._meta.label_lower in left_out:
            continue
        for field in model._meta.get_fields():
            if isinstance(field, models.ForeignKey) and field.related_model in found:
                assert model in found, f"{model._meta.label} refers to {field.related_model}"
    assert Tournament in found


def test_backup_counts_archived_events_among_its_events() -> None:
    tournament = finished_tournament(200)
    call_command("archive_events", "--tournament", tournament.slug, stdout=StringIO())

    row = make_backup(tournament)

    assert (row.counts["events.pssevent"], row.content) == (0, "200 events and 4 matches")
