"""Who is speaking: courts and sessions found, or made, from a datagram's port and source.

A *sender* is one source address and port speaking to one of our ports. Everything here mirrors rows
of the database and is thrown away and loaded again whenever a transaction fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from django.db import connection

from events import bulk
from events.kinds import Dialect
from events.match_state import to_ns
from events.models import ListenerNode, UdpSession
from tournaments.models import Court

# Somebody scanning ports must not fill the hall with courts; more senders stay without one, flagged.
MAX_AUTO_COURTS = 64

SenderKey = tuple[int, str, int]  # local port, source address, source port

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=4096)
def moment(time_ns: int) -> datetime:
    """Nanoseconds since 1970 as an aware datetime, cut to microseconds exactly."""
    return _EPOCH + timedelta(microseconds=time_ns // 1000)


@dataclass(slots=True, eq=False)
class Sender:
    """An open session, as the importer counts it on."""

    pk: int
    key: SenderKey
    court_id: int | None
    dialect: str
    events: int
    datagrams: int
    last_ns: int
    ended: bool = False
    concurrent: bool = False

    def goes_on(self, received_ns: int, idle_ns: int) -> bool:
        """Counts a datagram that belongs to this session; False, and counts nothing, when it is over."""
        last_ns = self.last_ns
        if self.ended or received_ns - last_ns > idle_ns:
            return False
        # Kernel time can step back when the clock is set; a session never ends before it began.
        if received_ns > last_ns:
            self.last_ns = received_ns
        self.datagrams += 1
        return True

    def values(self) -> tuple[int | str | bool | None, ...]:
        last = bulk.time_text(self.last_ns)
        return (
            self.court_id,
            self.dialect,
            self.events,
            self.datagrams,
            last,
            last if self.ended else None,
            self.concurrent,
            self.pk,
        )


class CourtFinder:
    """Which court a port and a source address belong to."""

    def __init__(self, auto_courts: bool) -> None:
        self.auto_courts = auto_courts
        self.reload()

    def reload(self) -> None:
        rows = list(Court.objects.values_list("pk", "number", "port", "source"))
        self._by_sender: dict[tuple[int | None, str | None], int] = {
            (port, source): pk for pk, _, port, source in rows if port is not None or source is not None
        }
        self._highest = max((number for _, number, _, _ in rows), default=0)
        self._ids = {pk for pk, _, _, _ in rows}

    def ids(self) -> set[int]:
        return self._ids

    def find(self, port: int, source: str) -> int | None:
        """The court that names both, else the one with this source, else the one with this port."""
        for key in ((port, source), (None, source), (port, None)):
            if (pk := self._by_sender.get(key)) is not None:
                return pk
        return None

    def find_or_make(self, port: int, source: str) -> int | None:
        found = self.find(port, source)
        if found is not None or not self.auto_courts or len(self._ids) >= MAX_AUTO_COURTS:
            return found
        number = self._highest + 1
        court = Court.objects.create(
            number=number, name=f"Court {number} · {source}", port=port, source=source
        )
        self._highest = number
        self._ids.add(court.pk)
        self._by_sender[(port, source)] = court.pk
        return court.pk


class Senders:
    """The open sessions of one listener node."""

    _UPDATE = (
        "UPDATE events_udpsession SET court_id = %s, dialect = %s, events = %s, datagrams = %s,"
        " last_event_at = %s, ended_at = %s, concurrent = %s WHERE id = %s"
    )

    def __init__(self, node: ListenerNode, courts: CourtFinder, idle_s: int) -> None:
        self.node = node
        self.courts = courts
        self.idle_ns = idle_s * 1_000_000_000
        self._open: dict[SenderKey, Sender] = {}
        self._changed: set[Sender] = set()
        for session in UdpSession.objects.filter(node=node, ended_at=None).order_by("id"):
            key = (session.local_port, session.source, session.source_port)
            self._open[key] = Sender(
                pk=session.pk,
                key=key,
                court_id=session.court_id,
                dialect=session.dialect,
                events=session.events,
                datagrams=session.datagrams,
                last_ns=to_ns(session.last_event_at),
                concurrent=session.concurrent,
            )

    def of(self, key: SenderKey, received_ns: int, *, is_json: bool = False) -> Sender:
        """The session this datagram belongs to, opened when it is the first of its sender."""
        sender = self._open.get(key)
        if sender is None or not sender.goes_on(received_ns, self.idle_ns):
            if sender is not None:
                self.end(sender)
            sender = self._begin(key, received_ns, is_json)
            sender.goes_on(received_ns, self.idle_ns)
        self._changed.add(sender)
        return sender

    def end(self, sender: Sender) -> None:
        sender.ended = True
        self._changed.add(sender)
        self._open.pop(sender.key, None)

    def end_idle(self, now_ns: int) -> None:
        for sender in [s for s in self._open.values() if now_ns - s.last_ns > self.idle_ns]:
            self.end(sender)

    def mark_concurrent(self, *senders: Sender) -> None:
        for sender in senders:
            sender.concurrent = True
            self._changed.add(sender)

    def reload_courts(self) -> None:
        """Takes over what staff changed: a court given a sender gets its session from now on."""
        self.courts.reload()
        for sender in self._open.values():
            port, source, _ = sender.key
            court_id = self.courts.find(port, source)
            if court_id is not None and court_id != sender.court_id:
                sender.court_id = court_id
                self._changed.add(sender)

    def write(self) -> None:
        """Writes the sessions that changed, in one statement."""
        if not self._changed:
            return
        with connection.cursor() as cursor:
            cursor.executemany(self._UPDATE, [sender.values() for sender in self._changed])
        self._changed.clear()

    def _begin(self, key: SenderKey, received_ns: int, is_json: bool) -> Sender:
        port, source, source_port = key
        court_id = self.courts.find(port, source) or self._beside(source, is_json)
        court_id = court_id or self.courts.find_or_make(port, source)
        at = moment(received_ns)
        session = UdpSession.objects.create(
            node=self.node,
            court_id=court_id,
            source=source,
            source_port=source_port,
            local_port=port,
            started_at=at,
            last_event_at=at,
        )
        sender = Sender(session.pk, key, court_id, "", 0, 0, received_ns)
        self._open[key] = sender
        return sender

    def _beside(self, source: str, is_json: bool) -> int | None:
        """The court whose other output comes from the same address, to another of our ports."""
        found = {
            sender.court_id
            for sender in self._open.values()
            if sender.key[1] == source and sender.dialect and (sender.dialect == Dialect.JSON) != is_json
        }
        # With two, nobody can tell to which it belongs.
        return found.pop() if len(found) == 1 else None
