from django.db import migrations, models

import tournaments.models

_PORT = {
    "blank": True,
    "help_text": "The port it sends to; empty means any.",
    "null": True,
    "validators": [tournaments.models.validate_port],
    "verbose_name": "UDP port",
}


class Migration(migrations.Migration):
    """Changes nothing in the database: what the model checked as a whole is checked with the field."""

    dependencies = [("tournaments", "0002_contextchange_restored")]

    operations = [
        migrations.AlterField("court", "port", models.PositiveIntegerField(**_PORT)),
        migrations.AlterField("historicalcourt", "port", models.PositiveIntegerField(**_PORT)),
    ]
