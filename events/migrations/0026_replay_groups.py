"""Who may do what with replays: everyone sees them, operators start, steer and stop them."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

VIEWER = ("view_replay",)
OPERATOR = (*VIEWER, "add_replay", "change_replay")


def extend_groups(apps, schema_editor):
    using = schema_editor.connection.alias
    # Permissions are otherwise made after all migrations, too late for the lines below.
    config = apps.get_app_config("events")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=using)
    config.models_module = None
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    for name, codenames in (("Viewer", VIEWER), ("Operator", OPERATOR), ("Manager", OPERATOR)):
        group, _ = Group.objects.using(using).get_or_create(name=name)
        permissions = Permission.objects.using(using).filter(
            content_type__app_label="events", content_type__model="replay", codename__in=codenames
        )
        group.permissions.add(*permissions)


class Migration(migrations.Migration):
    dependencies = [("events", "0025_replay"), ("events", "0002_groups")]

    operations = [migrations.RunPython(extend_groups, migrations.RunPython.noop)]
