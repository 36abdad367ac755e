import time
from pathlib import Path

import pytest

from tests.ingest.feed import Feed


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    """A journal of three hours ago, so that whole matches fit between then and now."""
    return Feed(tmp_path / "journal", time.time_ns() - 3 * 3600 * 10**9)
