"""Every day: the parts of the journal that are in the database and older than JOURNAL_KEEP_DAYS go."""

from __future__ import annotations

import logging

from django.conf import settings
from django_extensions.management.jobs import DailyJob

from events.models import ListenerNode
from ingest.journal import JournalReader, Position, prune
from ingest.listener import journal_directory

log = logging.getLogger(__name__)

# The last commits may not be on the disk yet, and after a loss of power be stored from the journal again.
_HOUR = 1 / 24


class Job(DailyJob):
    help = "Removes what is older than JOURNAL_KEEP_DAYS from the journals of this machine."

    def execute(self) -> None:
        for node in ListenerNode.objects.all():
            directory = journal_directory(node.name)
            # A position says nothing about a journal that another importer has yet to begin.
            if not directory.is_dir() or JournalReader(directory).uuid != str(node.journal):
                continue
            imported = Position(node.segment, node.offset, node.sequence)
            removed = prune(directory, max(settings.JOURNAL_KEEP_DAYS, _HOUR), imported)
            if removed:
                log.info("Removed %d old segments of the journal of %s.", len(removed), node.name)
