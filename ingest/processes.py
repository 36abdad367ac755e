"""How much memory our processes take, and the machine they are on."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from ingest.staging import recorder_state


class Machine(NamedTuple):
    """This machine: part of its memory in use (percent), and the disk with RESTRIKE_VAR (bytes)."""

    memory_percent: float
    disk_free: int
    disk_size: int


def machine(var: Path) -> Machine:
    """As it is now. OSError when `var` is not there."""
    disk = shutil.disk_usage(var)
    return Machine(psutil.virtual_memory().percent, disk.free, disk.total)


def listener_memory(directory: Path) -> dict[str, int]:
    """Resident bytes of recorder, importer and supervisor of a journal; {} where none runs here."""
    state = recorder_state(directory)
    found: dict[str, int] = {}
    if state is None or not state.alive():
        return found
    # A process that ends meanwhile has no memory to tell of.
    with suppress(psutil.Error):
        recorder = psutil.Process(state.pid)
        found["recorder"] = recorder.memory_info().rss
        parents = recorder.parents()
        for child in parents[0].children() if parents else []:
            if "import_journal" in child.cmdline():
                found["importer"] = child.memory_info().rss
                found["supervisor"] = parents[0].memory_info().rss
    return found
