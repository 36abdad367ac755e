from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0003_eventmove_all_courts")]

    operations = [
        migrations.AddField(
            model_name="listenernode",
            name="earlier",
            field=models.JSONField(
                default=dict,
                help_text=(
                    "Segment, offset, sequence and datagrams stored of the journals before this one, by uuid."
                ),
            ),
        ),
    ]
