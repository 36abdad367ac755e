"""Datagram to frame on 100 overlays of four courts at 200 events/s: every event changes a score.

Each datagram says another score, one higher than the one before on its court, so a frame shows all
up to the score in it. The overlays are one Python process on the same two cores and wait for it too.
"""

from __future__ import annotations

import bisect
import json
import socket
import time
from collections.abc import Iterator

from bench.report import Options, Row, percentile, say
from bench.stand import Stand, stand

OVERLAYS = 100
COURTS = 4
RATE = 200
TARGET_MS = 200
_DISPLAYS = f"""
from events.models import Display
from tournaments.models import Court
for number in range(1, {COURTS} + 1):
    court, _ = Court.objects.update_or_create(number=number, defaults=dict(source=f"127.0.0.{{10 + number}}"))
    for n in range({OVERLAYS // COURTS}):
        print("key", Display.objects.create(name=f"Bench {{number}} {{n}}", court=court).key)
"""


def run(options: Options) -> Iterator[Row]:
    # A score of a thousand would be marked as impossible.
    seconds = options.choose(18, 6)
    for database in options.databases:
        medians: list[float] = []
        worst: list[float] = []
        missed: list[float] = []
        for _ in range(options.repeat):
            times, missing = one_run(options, database, seconds)
            medians.append(percentile(times, 0.5))
            worst.append(percentile(times, 0.99))
            missed.append(missing)
            say(f"p50 {medians[-1]:.0f} ms, p99 {worst[-1]:.0f} ms")
        label = f"overlays {'SQLite' if database == 'sqlite' else 'PostgreSQL'}"
        yield Row(label, f"{RATE}/s, {OVERLAYS} overlays p50", medians, "ms")
        yield Row(label, f"{RATE}/s, {OVERLAYS} overlays p99", worst, "ms", TARGET_MS)
        yield Row(label, f"{RATE}/s, never shown", missed, "events", 0)


def one_run(options: Options, database: str, seconds: int) -> tuple[list[float], int]:
    """(ms for each overlay and event, how many of them were never shown)"""
    with stand(options, database) as made:
        said = made.manage("shell", "-v0", "-c", _DISPLAYS).stdout
        keys = [line.split()[1] for line in said.splitlines() if line.startswith("key ")]
        assert len(keys) == OVERLAYS
        made.start("ingest")
        made.start_web()
        output, file = made.var / "overlays.json", made.var / "keys"
        file.write_text("\n".join(keys))
        clients = made.module(
            *("bench.screen_clients", "--url", f"ws://127.0.0.1:{made.web_port}"),
            *("--keys", str(file), "--output", str(output)),
        )
        clients.wait_for_line("watching", 90)
        sent = send(made, seconds)
        made.wait_stored(COURTS * (len(sent[0]) + 1))
        # Frames on their way: the feed widens its pace to at most a second under load.
        time.sleep(2)
        assert clients.stop() == 0, clients.output
        made.check_ledger(COURTS * (len(sent[0]) + 1))
        found = json.loads(output.read_text())
    assert not found["ended"], found["ended"][:3]
    times: list[float] = []
    missing = 0
    for n, shown in enumerate(found["shown"]):
        scores = [score for score, _ in shown]
        for score, at in enumerate(sent[n * COURTS // OVERLAYS], start=1):
            place = bisect.bisect_left(scores, score)
            if place == len(shown):
                missing += 1
            else:
                times.append((shown[place][1] - at) / 1e6)
    return times, missing


def send(made: Stand, seconds: int) -> list[list[int]]:
    """For each court when its score n + 1 was sent, ns since 1970."""
    senders = []
    for court in range(COURTS):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind((f"127.0.0.{11 + court}", 0))
        sender.sendto(b"pre;FightLoaded\r\n", ("127.0.0.1", made.port))
        senders.append(sender)
    time.sleep(0.5)
    sent: list[list[int]] = [[] for _ in senders]
    began = time.monotonic()
    for n in range(RATE * seconds):
        time.sleep(max(began + n / RATE - time.monotonic(), 0))
        court = n % COURTS
        sent[court].append(time.time_ns())
        text = b"sc1;%d;sc2;0\r\n" % len(sent[court])
        senders[court].sendto(text, ("127.0.0.1", made.port))
    for sender in senders:
        sender.close()
    return sent
