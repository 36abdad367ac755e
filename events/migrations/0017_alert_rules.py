"""The rules as they are before anybody changed one, the row for who watches, and who may do what."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

# kind: threshold, seconds until it fires, seconds until it is over
RULES = {
    "not_recording": (None, 3, 10),
    "not_storing": (None, 10, 15),
    "court_silent": (10, 0, 5),
    "no_active_day": (None, 5, 5),
    "wrong_day": (None, 30, 5),
    "kernel_drops": (0, 0, 60),
    "backlog": (2_000, 15, 15),
    "disk_low": (2, 10, 30),
    "event_rate": (1_000, 10, 30),
    "database_latency": (100, 15, 30),
    "memory": (80, 30, 30),
    "error_rate": (1, 30, 60),
    "day_events": (5_000, 0, 60),
    "backup_old": (90, 300, 0),
    "backup_unverified": (None, 300, 0),
}

VIEWER = ("view_alert", "view_alertrule", "view_alertdelivery")
OPERATOR = (*VIEWER, "acknowledge_alert")
MANAGER = (*OPERATOR, "change_alertrule")


def make_rules(apps, schema_editor):
    using = schema_editor.connection.alias
    AlertRule = apps.get_model("events", "AlertRule")
    AlertRule.objects.using(using).bulk_create(
        AlertRule(kind=kind, threshold=threshold, hold_s=hold_s, recover_s=recover_s)
        for kind, (threshold, hold_s, recover_s) in RULES.items()
    )
    apps.get_model("events", "AlertWatch").objects.using(using).create(pk=1)


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
            content_type__app_label="events", codename__in=codenames
        )
        group.permissions.add(*permissions)


class Migration(migrations.Migration):
    dependencies = [("events", "0016_alerts"), ("events", "0006_backup_groups")]

    operations = [
        migrations.RunPython(make_rules, migrations.RunPython.noop),
        migrations.RunPython(extend_groups, migrations.RunPython.noop),
    ]
