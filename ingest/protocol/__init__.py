"""The PSS wire protocol: pure parser and encoder, no Django, no database, no sockets.

A *datagram* is raw bytes as the kernel delivered them; a *message* is one parsed line of it.
Two dialects are spoken: ``T`` (Daedo TkStrike Gen2, lines end with CR LF) and ``P`` (the
published WT UDP list, lines end with ``;``).
"""

from ingest.protocol.encoder import encode, truncate_like_tkstrike
from ingest.protocol.escape import escape, unescape
from ingest.protocol.messages import DIALECTS, KINDS, STATUSES, Message
from ingest.protocol.parser import parse

__all__ = [
    "DIALECTS",
    "KINDS",
    "STATUSES",
    "Message",
    "encode",
    "escape",
    "parse",
    "truncate_like_tkstrike",
    "unescape",
]
