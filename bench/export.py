"""Lists as files at a million events, over HTTP from a real web server: how long, how much memory, and
what pages asked for meanwhile take.

The database is that of `bench.pages`, of a size of its own.
"""

from __future__ import annotations

import http.client
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import psutil

from bench.pages import filled
from bench.report import Options, Row, say
from bench.stand import Stand
from tests.processes import PROJECT, free_port, wait_until

EVENTS = 1_000_000
#: What a web server may grow by while it exports; rows of a million events are 500 MB.
GROWTH_MB = 80
PAGE = "/events/match/"
_SESSION = """
from django.contrib.auth.models import User
from django.test import Client
user, _ = User.objects.get_or_create(username="bench", defaults={"is_staff": True, "is_superuser": True})
client = Client(HTTP_HOST="localhost")
client.force_login(user, "django.contrib.auth.backends.ModelBackend")
print(client.cookies["sessionid"].value)
"""


class Web:
    """The web server, and a member of staff who asks it."""

    def __init__(self, made: Stand) -> None:
        self.session = made.manage("shell", "-v0", "-c", _SESSION).stdout.split()[-1]
        self.port = free_port(socket.SOCK_STREAM)
        args = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(
            [*args, "restrike.asgi:application"],
            env=made.env,
            cwd=PROJECT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers, 60, "the web server")

    def _answers(self) -> bool:
        try:
            return self.ask("/healthz")[0] == 200
        except OSError:
            return False

    def ask(self, path: str) -> tuple[int, int, float]:
        """(status, bytes, seconds); what comes is thrown away as it comes."""
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1800)
        connection.request("GET", path, headers={"Cookie": f"sessionid={self.session}"})
        response = connection.getresponse()
        size = 0
        while piece := response.read(1 << 20):
            size += len(piece)
        connection.close()
        return response.status, size, time.perf_counter() - began

    @property
    def rss(self) -> float:
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20


class Watch(threading.Thread):
    """The largest memory of the web server, and the times of a page, until stopped."""

    def __init__(self, web: Web) -> None:
        super().__init__(daemon=True)
        self.web = web
        self.over = threading.Event()
        self.largest = 0.0
        self.took: list[float] = []

    def run(self) -> None:
        while not self.over.wait(0.2):
            self.largest = max(self.largest, self.web.rss)
            self.took.append(self.web.ask(PAGE)[2] * 1000)


def run(options: Options) -> Iterator[Row]:
    events = options.choose(EVENTS, 100_000)
    made, known = filled(events)
    web = Web(made)
    try:
        for _ in range(5):
            web.ask(PAGE)
        alone = [web.ask(PAGE)[2] * 1000 for _ in range(20)]
        yield Row("export", "a page meanwhile: none", alone, "ms", note="median of 20, no export")
        for ending in ("csv", "xlsx"):
            before = web.rss
            watch = Watch(web)
            watch.start()
            status, size, seconds = web.ask(f"/events/pssevent/export.{ending}")
            watch.over.set()
            watch.join()
            assert status == 200, status
            say(f"{ending}: {size / 2**20:.0f} MB in {seconds:.1f} s")
            what = f"{known['events']:,} events as {ending.upper()}"
            yield Row("export", what, [seconds], "s", note=f"{size / 2**20:.0f} MB")
            yield Row("export", f"{what}: memory grows by", [watch.largest - before], "MB", GROWTH_MB)
            median = statistics.median(watch.took)
            yield Row(
                "export", f"a page meanwhile: {ending}", [median], "ms", note=f"worst {max(watch.took):.0f}"
            )
    finally:
        web.process.terminate()
        web.process.wait(20)
