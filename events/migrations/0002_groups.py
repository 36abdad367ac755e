"""The three groups of staff. What a group may do is kept here and can be changed in the admin."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

APPS = ("tournaments", "events")

OPERATOR = (
    "tournaments.set_context",
    "tournaments.add_tournament",
    "tournaments.change_tournament",
    "tournaments.change_tournamentday",
    "tournaments.add_court",
    "tournaments.change_court",
    "events.change_unknownmessage",
)
MANAGER = (
    "tournaments.delete_tournament",
    "tournaments.delete_court",
    "events.move_events",
    "auth.view_user",
    "auth.view_group",
)


def make_groups(apps, schema_editor):
    for label in (*APPS, "auth"):
        # Permissions are otherwise made after all migrations, too late for the lines below.
        config = apps.get_app_config(label)
        config.models_module = True
        create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
        config.models_module = None
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    using = schema_editor.connection.alias
    permissions = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.using(using).select_related("content_type")
    }
    viewer = [
        name for name in permissions if name.split(".")[0] in APPS and name.split(".")[1].startswith("view_")
    ]
    for group, names in (
        ("Viewer", viewer),
        ("Operator", [*viewer, *OPERATOR]),
        ("Manager", [*viewer, *OPERATOR, *MANAGER]),
    ):
        made, _ = Group.objects.using(using).get_or_create(name=group)
        made.permissions.add(*(permissions[name] for name in names))


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0001_initial"),
        ("tournaments", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
