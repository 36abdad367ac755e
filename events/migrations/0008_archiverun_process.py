from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0007_archive"),
    ]

    operations = [
        migrations.AddField(
            model_name="archiverun",
            name="host",
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name="archiverun",
            name="pid",
            field=models.PositiveIntegerField(default=0),
        ),
    ]
