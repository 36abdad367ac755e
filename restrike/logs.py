"""The log files: one for each kind of process that runs for long, in RESTRIKE_VAR/logs."""

from __future__ import annotations

import logging
import sys
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

_DAEMONS = {"start", "ingest", "import_journal", "alerts"}


def process_name(argv: list[str]) -> str | None:
    """`start`, `ingest`, `import_journal`, `alerts` or `web`; None for a command that ends by itself."""
    program, command = Path(argv[0] if argv else ""), argv[1] if len(argv) > 1 else ""
    if program.stem == "daphne" or program.parent.name == "daphne":
        return "web"
    return command if program.stem == "manage" and command in _DAEMONS else None


class LogFile(RotatingFileHandler):
    """Rotates at 5 MB, keeps five. A log that cannot be written never stops what is logged."""

    def __init__(self, filename: str) -> None:
        super().__init__(filename, maxBytes=5_000_000, backupCount=5, encoding="utf-8", delay=True)

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:
        # The console says it too; a traceback for each line of a full disk helps nobody.
        pass


def handlers(directory: Path) -> dict[str, dict[str, str]]:
    """What this process logs to, as `LOGGING["handlers"]` has it."""
    chosen = {"console": {"class": "logging.StreamHandler", "formatter": "plain"}}
    if name := process_name(sys.argv):
        chosen["file"] = {
            "class": "restrike.logs.LogFile",
            "formatter": "plain",
            "filename": str(directory / f"{name}.log"),
        }
    return chosen
