"""Who may do what with displays: everyone sees them, operators make, change and revoke them."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

VIEWER = ("view_display",)
OPERATOR = (*VIEWER, "add_display", "change_display", "revoke_display")
MANAGER = (*OPERATOR, "delete_display")


def extend_groups(apps, schema_editor):
    using = schema_editor.connection.alias
    # Permissions are otherwise made after all migrations, too late for the lines below.
    config = apps.get_app_config("events")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=using)
    config.models_module = None
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    for name, codenames in (("Viewer", VIEWER), ("Operator", OPERATOR), ("Manager", MANAGER)):
        group, _ = Group.objects.using(using).get_or_create(name=name)
        permissions = Permission.objects.using(using).filter(
            content_type__app_label="events", content_type__model="display", codename__in=codenames
        )
        group.permissions.add(*permissions)


class Migration(migrations.Migration):
    dependencies = [("events", "0018_display"), ("events", "0002_groups")]

    operations = [migrations.RunPython(extend_groups, migrations.RunPython.noop)]
