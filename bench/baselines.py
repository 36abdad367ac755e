"""`python -m bench.baselines naive|bulk|prepared`: simpler ways to store events, to be beside ours.

Runs in an installation's environment and prints JSON. *naive* is an asyncio listener with one
`objects.create()` for each datagram; *bulk* is Django's own `bulk_create`, past the project's faster
one, of objects that exist already; *prepared* inserts rows that exist already with one bare prepared
statement (`executemany`, on PostgreSQL `COPY`), which is as fast as the database takes them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import time
from collections.abc import Sequence
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "restrike.settings")
# The naive listener calls the database from its event loop; that it blocks is the point.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
django.setup()

from django.db import connection, models, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from events import bulk  # noqa: E402
from events.models import ListenerNode, PssEvent, UdpSession  # noqa: E402
from ingest.protocol import parse  # noqa: E402

BATCH = 2_000


def _session() -> UdpSession:
    node, _ = ListenerNode.objects.get_or_create(name="baseline")
    now = timezone.now()
    return UdpSession.objects.create(
        node=node, source="127.0.0.1", source_port=1, local_port=1, started_at=now, last_event_at=now
    )


class _Listener(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.session = _session()
        self.stored = 0
        self.first = self.last = 0.0

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.first = self.first or time.monotonic()
        for message in parse(data):
            self.stored += 1
            PssEvent.objects.create(
                session=self.session,
                sequence=self.stored,
                stream=message.stream,
                kind=message.kind,
                athlete=message.athlete,
                value=message.value,
                round=message.round,
                clock_ms=message.clock_ms,
                details=message.details,
                raw=message.raw,
                status=message.status,
                error=message.error,
                received_at=timezone.now(),
            )
        self.last = time.monotonic()


def naive(port: int) -> dict[str, float]:
    """Listens until SIGTERM."""

    async def listen() -> _Listener:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        transport, listener = await loop.create_datagram_endpoint(_Listener, ("127.0.0.1", port))
        print("listening", flush=True)
        await stop.wait()
        transport.close()
        return listener

    listener = asyncio.run(listen())
    return {"stored": listener.stored, "rate": listener.stored / max(listener.last - listener.first, 0.001)}


def _rows(source: str, limit: int) -> list[bulk.Row]:
    """Event rows of another installation's database, as the importer prepares them."""
    if source.startswith("sqlite:///"):
        import sqlite3

        columns = ", ".join(f'"{name}"' for name in bulk.COLUMNS)
        with sqlite3.connect(source.removeprefix("sqlite:///")) as other:
            return other.execute(f"SELECT {columns} FROM {bulk.TABLE} ORDER BY id LIMIT {limit}").fetchall()
    import psycopg

    as_text = {"details": "details::text", "received_at": "received_at::text"}
    columns = ", ".join(as_text.get(name, f'"{name}"') for name in bulk.COLUMNS)
    with psycopg.connect(source) as server:
        query = f"SELECT {columns} FROM {bulk.TABLE} ORDER BY id LIMIT {limit}"
        return server.execute(query).fetchall()  # type: ignore[call-overload]


def bulk_create(source: str, limit: int) -> dict[str, float]:
    plain: models.QuerySet[PssEvent] = models.QuerySet(PssEvent)
    now = timezone.now()
    made = []
    for row in _rows(source, limit):
        values = dict(zip(bulk.COLUMNS, row, strict=True))
        values["details"] = json.loads(values["details"])
        values["received_at"] = now
        made.append(PssEvent(**values))
    began = time.monotonic()
    for start in range(0, len(made), BATCH):
        with transaction.atomic():
            plain.bulk_create(made[start : start + BATCH])
    return {"stored": len(made), "rate": len(made) / (time.monotonic() - began)}


def prepared(source: str, limit: int) -> dict[str, float]:
    rows = _rows(source, limit)
    columns = ", ".join(f'"{name}"' for name in bulk.COLUMNS)
    connection.ensure_connection()
    began = time.monotonic()
    for start in range(0, len(rows), BATCH):
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                places = ", ".join("?" * len(bulk.COLUMNS))
                cursor.cursor.connection.executemany(
                    f"INSERT INTO {bulk.TABLE} ({columns}) VALUES ({places})", rows[start : start + BATCH]
                )
            else:
                with cursor.copy(f"COPY {bulk.TABLE} ({columns}) FROM STDIN") as copy:
                    for row in rows[start : start + BATCH]:
                        copy.write_row(row)
    return {"stored": len(rows), "rate": len(rows) / (time.monotonic() - began)}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.baselines")
    parser.add_argument("way", choices=["naive", "bulk", "prepared"])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--source", default="", help="DATABASE_URL to take rows from")
    parser.add_argument("--limit", type=int, default=200_000)
    given = parser.parse_args(arguments)
    if given.way == "naive":
        found = naive(given.port)
    elif given.way == "bulk":
        found = bulk_create(given.source, given.limit)
    else:
        found = prepared(given.source, given.limit)
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
