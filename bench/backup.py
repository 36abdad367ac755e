"""A tournament of a million events: backed up with verification, and restored into another installation."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.pages import filled
from bench.report import Options, Row, percentile
from bench.stand import Stand, stand
from tests.processes import PROJECT, wait_until

EVENTS = 1_000_000
TARGET_MB = 200
RATE = 5_000
TARGET_P99_MS = 250


def manage(made: Stand, *args: str) -> tuple[float, float]:
    """Seconds that `manage.py ARGS` took, and the most memory it had, in MB."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(PROJECT / "manage.py"), *args],
        env=made.env,
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, f"{' '.join(args)} failed"
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def beside_capture(source: Stand, place: Path, name: str) -> Iterator[Row]:
    """The same backup while datagrams arrive: what is lost, and how long they take to be stored."""
    shutil.copyfile(source.url.removeprefix("sqlite:///"), place / "restrike.sqlite3")
    made = Stand(place, f"sqlite:///{place}/restrike.sqlite3", {})
    made.env["SECRET_KEY"] = "bench"
    try:
        made.start("ingest")
        before, newest = made.stored(), made.query("SELECT max(id) FROM events_pssevent")[0][0]
        load = made.start_numbered(RATE, 10**9, place / "times", "--mixed", "--sources", "4")
        wait_until(lambda: made.stored() > before + RATE, 30, "the first datagrams stored")
        seconds, _ = manage(made, "backup_tournament", "long-open")
        assert load.stop() == 0, load.output
        sent = int(json.loads(load.lines[-1])["sent"])
        made.wait_stored(before + sent)
        lost = before + sent - made.stored()
        waited = [
            ms for (ms,) in made.query(f"SELECT processing_ms FROM events_pssevent WHERE id > {newest}")
        ]
    finally:
        made.close()
    note = f"of {sent:,} captured at {RATE:,}/s; the backup took {seconds:.0f} s beside it"
    yield Row(name, "SQLite, lost meanwhile", [lost], "datagrams", 0, note=note)
    p99 = percentile(waited, 0.99)
    yield Row(name, "SQLite, datagram to commit meanwhile, p99", [p99], "ms", TARGET_P99_MS)


def run(options: Options) -> Iterator[Row]:
    events = options.choose(EVENTS, 100_000)
    name = f"backup {events:,}"
    scale = events / EVENTS
    source, _ = filled(events)
    source.manage("context", "clear")
    taken: list[float] = []
    memory: list[float] = []
    with tempfile.TemporaryDirectory(prefix="bench-backup-") as place:
        for _ in range(options.repeat):
            for old in Path(place).iterdir():
                old.unlink()
            seconds, megabytes = manage(source, "backup_tournament", "long-open", "--to", place)
            taken.append(seconds)
            memory.append(megabytes)
        path = next(Path(place).glob("*.zip"))
        size = f"{path.stat().st_size / 1e6:.1f} MB"
        yield Row(name, "SQLite, backup with verification", taken, "s", 60 * scale, note=size)
        yield Row(name, "SQLite, memory of the backup", memory, "MB", TARGET_MB)
        with tempfile.TemporaryDirectory(prefix="bench-beside-") as beside:
            yield from beside_capture(source, Path(beside), name)
        for database in options.databases:
            restored, memory = [], []
            for _ in range(options.repeat):
                with stand(options, database) as made:
                    seconds, megabytes = manage(made, "restore_tournament", str(path))
                    restored.append(seconds)
                    memory.append(megabytes)
            yield Row(name, f"{database}, restore", restored, "s", 90 * scale)
            yield Row(name, f"{database}, memory of the restore", memory, "MB")
