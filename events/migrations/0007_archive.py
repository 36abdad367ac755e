"""The archive: its tables, and who may use it: everyone sees what is archived, managers archive."""

import django.db.models.deletion
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

VIEWER = (("archivedpssevent", "view_archivedpssevent"),)
MANAGER = (*VIEWER, ("archiverun", "archive_events"))


def extend_groups(apps, schema_editor):
    using = schema_editor.connection.alias
    # Permissions are otherwise made after all migrations, too late for the lines below.
    config = apps.get_app_config("events")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=using)
    config.models_module = None
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    for name, granted in (("Viewer", VIEWER), ("Operator", VIEWER), ("Manager", MANAGER)):
        group, _ = Group.objects.using(using).get_or_create(name=name)
        for model, codename in granted:
            group.permissions.add(
                Permission.objects.using(using).get(
                    content_type__app_label="events", content_type__model=model, codename=codename
                )
            )


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0006_backup_groups"),
        ("tournaments", "0002_contextchange_restored"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ArchivedReading",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("stream", models.CharField(max_length=16, verbose_name="code")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("point", "Point"),
                            ("hit", "Hit level"),
                            ("gam_jeom", "Gam-jeom"),
                            ("score", "Score"),
                            ("round_scores", "Score by round"),
                            ("round", "Round"),
                            ("clock", "Clock"),
                            ("break", "Rest"),
                            ("injury", "Injury time"),
                            ("time_out", "Para time-out"),
                            ("replay", "Video replay"),
                            ("round_winners", "Round winners"),
                            ("winner", "Winner"),
                            ("result", "Result"),
                            ("athletes", "Athletes"),
                            ("match", "Match"),
                            ("referees", "Referees"),
                            ("load", "Match load"),
                            ("ready", "Match ready"),
                            ("video_time", "Athlete video time"),
                            ("connect", "Connected"),
                            ("disconnect", "Disconnected"),
                            ("settings", "Settings"),
                            ("hardware", "Hardware test"),
                            ("unknown", "Unknown"),
                        ],
                        max_length=16,
                    ),
                ),
                ("details", models.JSONField(default=dict)),
                ("error", models.CharField(blank=True, max_length=200)),
                ("digest", models.BigIntegerField()),
            ],
            options={
                "indexes": [models.Index(fields=["digest"], name="reading_digest")],
            },
        ),
        migrations.CreateModel(
            name="ArchiveRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "direction",
                    models.CharField(
                        choices=[("archive", "Archive"), ("bring_back", "Bring back")], max_length=10
                    ),
                ),
                (
                    "tournament_key",
                    models.PositiveBigIntegerField(
                        db_index=True,
                        help_text="Empty: whatever was old, or belongs to no tournament.",
                        null=True,
                    ),
                ),
                ("tournament_name", models.CharField(blank=True, max_length=200, verbose_name="tournament")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("stopped", "Stopped"),
                        ],
                        default="running",
                        max_length=10,
                    ),
                ),
                ("total", models.PositiveBigIntegerField(default=0)),
                ("events", models.PositiveBigIntegerField(default=0)),
                ("bytes_before", models.PositiveBigIntegerField(default=0)),
                ("bytes_after", models.PositiveBigIntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=500)),
                ("started_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "permissions": [("archive_events", "Can archive events and bring them back")],
            },
        ),
        migrations.CreateModel(
            name="ArchivedPssEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("sequence", models.PositiveBigIntegerField()),
                (
                    "athlete",
                    models.PositiveSmallIntegerField(choices=[(0, "—"), (1, "Blue"), (2, "Red")], default=0),
                ),
                ("value", models.IntegerField(null=True)),
                ("round", models.PositiveSmallIntegerField(null=True)),
                ("clock_ms", models.IntegerField(null=True)),
                ("own_details", models.JSONField(null=True)),
                ("raw", models.TextField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("recognized", "Recognized"),
                            ("partial", "Partial"),
                            ("unknown", "Unknown"),
                            ("malformed", "Malformed"),
                        ],
                        max_length=10,
                    ),
                ),
                ("received_at", models.DateTimeField()),
                ("processing_ms", models.FloatField(default=0)),
                (
                    "court",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tournaments.court",
                    ),
                ),
                (
                    "day",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="archived_events",
                        to="tournaments.tournamentday",
                    ),
                ),
                (
                    "match",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="archived_events",
                        to="events.match",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="events.udpsession",
                    ),
                ),
                (
                    "tournament",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="archived_events",
                        to="tournaments.tournament",
                    ),
                ),
                (
                    "reading",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="events.archivedreading",
                    ),
                ),
            ],
            options={
                "verbose_name": "archived event",
                "indexes": [
                    models.Index(fields=["tournament", "day", "received_at"], name="archived_day_received"),
                    models.Index(fields=["match"], name="archived_match"),
                ],
            },
        ),
        migrations.RunPython(extend_groups, migrations.RunPython.noop),
    ]
