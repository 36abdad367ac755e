import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0011_sum_hours"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(help_text="Who or what uses it, as “Results screen”.", max_length=100),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[("read", "Everything"), ("live", "Courts and the live state only")],
                        default="read",
                        max_length=8,
                        verbose_name="may read",
                    ),
                ),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("prefix", models.CharField(editable=False, max_length=16, verbose_name="begins with")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="made")),
                (
                    "expires_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Empty: never. After the tournament is a good choice.",
                        null=True,
                        verbose_name="ends",
                    ),
                ),
                ("last_used_at", models.DateTimeField(editable=False, null=True, verbose_name="last used")),
                ("revoked_at", models.DateTimeField(editable=False, null=True, verbose_name="revoked")),
                (
                    "created_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="made by",
                    ),
                ),
            ],
            options={
                "verbose_name": "API token",
                "ordering": ["-id"],
            },
        ),
    ]
