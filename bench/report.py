"""What a benchmark found, as a table for people and as JSON for comparing later."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass
class Options:
    """What was asked for on the command line."""

    repeat: int
    quick: bool
    databases: tuple[str, ...]
    postgresql: str

    def choose(self, full: Any, quick: Any) -> Any:
        """One value for a full run, another for a quick one."""
        return quick if self.quick else full


@dataclass
class Row:
    """One measured number: `runs` holds each run's, `value` is their median unless given.

    `target` is the number to reach, None for what is only informative; `better` says which way is
    better. `share`, of a baseline, is our own rate of the same run divided by it.
    """

    benchmark: str
    what: str
    runs: Sequence[float]
    unit: str
    target: float | None = None
    better: str = "lower"
    share: float | None = None
    note: str = ""
    value: float = field(default=0.0)

    def __post_init__(self) -> None:
        self.value = self.value or (statistics.median(self.runs) if self.runs else 0.0)

    @property
    def verdict(self) -> str:
        """'ok', 'missed', or '' where there is nothing to reach."""
        if self.target is None or not self.runs:
            return ""
        reached = self.value <= self.target if self.better == "lower" else self.value >= self.target
        return "ok" if reached else "missed"


def say(text: str) -> None:
    """A line about what goes on, beside the table."""
    print(f"  {datetime.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie; 0 for none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def number(value: float) -> str:
    """For people: thousands apart, decimals only where they say something."""
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.2f}"


def table(rows: Sequence[Row]) -> str:
    head = ("benchmark", "what", "median", "unit", "worst", "target", "", "beside")
    lines = [head]
    for row in rows:
        worst: Callable[[Sequence[float]], float] = max if row.better == "lower" else min
        sign = "<=" if row.better == "lower" else ">="
        beside = ""
        if row.share is not None:
            beside = (
                f"ours is {row.share:.1f} times it" if row.share >= 1 else f"ours is {row.share:.0%} of it"
            )
        lines.append(
            (
                row.benchmark,
                row.what,
                number(row.value) if row.runs else "-",
                row.unit,
                number(worst(row.runs)) if len(row.runs) > 1 else "",
                f"{sign} {number(row.target)}" if row.target is not None else "",
                row.verdict,
                " · ".join(part for part in (beside, row.note) if part),
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    right = {2, 4, 5}
    made = [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    made.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(made)


def machine() -> dict[str, Any]:
    """In what surroundings the numbers were measured."""
    model = ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=RESULTS.parent
    ).stdout.strip()
    # Not earlier: bench.__main__ has to put the newest at hand in its place first.
    import sqlite3

    import django

    return {
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "cpu": model,
        "memory_mb": psutil.virtual_memory().total // 2**20,
        "system": platform.platform(),
        "python": platform.python_version(),
        "django": django.get_version(),
        "sqlite": sqlite3.sqlite_version,
        "load_before": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "commit": commit,
    }


def write_json(rows: Sequence[Row], surroundings: dict[str, Any], options: Options) -> Path:
    """Writes bench/results/<time>.json and returns its path."""
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    path = RESULTS / f"{now:%Y-%m-%dT%H-%M-%SZ}.json"
    path.write_text(
        json.dumps(
            {
                "measured_at": now.isoformat(timespec="seconds"),
                "machine": surroundings,
                "options": asdict(options),
                "rows": [asdict(row) | {"verdict": row.verdict} for row in rows],
            },
            indent=1,
        )
        + "\n"
    )
    return path
