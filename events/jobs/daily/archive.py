"""Every day: finished tournaments and old events into the archive."""

from __future__ import annotations

import logging

from django_extensions.management.jobs import DailyJob

from events.archive import runs, scope

log = logging.getLogger(__name__)


class Job(DailyJob):
    help = "Archives finished tournaments, and events older than ARCHIVE_AFTER_DAYS."

    def execute(self) -> None:
        parts, waiting = scope.due()
        for reason in waiting:
            log.info("Not archived: %s", reason)
        if not parts:
            return
        try:
            run = runs.begin(runs.Direction.ARCHIVE, parts)
        except runs.NotBegunError as error:
            log.warning("Not archived: %s", error)
            return
        run = runs.work(run, parts)
        level = logging.WARNING if run.error else logging.INFO
        log.log(level, "Archived %s of %s events. %s", f"{run.events:,}", f"{run.total:,}", run.error)
