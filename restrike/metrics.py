"""What Prometheus is told: counted on request from the ledger and the machine, nothing is kept here."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psutil
from django.conf import settings
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from events import measure
from events.alerts.kinds import KINDS
from events.alerts.lease import watcher
from events.kinds import Status
from events.live.feed import viewers
from events.measure import Measures
from events.models import Alert, ListenerNode
from ingest import ledger
from ingest.ledger import NodeLedger
from ingest.listener import journal_directory
from ingest.processes import listener_memory, machine
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
        yield from _measured(measure.read(ledgers=now.nodes))
        # No counter: deleting a tournament makes it smaller.
        events = GaugeMetricFamily("restrike_events", "Stored messages, by status.", labels=["status"])
        for key, value_ in now.as_dict().items():
            if key in Status.values:
                events.add_metric([key], value_)
        yield events
        yield GaugeMetricFamily("restrike_sessions", "Sessions of senders, ended ones too.", now.sessions)
        yield GaugeMetricFamily("restrike_viewers", "Open pages on this web process' live feed.", viewers())
        yield from _alerts()
        yield from _machine()


def _measured(measures: Measures) -> Iterator[Metric]:
    """What takes time to be measured; nothing for a listener of which it is not known."""
    rates = {node.name: node.rate_now for node in measures.nodes if node.rate_now is not None}
    yield _by_node("events_per_second", "Events stored in the last second.", rates)
    for name, meaning, of in (
        ("commit_milliseconds", "From the datagram until it is committed, in the last minute.", "latency"),
        ("database_milliseconds", "Writing and committing, in the last minute.", "database"),
    ):
        gauge = GaugeMetricFamily(f"restrike_{name}", meaning, labels=["node", "quantile"])
        for node in measures.nodes:
            if percentiles := getattr(node, of):
                for quantile, value in zip(("0.5", "0.95", "0.99"), percentiles, strict=True):
                    gauge.add_metric([node.name, quantile], value)
        yield gauge


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


def _alerts() -> Iterator[Metric]:
    """Every kind has a value, so that a rule on one is not silent for want of data."""
    counts = Counter(Alert.objects.open().values_list("kind", flat=True))
    alerts = GaugeMetricFamily("restrike_open_alerts", "Open alerts, by kind.", labels=["kind"])
    for kind in KINDS:
        alerts.add_metric([kind], counts[kind])
    yield alerts
    watched = watcher(timezone.now()) is not None
    yield GaugeMetricFamily("restrike_alerts_watched", "1 while somebody looks for alerts.", watched)


def _machine() -> Iterator[Metric]:
    var = Path(settings.RESTRIKE_VAR)
    about = machine(var)
    yield GaugeMetricFamily(
        "restrike_memory_used_ratio", "Of this machine, 0 to 1.", about.memory_percent / 100
    )
    resident = GaugeMetricFamily(
        "restrike_resident_memory_bytes", "Of our processes on this machine.", labels=["process"]
    )
    resident.add_metric(["web"], psutil.Process().memory_info().rss)
    for directory in (var / "journal").glob("*"):
        for name, size in listener_memory(directory).items():
            resident.add_metric([f"{name} {directory.name}"], size)
    yield resident
    yield GaugeMetricFamily("restrike_disk_free_bytes", "Left where RESTRIKE_VAR is.", about.disk_free)
    yield GaugeMetricFamily("restrike_disk_size_bytes", "Of the disk with RESTRIKE_VAR.", about.disk_size)


def _by_node(name: str, meaning: str, values: dict[str, float]) -> Metric:
    gauge = GaugeMetricFamily(f"restrike_{name}", meaning, labels=["node"])
    for node, value in values.items():
        gauge.add_metric([node], value)
    return gauge


def _age(moment: float) -> float:
    return max(time.time() - moment, 0.0)
