from collections import defaultdict

from django.db import migrations


def sum_hours(apps, schema_editor):
    """The totals there are, once more by the hour: at 5 million events a third of a million rows."""
    minutes = apps.get_model("events", "EventTally")
    hours = apps.get_model("events", "HourTally")
    counts = ("events", "processing_ms_sum", "processing_ms_max")
    sums = defaultdict(lambda: [0, 0, 0.0, 0.0])
    using = schema_editor.connection.alias
    rows = (
        minutes.objects.using(using)
        .filter(events__gt=0)
        .values_list("day_id", "court_id", "status", "kind", "minute", *counts)
    )
    for day, court, status, kind, minute, events, ms_sum, ms_max in rows.iterator():
        found = sums[day, court, status, minute.replace(minute=0)]
        found[0] += events
        found[1] += events if kind == "point" else 0
        found[2] += ms_sum
        found[3] = max(found[3], ms_max)
    hours.objects.using(using).bulk_create(
        (
            hours(
                day_id=day,
                court_id=court,
                status=status,
                hour=hour,
                events=events,
                points=points,
                processing_ms_sum=ms_sum,
                processing_ms_max=ms_max,
            )
            for (day, court, status, hour), (events, points, ms_sum, ms_max) in sums.items()
        ),
        batch_size=500,
    )


class Migration(migrations.Migration):
    dependencies = [("events", "0010_figures_and_hours")]

    operations = [migrations.RunPython(sum_hours, migrations.RunPython.noop, elidable=True)]
