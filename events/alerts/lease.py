"""Of several processes that could watch, one does: the one whose name stands in a row of the database.

The row is claimed and renewed by an `update()` that says how many rows it changed, so of two that try in
the same instant one fails. Whoever has not renewed it for `LASTS` has died, and another takes over.
Clocks of machines that differ by less than `LASTS` do no harm.
"""

from __future__ import annotations

import socket
import uuid
from datetime import datetime, timedelta

from django.db.models import Q

from events.models import AlertWatch

LASTS = timedelta(seconds=20)
#: Renewed this often: a write each two seconds would be one too many for so little.
RENEWED_EVERY = timedelta(seconds=5)


class Lease:
    """The right to watch, as one process has it or not."""

    def __init__(self) -> None:
        self._me = uuid.uuid4()
        self._renewed: datetime | None = None

    def hold(self, now: datetime) -> bool:
        """Whether we are the one who watches, claiming it if nobody does; at most one query."""
        if self._renewed is not None and timedelta() <= now - self._renewed < RENEWED_EVERY:
            return True
        free = Q(holder=None) | Q(holder=self._me) | Q(seen_at__lt=now - LASTS)
        mine = AlertWatch.objects.filter(free, pk=1).update(
            holder=self._me, host=socket.gethostname()[:100], seen_at=now
        )
        self._renewed = now if mine else None
        return bool(mine)

    def release(self) -> None:
        """Lets the next one begin at once."""
        self._renewed = None
        AlertWatch.objects.filter(pk=1, holder=self._me).update(holder=None, seen_at=None)


def watcher(now: datetime) -> AlertWatch | None:
    """Who watches at the moment; None: nobody."""
    return AlertWatch.objects.filter(pk=1, seen_at__gt=now - LASTS).first()
