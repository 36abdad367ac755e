"""The simulator's options and its run, shared by `manage.py simulate` and `python -m ingest.simulator`."""

import argparse
import json
import random
import signal
import threading
from collections.abc import Callable
from dataclasses import asdict

from ingest.protocol.messages import JSON, PUBLISHED, TKSTRIKE
from ingest.simulator.court import SimulatedCourt
from ingest.simulator.load import send_load
from ingest.simulator.sender import Report, send_live
from ingest.simulator.target import SimulatorError, read_target

DESCRIPTION = "Plays taekwondo matches and sends what a scoring system would: to try a set-up, or to load it."
EXAMPLES = """examples:
  four courts, three matches each, as fast as real ones
    simulate --target 127.0.0.1:6000 --courts 4 --matches 3
  the same twenty times as fast, without end (Ctrl-C stops it)
    simulate --target 127.0.0.1:6000 --courts 4 --matches 0 --speed 20
  one court that sends its text and its JSON output at once
    simulate --target 127.0.0.1:6000 --courts 1 --dialect both
  360,000 datagrams at 120,000 a second from sixteen courts
    simulate --target 127.0.0.1:6000 --courts 16 --rate 120000 --count 360000
"""
# name -> dialect, and whether the JSON output is sent beside it
_DIALECTS = {
    "tkstrike": (TKSTRIKE, False),
    "published": (PUBLISHED, False),
    "json": (JSON, False),
    "both": (TKSTRIKE, True),
}
DIALECT_HELP = (
    "what the scoring systems speak: TkStrike's text (the default), the published list, TkStrike's JSON"
    " output, or its text and JSON at once"
)
MOST_COURTS = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the simulator's options, description and examples to `parser`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--target", required=True, metavar="HOST:PORT", help="where to send; nothing goes elsewhere"
    )
    parser.add_argument("--courts", type=int, default=4, metavar="N", help="courts that send (default 4)")
    parser.add_argument(
        "--matches", type=int, metavar="N", help="matches on each court (default 1; 0: without end)"
    )
    parser.add_argument("--speed", type=float, metavar="X", help="how many times as fast as real (default 1)")
    parser.add_argument(
        "--rate", type=int, metavar="N", help="load: datagrams per second from all courts together"
    )
    parser.add_argument(
        "--count", type=int, metavar="N", help="load: datagrams in all (default: until Ctrl-C)"
    )
    parser.add_argument("--dialect", choices=tuple(_DIALECTS), default="tkstrike", help=DIALECT_HELP)
    parser.add_argument("--seed", type=int, metavar="S", help="the same seed plays the same matches")
    parser.add_argument("--json", action="store_true", help="print the report as one line of JSON")


def run(options: argparse.Namespace, tell: Callable[[str], None]) -> Report:
    """Send what `options` ask for and return the report; `tell` gets every line for the user.

    Raises SimulatorError, one line, when the options are wrong or the target cannot be reached.
    SIGINT and SIGTERM end the run early and cleanly.
    """
    _check(options)
    target = read_target(options.target)
    seed = random.SystemRandom().randrange(2**31) if options.seed is None else options.seed
    dialect, both = _DIALECTS[options.dialect]
    progress = (lambda line: None) if options.json else tell
    stop = threading.Event()
    before = [(number, signal.signal(number, lambda *_: stop.set())) for number in _signals()]
    try:
        if options.rate:
            progress(f"Sending {options.rate:,}/s to {target} from {options.courts} courts, seed {seed}")
            report: Report = send_load(
                target, options.courts, options.rate, options.count or 0, seed, dialect, stop, progress
            )
        else:
            matches = 1 if options.matches is None else options.matches
            progress(f"Playing on {options.courts} courts for {target}, seed {seed} (Ctrl-C stops)")
            courts = [
                SimulatedCourt(number, seed, matches, dialect, both=both)
                for number in range(1, options.courts + 1)
            ]
            report = send_live(target, courts, options.speed or 1.0, stop, progress)
    finally:
        for number, handler in before:
            signal.signal(number, handler)
    if options.json:
        tell(json.dumps({**asdict(report), "rate": report.rate, "seed": seed}))
    else:
        _summarize(report, str(target), tell)
    return report


def _check(options: argparse.Namespace) -> None:
    if not 1 <= options.courts <= MOST_COURTS:
        raise SimulatorError(f"--courts must be from 1 to {MOST_COURTS}")
    if options.count is not None and options.rate is None:
        raise SimulatorError("--count needs --rate, the datagrams per second")
    if options.rate is not None and (options.speed is not None or options.matches is not None):
        raise SimulatorError(
            "give either --rate, for load, or --speed and --matches, for matches in their time"
        )
    if options.rate is not None and not 1 <= options.rate <= 10_000_000:
        raise SimulatorError("--rate must be from 1 to 10,000,000 datagrams per second")
    if options.rate is not None and options.dialect == "both":
        raise SimulatorError("--dialect both is for matches in their time, not for --rate")
    if options.count is not None and options.count < 1:
        raise SimulatorError("--count must be 1 or more")
    if options.matches is not None and options.matches < 0:
        raise SimulatorError("--matches must be 0 or more")
    if options.speed is not None and not 0 < options.speed <= 10_000:
        raise SimulatorError("--speed must be more than 0, at most 10000")


def _signals() -> tuple[signal.Signals, ...]:
    # Python sets handlers in the main thread only; elsewhere the caller stops the process itself.
    if threading.current_thread() is not threading.main_thread():
        return ()
    return signal.SIGINT, signal.SIGTERM


def _summarize(report: Report, target: str, tell: Callable[[str], None]) -> None:
    start = "Stopped. " if report.stopped else ""
    played = "1 match" if report.matches == 1 else f"{report.matches} matches"
    matches = f", {played}" if report.matches else ""
    tell(f"{start}Sent {report.sent:,} datagrams{matches} in {report.seconds:,.1f} s: {report.rate:,.0f}/s")
    if report.refused:
        tell(f"Nobody listened at {target} for at least {report.refused:,} of them")
