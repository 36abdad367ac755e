"""What Prometheus is told: counted on request from the ledger and the machine, nothing is kept here."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
from django.conf import settings
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from events.kinds import Status
from events.live.feed import viewers
from events.models import ListenerNode
from ingest import ledger
from ingest.ledger import NodeLedger
from ingest.listener import journal_directory
from ingest.staging import recorder_state

#: name, meaning, value of a node; counters, which Prometheus is given with `_total` behind them.
_COUNTERS: list[tuple[str, str, Callable[[NodeLedger], float]]] = [
    ("received_datagrams", "Datagrams in the journal.", lambda node: node.received),
    ("stored_datagrams", "Datagrams whose events are in the database.", lambda node: node.stored),
    ("kernel_drops", "Datagrams the system dropped.", lambda node: node.kernel_drops),
    ("blind_seconds", "Time in which no socket was open.", lambda node: node.blind_ms / 1000),
    ("damaged_places", "Places of the journal that could not be read.", lambda node: node.damaged),
]
_GAUGES: list[tuple[str, str, Callable[[NodeLedger], float]]] = [
    ("backlog_datagrams", "Datagrams in the journal, not yet in the database.", lambda node: node.backlog),
    ("receive_buffer_bytes", "What the system keeps for a socket.", lambda node: node.receive_buffer),
    ("recording", "1 while the recorder lives.", lambda node: node.recording),
    ("importing", "1 while the importer lives.", lambda node: node.importing),
]


def as_text() -> bytes:
    """All metrics in Prometheus' text format. DatabaseError when the database does not answer."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Now())
    return generate_latest(registry)


class _Now(Collector):
    """Everything as it is at the moment of asking."""

    def collect(self) -> Iterable[Metric]:
        now = ledger.read()
        for name, meaning, value in _COUNTERS:
            counter = CounterMetricFamily(f"restrike_{name}", meaning, labels=["node"])
            for node in now.nodes:
                counter.add_metric([node.name], value(node))
            yield counter
        for name, meaning, value in _GAUGES:
            yield _by_node(name, meaning, {node.name: value(node) for node in now.nodes})
        yield from _signs_of_life(now.nodes)
        # No counter: deleting a tournament makes it smaller.
        events = GaugeMetricFamily("restrike_events", "Stored messages, by status.", labels=["status"])
        for key, value_ in now.as_dict().items():
            if key in Status.values:
                events.add_metric([key], value_)
        yield events
        yield GaugeMetricFamily("restrike_sessions", "Sessions of senders, ended ones too.", now.sessions)
        yield GaugeMetricFamily("restrike_viewers", "Open pages on this web process' live feed.", viewers())
        yield from _machine()


def _signs_of_life(nodes: list[NodeLedger]) -> Iterator[Metric]:
    """Seconds since recorder and importer last said that they live; none for those that never did."""
    rows = {node.name: node for node in ListenerNode.objects.all()}
    recorder: dict[str, float] = {}
    importer: dict[str, float] = {}
    for name in (node.name for node in nodes):
        row = rows.get(name)
        if state := recorder_state(journal_directory(name)):
            recorder[name] = _age(state.heartbeat_ns / 1e9)
        elif row and row.recorder_seen_at:
            recorder[name] = _age(row.recorder_seen_at.timestamp())
        if row and row.importer_seen_at:
            importer[name] = _age(row.importer_seen_at.timestamp())
    yield _by_node("recorder_silent_seconds", "Since the recorder's last sign of life.", recorder)
    yield _by_node("importer_silent_seconds", "Since the importer's last sign of life.", importer)


def _machine() -> Iterator[Metric]:
    memory = psutil.virtual_memory()
    yield GaugeMetricFamily("restrike_memory_used_ratio", "Of this machine, 0 to 1.", memory.percent / 100)
    resident = GaugeMetricFamily(
        "restrike_resident_memory_bytes", "Of our processes on this machine.", labels=["process"]
    )
    for name, size in _processes().items():
        resident.add_metric([name], size)
    yield resident
    disk = shutil.disk_usage(settings.RESTRIKE_VAR)
    yield GaugeMetricFamily("restrike_disk_free_bytes", "Left where RESTRIKE_VAR is.", disk.free)
    yield GaugeMetricFamily("restrike_disk_size_bytes", "Of the disk with RESTRIKE_VAR.", disk.total)


def _processes() -> dict[str, int]:
    """Resident bytes of this web process, and of recorder, importer and their supervisor here."""
    found = {"web": psutil.Process().memory_info().rss}
    for directory in (Path(settings.RESTRIKE_VAR) / "journal").glob("*"):
        state = recorder_state(directory)
        if state is None or not state.alive():
            continue
        # A process that ends meanwhile has no memory to tell of.
        with suppress(psutil.Error):
            recorder = psutil.Process(state.pid)
            found[f"recorder {directory.name}"] = recorder.memory_info().rss
            for child in (parent := recorder.parents()[0]).children():
                if "import_journal" in child.cmdline():
                    found[f"importer {directory.name}"] = child.memory_info().rss
                    found[f"supervisor {directory.name}"] = parent.memory_info().rss
    return found


def _by_node(name: str, meaning: str, values: dict[str, float]) -> Metric:
    gauge = GaugeMetricFamily(f"restrike_{name}", meaning, labels=["node"])
    for node, value in values.items():
        gauge.add_metric([node], value)
    return gauge


def _age(moment: float) -> float:
    return max(time.time() - moment, 0.0)
