"""The journal: every datagram the kernel delivered, on the disk before anything else happens to it.

Standard library only: neither Django nor a database can keep a datagram from being recorded.
"""

from ingest.journal.files import JournalLocked
from ingest.journal.format import Position, Record, pack_address, unpack_address
from ingest.journal.keep import SegmentInfo, iterate, list_segments, prune, verify
from ingest.journal.reader import JournalReader
from ingest.journal.writer import Datagram, JournalWriter

__all__ = [
    "Datagram",
    "JournalLocked",
    "JournalReader",
    "JournalWriter",
    "Position",
    "Record",
    "SegmentInfo",
    "iterate",
    "list_segments",
    "pack_address",
    "prune",
    "unpack_address",
    "verify",
]
