"""What the importer's tests start from."""

from pathlib import Path

import pytest

from tests.ingest.feed import Feed


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    """A journal, and an importer on it."""
    return Feed(tmp_path / "journal")
