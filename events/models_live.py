"""What lets a live feed start at once."""

from __future__ import annotations

from django.db import models
from django.db.models import Exists, OuterRef


class StoredBoardQuerySet(models.QuerySet["StoredBoard"]):
    def of_matches_as_folded(self) -> StoredBoardQuerySet:
        """Those whose match has not had its events read anew since."""
        from events.models import Match

        match = Match.objects.filter(pk=OuterRef("match_id"), recounts=OuterRef("recounts"))
        return self.filter(Exists(match))


class StoredBoard(models.Model):
    """The scoreboard of a court as its importer had it a moment ago: whoever starts folds on from there.

    Written at most once a second, in the transaction that stores events. It holds all that was heard on the
    court up to `event_id`, an event of the match `match_id` received at `heard_at`; `recounts` are that
    match's, as they were then.
    """

    # Keys alone: one whose court, match or event has gone is of no use, and in nobody's way.
    court_id = models.BigIntegerField(primary_key=True)
    match_id = models.BigIntegerField()
    recounts = models.PositiveIntegerField()
    event_id = models.BigIntegerField()
    heard_at = models.DateTimeField()
    # Not as text: PostgreSQL is sent many rows at once, and each quotation mark of them would be escaped.
    state = models.BinaryField(help_text="As `events.board_json` has it.")

    objects = StoredBoardQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Scoreboard of court {self.court_id}"
