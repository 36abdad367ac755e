"""`python -m bench.page_times`: how long the server takes for pages, in an installation's environment.

Through Django's whole request path (middleware, views, templates), without a network. *Cold*: new
database connection, empty caches, and the database file given back by the page cache of the system;
*warm*: the same page again and again. Reads
{what: [URL name, ids, query]} from stdin, prints JSON.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "restrike.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.cache import caches  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.urls import NoReverseMatch, reverse  # noqa: E402

COLD = 5
WARM = 20


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


def timed(client: Client, path: str) -> tuple[float, float, int]:
    """(ms, ms of processor time, status)"""
    gc.collect()
    began, worked = time.perf_counter(), time.process_time()
    status = client.get(path).status_code
    return (time.perf_counter() - began) * 1000, (time.process_time() - worked) * 1000, status


def main() -> None:
    user, _ = User.objects.get_or_create(
        username="bench", defaults={"is_staff": True, "is_superuser": True, "is_active": True}
    )
    client = Client(HTTP_HOST="localhost")
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    found: dict[str, Any] = {}
    pages: dict[str, str] = {}
    for what, (name, ids, query) in json.load(sys.stdin).items():
        try:
            pages[what] = reverse(name, args=ids) + (f"?{query}" if query else "")
        except NoReverseMatch:
            found[what] = {"path": name, "status": 404}
    for path in pages.values():
        client.get(path)  # templates compiled, modules imported: a server's first minute
    for name, path in pages.items():
        cold = []
        status = 0
        for _ in range(COLD):
            forget()
            took, _, status = timed(client, path)
            cold.append(took)
        warm = [timed(client, path) for _ in range(WARM)]
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        slowest = sorted(queries.captured_queries, key=lambda query: -float(query["time"]))[:3]
        found[name] = {
            "path": path,
            "status": status,
            "cold": cold,
            "warm": [took for took, _, _ in warm],
            "worked": [worked for _, worked, _ in warm],
            "queries": len(queries),
            "slowest": [(query["time"], query["sql"][:600]) for query in slowest],
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
