from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0026_replay_groups"),
        ("tournaments", "0002_contextchange_restored"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="pssevent", name="event_day_received"),
        migrations.AddIndex(
            model_name="pssevent",
            index=models.Index(
                fields=["tournament", "day", "received_at", "court", "athlete", "kind"],
                name="event_day_received",
            ),
        ),
    ]
