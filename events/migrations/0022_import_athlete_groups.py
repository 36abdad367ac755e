"""Operators and managers may take in a roster of athletes."""

from django.contrib.auth.management import create_permissions
from django.db import migrations


def extend_groups(apps, schema_editor):
    using = schema_editor.connection.alias
    # Permissions are otherwise made after all migrations, too late for the lines below.
    config = apps.get_app_config("events")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=using)
    config.models_module = None
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    permission = Permission.objects.using(using).get(
        content_type__app_label="events", content_type__model="athlete", codename="import_athlete"
    )
    for name in ("Operator", "Manager"):
        group, _ = Group.objects.using(using).get_or_create(name=name)
        group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [("events", "0021_import_athlete")]

    operations = [migrations.RunPython(extend_groups, migrations.RunPython.noop)]
