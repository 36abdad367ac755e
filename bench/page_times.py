"""`python -m bench.page_times`: how long the server takes for pages, in an installation's environment.

Through Django's whole request path (middleware, views, templates), without a network, all of it on one
event loop: as in the web server, what lives with the loop (the live feed) lives on between two requests.
*Cold*: new database connection, empty caches, and the database file given back by the page cache of the
system; *warm*: the same page again and again; *first*: as cold, and the live feed has ended. Reads
{what: [URL name, ids, query]} from stdin, prints JSON.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from typing import Any

import django
from asgiref.sync import sync_to_async

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "restrike.settings")
# How the client calls the host.
os.environ["ALLOWED_HOSTS"] = "testserver"
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.cache import caches  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.test import AsyncClient  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.urls import NoReverseMatch, reverse  # noqa: E402

import restrike.asgi  # noqa: E402, F401  what a web server has loaded before it is asked
from events.live import current_feed  # noqa: E402

FIRST = 3
COLD = 5
WARM = 20
# Pages that the live feed answers, which starts with the first that asks.
STARTS_FEED = {"JSON: live"}


def forget() -> None:
    """What a server has just after a start: no connection, no cache, nothing of the file in memory."""
    connections.close_all()
    for cache in caches.all():
        cache.clear()
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite" and hasattr(os, "posix_fadvise"):
        for path in (name, name + "-wal"):
            if os.path.exists(path):
                fd = os.open(path, os.O_RDONLY)
                os.fsync(fd)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(fd)


async def timed(client: AsyncClient, path: str) -> tuple[float, float, int]:
    """(ms, ms of processor time, status)"""
    gc.collect()
    began, worked = time.perf_counter(), time.process_time()
    status = (await client.get(path)).status_code
    return (time.perf_counter() - began) * 1000, (time.process_time() - worked) * 1000, status


def user() -> User:
    found, _ = User.objects.get_or_create(
        username="bench", defaults={"is_staff": True, "is_superuser": True, "is_active": True}
    )
    return found


async def queries_of(client: AsyncClient, path: str) -> list[dict[str, str]]:
    """What the thread of the requests asks the database for a page."""
    capture = CaptureQueriesContext(connection)
    await sync_to_async(capture.__enter__)()
    await client.get(path)
    await sync_to_async(capture.__exit__)(None, None, None)
    return await sync_to_async(lambda: list(capture.captured_queries))()


async def measure(asked: dict[str, Any]) -> dict[str, Any]:
    client = AsyncClient()
    await client.aforce_login(await sync_to_async(user)(), "django.contrib.auth.backends.ModelBackend")
    found: dict[str, Any] = {}
    pages: dict[str, str] = {}
    for what, (name, ids, query) in asked.items():
        try:
            pages[what] = reverse(name, args=ids) + (f"?{query}" if query else "")
        except NoReverseMatch:
            found[what] = {"path": name, "status": 404}
    for path in pages.values():
        await client.get(path)  # templates compiled, modules imported: a server's first minute
    for name, path in pages.items():
        first, cold = [], []
        status = 0
        for _ in range(FIRST if name in STARTS_FEED else 0):
            await current_feed().stop()
            await sync_to_async(forget)()
            first.append((await timed(client, path))[0])
        for _ in range(COLD):
            await sync_to_async(forget)()
            took, _, status = await timed(client, path)
            cold.append(took)
        warm = [await timed(client, path) for _ in range(WARM)]
        queries = await queries_of(client, path)
        slowest = sorted(queries, key=lambda query: -float(query["time"]))[:3]
        found[name] = {
            "path": path,
            "status": status,
            "first": first,
            "cold": cold,
            "warm": [took for took, _, _ in warm],
            "worked": [worked for _, worked, _ in warm],
            "queries": len(queries),
            "slowest": [(query["time"], query["sql"][:600]) for query in slowest],
        }
    await current_feed().stop()
    return found


def main() -> None:
    print(json.dumps(asyncio.run(measure(json.load(sys.stdin)))))


if __name__ == "__main__":
    main()
