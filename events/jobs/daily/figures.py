"""`manage.py runjobs daily`: the figures of matches that were stored without, see `events.figures`."""

from __future__ import annotations

from django_extensions.management.jobs import DailyJob

from events.figures import count_missing


class Job(DailyJob):
    help = "Counts hits and points of matches that were stored before their rows kept them."

    def execute(self) -> None:
        count_missing()
