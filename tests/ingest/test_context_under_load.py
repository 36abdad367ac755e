"""Sixteen courts that serve two tournaments at once, their days switched under load: real processes."""

from __future__ import annotations

import socket
import threading
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from contextlib import closing
from typing import Any

import psutil
import pytest

from ingest.journal import JournalReader
from tests.ingest.switcher import Switcher
from tests.processes import Process, Stack, wait_until

LOAD = b"pre;FightLoaded\r\n"

COURTS = 16
RATE = 1_000


class Courts(threading.Thread):
    """Sixteen courts, each from an address of its own, `RATE` datagrams a second together."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.sent = 0
        self.stopping = threading.Event()

    def run(self) -> None:
        sockets = []
        for number in range(1, COURTS + 1):
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.bind((f"127.0.3.{number}", 0))
            sockets.append(one)
        begin = time.monotonic()
        while not self.stopping.wait(0.01):
            for number in range(self.sent, int((time.monotonic() - begin) * RATE)):
                # Every 400th loads a match, so that on each court some matches lie across a change.
                payload = LOAD if number // COURTS % 25 == 0 else b"hl1;%d\r\n" % (number % 90 + 1)
                sockets[number % COURTS].sendto(payload, ("127.0.0.1", self.port))
                self.sent = number + 1
        for one in sockets:
            one.close()

    def wait_for(self, more: int) -> None:
        target = self.sent + more
        wait_until(lambda: self.sent >= target, 60)


def expected_days(stack: Stack) -> dict[int, tuple[list[Any], list[int | None]]]:
    """court -> moments of change and the day from each on, worked out here once more."""
    changes = stack.fetch("SELECT court_id, day_id, effective_at, id FROM tournaments_contextchange")
    changes.sort(key=lambda change: (change[2], change[3]))
    courts = [pk for (pk,) in stack.fetch("SELECT id FROM tournaments_court")]
    return {
        court: (
            [at for place, _, at, _ in changes if place in (None, court)],
            [day for place, day, _, _ in changes if place in (None, court)],
        )
        for court in courts
    }


def wrongly_filed(stack: Stack) -> list[tuple[Any, ...]]:
    """Events that are not under the day of the last change at or before their receipt."""
    expected = expected_days(stack)
    tournaments: dict[Any, Any] = {
        None: None,
        **dict(stack.fetch("SELECT id, tournament_id FROM tournaments_tournamentday")),
    }
    wrong = []
    for court, day, tournament, at in stack.fetch(
        "SELECT court_id, day_id, tournament_id, received_at FROM events_pssevent"
    ):
        moments, days = expected[court]
        index = bisect_right(moments, at)
        right = days[index - 1] if index else None
        if (day, tournament) != (right, tournaments[right]):
            wrong.append((court, day, tournament, at, right))
    return wrong


@pytest.mark.slow
def test_switching_days_under_load_files_every_event_right(stack: Stack) -> None:
    with Switcher(stack) as switcher:
        hall = switcher.ask(hall=COURTS)
        north, south = hall["courts"][:8], hall["courts"][8:]
        north_1, north_2, south_1, south_2 = hall["days"]
        process = stack.start()
        courts = Courts(stack.port)
        courts.start()
        try:
            courts.wait_for(300)
            for court in north:
                switcher.set(north_1, court)
            for court in south:
                switcher.set(south_1, court)
            courts.wait_for(700)
            for turn in range(12):
                # A court of one tournament goes over to the other and back, again and again.
                switcher.set((south_1, north_1)[turn % 2], north[turn % 3])
                courts.wait_for(50)
            for court in north:
                switcher.set(north_2, court)
            courts.wait_for(500)
            switcher.set(None, south[0])
            courts.wait_for(200)
            # Known to staff, not yet visible to anyone else, while events go on being received.
            if stack.is_postgresql:
                switcher.set(south_2, None, hold=True)
                stored = stack.count()
                stack.wait_for_events(stored + 300)
                assert switcher.ask(now="visible") == "visible"
            else:
                # SQLite has one writer: what it holds back holds the importer, too, until it is visible.
                switcher.set(south_2, None, hold=True)
                courts.wait_for(300)
                assert switcher.ask(now="visible") == "visible"
            courts.wait_for(300)
            for court in north:
                switcher.set(north_1, court)
            courts.wait_for(500)
        finally:
            courts.stopping.set()
            courts.join()
        stack.wait_for_events(courts.sent)
        # The last change may still have to be applied to what was stored before it was visible.
        applied = wait_until(
            lambda: stack.fetch(
                "SELECT context_id FROM events_listenernode WHERE context_id ="
                " (SELECT max(id) FROM tournaments_contextchange)"
            ),
            20,
            "the last change applied",
        )
        assert applied
    assert process.stop() == 0

    assert stack.count() == courts.sent
    assert wrongly_filed(stack) == []
    by_court = defaultdict(set)
    for court, day in stack.fetch("SELECT DISTINCT court_id, day_id FROM events_pssevent"):
        by_court[court].add(day)
    # All of it would be no proof if the days had not really changed under every court.
    assert len(by_court) == COURTS
    assert all({north_1, north_2, south_2} <= by_court[court] for court in north)
    assert all({south_1, south_2} <= by_court[court] for court in south)
    check_matches_and_totals(stack)


def check_matches_and_totals(stack: Stack) -> None:
    """Matches are under the day in force when they were loaded, totals are what counting gives."""
    expected = expected_days(stack)
    matches = stack.fetch("SELECT court_id, day_id, loaded_at FROM events_match")
    assert len(matches) >= COURTS
    for court, day, at in matches:
        moments, days = expected[court]
        in_force = [days[n] for n, moment in enumerate(moments) if moment <= at]
        # One loaded before any day was active has taken the first it met.
        assert day == (in_force[-1] if in_force and in_force[-1] else day), (court, at)
    counts = "SELECT day_id, court_id, match_id, kind, status, {} FROM {} GROUP BY 1, 2, 3, 4, 5"
    events = Counter({row[:5]: row[5] for row in stack.fetch(counts.format("count(*)", "events_pssevent"))})
    tallies = Counter(
        {row[:5]: int(row[5]) for row in stack.fetch(counts.format("sum(events)", "events_eventtally"))}
    )
    assert +tallies == events


def suspended_between_two_batches(stack: Stack, process: Process) -> psutil.Process | None:
    """The importer, stopped in its tracks without holding SQLite's one lock; None when it held it."""
    importer = process.child("import_journal")
    if importer is None:
        return None
    importer.suspend()
    wait_until(lambda: importer.status() == psutil.STATUS_STOPPED, 5)
    if not stack.is_postgresql:
        import sqlite3

        with closing(sqlite3.connect(stack.url.removeprefix("sqlite:///"), timeout=0)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                importer.resume()
                return None
            connection.rollback()
    return importer


@pytest.mark.slow
def test_the_journal_stored_later_gives_the_same_days(stack: Stack) -> None:
    """The same again with the database away while the days change: all is filed afterwards."""
    with Switcher(stack) as switcher:
        hall = switcher.ask(hall=COURTS)
        process = stack.start()
        courts = Courts(stack.port)
        courts.start()
        try:
            courts.wait_for(300)
            importer = wait_until(lambda: suspended_between_two_batches(stack, process), 20)
            for turn in range(20):
                switcher.set(hall["days"][turn % 4], hall["courts"][turn % COURTS] if turn % 3 else None)
                courts.wait_for(60)
            importer.resume()
        finally:
            courts.stopping.set()
            courts.join()
        stack.wait_for_events(courts.sent)
    assert process.stop() == 0
    reader = JournalReader(stack.var / "journal" / "main")
    assert reader.total() == stack.count() == courts.sent
    reader.close()
    assert wrongly_filed(stack) == []
    check_matches_and_totals(stack)
