"""`manage.py runjobs minutely`: ends replays that nobody watches."""

from __future__ import annotations

from django_extensions.management.jobs import MinutelyJob

from events.models_replay import Replay


class Job(MinutelyJob):
    help = "Ends replays that nobody has watched for ten minutes."

    def execute(self) -> None:
        Replay.objects.forget()
