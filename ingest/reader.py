"""The parser as the apps above see it, through `settings.EVENT_READER`."""

from __future__ import annotations

from ingest.protocol import Message, parse, unescape
from ingest.tallies import shape

__all__ = ["read", "shape", "to_bytes"]


def to_bytes(raw: str) -> bytes:
    """The bytes as they came, from the stored text."""
    return unescape(raw)


def read(raw: str, dialect: str) -> tuple[Message, ...]:
    """The stored text parsed anew, for a session that speaks `dialect`."""
    return parse(unescape(raw), dialect)
