"""A tournament of a million events: backed up with verification, and restored into another installation."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.pages import filled
from bench.report import Options, Row
from bench.stand import Stand, stand
from tests.processes import PROJECT

EVENTS = 1_000_000
TARGET_MB = 200


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
        for database in options.databases:
            restored, memory = [], []
            for _ in range(options.repeat):
                with stand(options, database) as made:
                    seconds, megabytes = manage(made, "restore_tournament", str(path))
                    restored.append(seconds)
                    memory.append(megabytes)
            yield Row(name, f"{database}, restore", restored, "s", 90 * scale)
            yield Row(name, f"{database}, memory of the restore", memory, "MB")
