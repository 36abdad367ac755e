"""`manage.py runjobs minutely`: the backups that are due, by the rule in `events.backup.keep`."""

from __future__ import annotations

import logging

from django_extensions.management.jobs import MinutelyJob

from events.backup import keep
from events.backup.make import make_backup
from events.backup.trouble import BackupError
from events.models_backup import BackupKind

log = logging.getLogger(__name__)


class Job(MinutelyJob):
    help = "Backs up tournaments whose backup is due."

    def execute(self) -> None:
        for tournament, reason in keep.look():
            try:
                row = make_backup(tournament, BackupKind.AUTOMATIC, reason=reason)
            except BackupError as error:
                # The next tournament must not go without; this one is tried again in five minutes.
                log.error("No backup of %s: %s", tournament, error)
            else:
                log.info("Backed up %s: %s", tournament, row.path)
                if row.copy_error:
                    log.warning("No copy of the backup of %s: %s", tournament, row.copy_error)
