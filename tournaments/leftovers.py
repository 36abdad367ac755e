"""Files that a process which was killed, or a person who went away, left in `RESTRIKE_VAR/tmp`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

DAY_S = 24 * 3600


def remove_left_over(paths: Iterable[Path]) -> None:
    """Removes those that nobody has written to for a day."""
    for path in paths:
        # It may be renamed or removed meanwhile; on some systems an open file cannot go.
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > DAY_S:
                path.unlink()
