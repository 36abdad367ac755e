"""Managers make and revoke the tokens of programs; nobody else sees them."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

MANAGER = ("view_apitoken", "add_apitoken", "change_apitoken")


def extend_groups(apps, schema_editor):
    using = schema_editor.connection.alias
    # Permissions are otherwise made after all migrations, too late for the lines below.
    config = apps.get_app_config("events")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=using)
    config.models_module = None
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    group, _ = Group.objects.using(using).get_or_create(name="Manager")
    permissions = Permission.objects.using(using).filter(
        content_type__app_label="events", content_type__model="apitoken", codename__in=MANAGER
    )
    group.permissions.add(*permissions)


class Migration(migrations.Migration):
    dependencies = [("events", "0012_api_token")]

    operations = [migrations.RunPython(extend_groups, migrations.RunPython.noop)]
