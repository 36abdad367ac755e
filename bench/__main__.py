"""`python -m bench`: run benchmarks, print a table, write JSON."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence

from restrike import sqlite

# Before anything imports sqlite3: we read the database beside the processes that write it.
sqlite.use_newest()

from bench import report, stand  # noqa: E402
from bench.report import Options, Row, say  # noqa: E402

# name -> module with `run(options) -> Iterable[Row]`; in the order they run.
BENCHMARKS = {
    "micro": "parser and scoreboard, microseconds per message",
    "sustained": "events per second that are stored for 30 s with nothing lost, and beside simpler ways",
    "burst": "360,000 datagrams at 120,000/s: lost, and how fast the backlog drains",
    "commit": "datagram to commit at 1,000/s",
    "websocket": "datagram to WebSocket frame with 50 viewers, at 20/s and 1,000/s",
    "overlays": "datagram to frame on 100 overlays at 200 events/s",
    "frames": "frames per second and layout shifts of an overlay in Chromium, longest frame of the live page",
    "pages": "pages at 5 million events",
    "backup": "backup with verification and restore of 1 million events",
    "memory": "memory of ingest and web after 100,000 events",
    "archive": "archiving events and bringing them back, and the room it saves",
    "operate": "a tournament of 100,000 events backed up, deleted, restored, archived, beside a capture",
    "operate_kills": "SIGKILL of archive, backup and restore at 100 random points each",
    "bounds": "idle recorder, a killed child back",
    "export": "a million events as CSV and XLSX: time, memory, and pages meanwhile",
    "kills": "SIGKILL of recorder and importer under 4,000 datagrams/s",
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measures the real processes on this machine.\n\n"
        + "\n".join(f"  {name:13} {text}" for name, text in BENCHMARKS.items()),
        epilog="Example: python -m bench sustained burst --quick --database sqlite",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run (default: all)")
    parser.add_argument("--repeat", type=int, default=0, help="runs of each, the median counts (3; quick: 1)")
    parser.add_argument("--quick", action="store_true", help="short and small: for trying, not for claims")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument(
        "--postgresql",
        default=os.environ.get("BENCH_POSTGRESQL", "postgres://postgres@127.0.0.1:5432"),
        metavar="URL",
        help="server on which databases of our own are made and dropped (BENCH_POSTGRESQL)",
    )
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    options = Options(
        repeat=given.repeat or (1 if given.quick else 3),
        quick=given.quick,
        databases=("sqlite", "postgresql") if given.database == "both" else (given.database,),
        postgresql=given.postgresql,
    )
    # Ended from outside, we still take our processes and databases with us.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    surroundings = report.machine()
    if (load := surroundings["load_before"] or 0) > 0.5:
        say(f"other work is going on (load {load:.1f}): the numbers will be worse than the machine's")
    rows: list[Row] = []
    failed = []
    with stand.templates(options):
        for name in given.names or BENCHMARKS:
            say(f"{name}: {BENCHMARKS[name]}")
            run: Callable[[Options], Iterable[Row]] = importlib.import_module(f"bench.{name}").run
            try:
                for row in run(options):
                    rows.append(row)
                    say(f"{row.benchmark}: {row.what}: {report.number(row.value)} {row.unit} {row.verdict}")
            except KeyboardInterrupt:
                say("stopped")
                break
            except Exception:
                # What the others found must not be lost with it.
                traceback.print_exc()
                failed.append(name)
    print(report.table(rows))
    path = report.write_json(rows, surroundings, options)
    print(f"\n{surroundings['cpus']} cores, sender on the same machine; written to {path}")
    if failed:
        print(f"Failed: {', '.join(failed)}")
    return 1 if failed or any(row.verdict == "missed" for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
