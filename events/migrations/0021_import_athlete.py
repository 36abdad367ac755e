from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0020_node_tests"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="athlete",
            options={
                "ordering": ["name"],
                "permissions": [("import_athlete", "Can take in a roster of athletes")],
            },
        ),
    ]
