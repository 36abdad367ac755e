from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0002_groups")]

    operations = [
        migrations.AddField(
            model_name="eventmove",
            name="all_courts",
            field=models.BooleanField(
                default=False, help_text="Otherwise no court means events that had none."
            ),
        ),
    ]
