"""`python -m ingest.simulator`: the simulator without Django."""

import argparse
import sys

from ingest.simulator.cli import add_arguments, run
from ingest.simulator.target import SimulatorError


def main() -> int:
    """Run; the exit code is 0, or 2 after one line on what was wrong."""
    parser = argparse.ArgumentParser(prog="python -m ingest.simulator")
    add_arguments(parser)
    try:
        run(parser.parse_args(), lambda line: print(line, flush=True))
    except SimulatorError as problem:
        print(f"simulate: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
