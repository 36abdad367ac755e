"""The PSS wire protocol: pure parser and encoder, no Django, no database, no sockets.

A *datagram* is raw bytes as the kernel delivered them; a *message* is one parsed line of it.
Three dialects are spoken: ``T`` (Daedo TkStrike Gen2, lines end with CR LF), ``P`` (the
published WT UDP list, lines end with ``;``) and ``J`` (TkStrike's JSON output).
"""

from ingest.protocol.encoder import encode, truncate_like_tkstrike
from ingest.protocol.escape import escape, unescape
from ingest.protocol.messages import DIALECTS, JSON_STREAM, KINDS, STATUSES, Message, as_echo
from ingest.protocol.parser import parse

__all__ = [
    "DIALECTS",
    "JSON_STREAM",
    "KINDS",
    "STATUSES",
    "Message",
    "as_echo",
    "encode",
    "escape",
    "parse",
    "truncate_like_tkstrike",
    "unescape",
]
