"""Files that were left in `RESTRIKE_VAR/tmp`."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tournaments.leftovers import DAY_S, remove_left_over


def test_files_nobody_wrote_to_for_a_day_go_and_one_renamed_meanwhile_is_no_trouble(tmp_path: Path) -> None:
    old, new, renamed = (tmp_path / name for name in ("old", "new", "renamed"))
    for path in (old, new):
        path.touch()
    long_ago = time.time() - DAY_S - 1
    os.utime(old, (long_ago, long_ago))

    remove_left_over([renamed, old, new])

    assert list(tmp_path.iterdir()) == [new]
