"""Before the doors open: one list that says what is in order, and how to mend what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import DatabaseError

from events.backup.collect import OnProgress, no_progress
from events.situation import Situation
from restrike.preflight import capture, hall, machine
from restrike.preflight.line import Line, State, bad
from restrike.troubles import in_plain_words

__all__ = ["Line", "Preflight", "State"]


@dataclass(frozen=True, slots=True)
class Preflight:
    """What to do for the list, besides looking.

    `trial`: send a test datagram. `backup`: write and verify a backup, of tournaments with at most
    `largest` events (None: of any size). Without both nothing is written and nothing is sent.
    """

    trial: bool = False
    backup: bool = False
    largest: int | None = None
    user: User | None = None
    progress: OnProgress = no_progress

    def lines(self) -> list[Line]:
        found: list[Line] = []
        for key, title, look in (
            ("settings", "Settings", lambda: [machine.configuration()]),
            ("disk", "Room on the disk", lambda: [machine.disks()]),
            ("database", "Database", machine.database),
            ("clock", "Clock", lambda: [machine.clock()]),
            ("listener", "Listener", self._capture),
            ("context", "Tournament", self._hall),
        ):
            found += _safely(key, title, look)
        return found

    def _capture(self) -> Iterable[Line]:
        nodes = capture.nodes_in_use()
        yield capture.addresses(nodes)
        yield from capture.listener(nodes, trial=self.trial)
        yield from capture.test_datagrams(nodes, trial=self.trial)
        yield capture.receive_buffer(nodes)

    def _hall(self) -> Iterable[Line]:
        situation = Situation()
        yield hall.courts(situation)
        yield hall.context(situation)
        yield from hall.backups(
            situation, make=self.backup, largest=self.largest, user=self.user, progress=self.progress
        )


def _safely(key: str, title: str, look: Callable[[], Iterable[Line]]) -> Iterator[Line]:
    """What `look` finds; where disk or database fail meanwhile, a line that says so."""
    try:
        yield from look()
    except (DatabaseError, OSError) as error:
        says = in_plain_words(error) or " ".join(str(error).split())
        yield bad(key, title, says, "Mend this first, then run the pre-flight again.")
