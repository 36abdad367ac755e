"""Datagrams to messages. `parse` never raises and never drops a byte.

Statuses: *recognized*; *partial*, a known message with a field missing, cut or out of range
(what could be read is kept, `error` names what is wrong); *unknown*, readable text that is no
known message; *malformed*, empty, binary or undecodable.
"""

import re
from functools import lru_cache
from typing import Any

from ingest.protocol.escape import escape
from ingest.protocol.fields import join_errors
from ingest.protocol.jsons import read_json
from ingest.protocol.messages import (
    MALFORMED,
    PARTIAL,
    PUBLISHED,
    RECOGNIZED,
    TKSTRIKE,
    UNKNOWN,
    Message,
)
from ingest.protocol.numbers import READERS, Reading
from ingest.protocol.texts import TEXT_READERS, Frame

# Nearly all traffic is short and repeats (ticks, hits, scores); names are long and do not.
_CACHED_BYTES = 64
_CACHE_ENTRIES = 8192
# A sender puts one line in a datagram, a relay a handful. Without a limit one datagram of
# 65,507 line ends could become 32,000 events.
_MOST_LINES = 256

# Lines which TkStrike ends with a `;` too, or may (an empty last field): it tells no dialect.
_TAIL_TELLS_NOTHING = frozenset(
    ("hel", "bye", "ch0", "ch1", "ch2", "ref", "at1", "at2", "mch", "wmh"),
)
_ONLY_TKSTRIKE = frozenset(("hel", "bye", "inlb", "insl", "inth"))

_HITS_TOGETHER = re.compile(rb"(?:hl[12];-?\d+;?)(?=hl[12];)")
_CODE = re.compile(r"[A-Za-z0-9_]{1,16}")
_PORT_NOTICE = re.compile(r"(?:udp port (\d{1,5}) )?(connected|disconnected)", re.IGNORECASE | re.ASCII)
_BINARY = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def parse(datagram: bytes, dialect: str = "") -> tuple[Message, ...]:
    """Return the messages of one datagram: at least one, and together every byte of it.

    `dialect` ('T', 'P', 'J' or '') is what the sender is known to speak; it is used where a line does
    not tell by itself. Never raises. The messages are shared by a cache: do not change them.
    """
    if len(datagram) <= _CACHED_BYTES:
        return _parse_cached(datagram, dialect)
    return _parse(datagram, dialect)


def _parse(datagram: bytes, dialect: str) -> tuple[Message, ...]:
    if datagram[:1] == b"{":
        message = read_json(datagram)
        # Several objects are no JSON together: each is then read on a line of its own.
        if message.status != MALFORMED or b"\n" not in datagram.rstrip():
            return (message,)
    first_end = datagram.find(b"\n") + 1
    alone = first_end in (0, len(datagram))
    if alone and not (b"hl" in datagram[2:] and _HITS_TOGETHER.match(datagram)):
        return (_read_plain(datagram) or _read_line(datagram, dialect, alone=True),)
    messages = []
    for line in _split_lines(datagram):
        if isinstance(line, Message):
            messages.append(line)
            continue
        message = _read_line(line, dialect, alone=False)
        # A sender does not change its dialect inside a datagram.
        dialect = message.dialect or dialect
        messages.append(message)
    return tuple(messages)


_parse_cached = lru_cache(maxsize=_CACHE_ENTRIES)(_parse)


def _split_lines(datagram: bytes) -> list[bytes | Message]:
    """Lines with their ends; an empty line stays with the one before it (or after, if first)."""
    lines: list[bytes | Message] = []
    pending = b""
    start = 0
    while start < len(datagram):
        if len(lines) == _MOST_LINES:
            rest = datagram[start:]
            lines.append(_malformed(rest, f"more than {_MOST_LINES} lines in one datagram"))
            return lines
        end = datagram.find(b"\n", start) + 1 or len(datagram)
        run_together = _HITS_TOGETHER.match(datagram, start, end)
        if run_together:
            end = run_together.end()
        line = datagram[start:end]
        start = end
        if not line.strip(b"\r\n"):
            if lines and isinstance(lines[-1], bytes):
                lines[-1] += line
            else:
                pending += line
            continue
        lines.append(pending + line)
        pending = b""
    if pending:
        lines.append(pending)
    return lines


def _read_plain(line: bytes) -> Message | None:
    """A whole line of printable ASCII whose framing tells its dialect; None for any other.

    Nearly every datagram is one. `_read_line` says the same of it in twice the time.
    """
    if not line.isascii():
        return None
    if line.endswith(b"\r\n"):
        body, end, dialect = line[:-2].decode(), "\\r\\n", TKSTRIKE
    elif line.endswith(b";"):
        body, end, dialect = line[:-1].decode(), ";", PUBLISHED
    else:
        return None
    if "\\" in body or body.endswith(";") or not body.isprintable():
        return None
    fields = body.split(";")
    code = fields[0]
    known = READERS.get(code)
    if known is None or (dialect == PUBLISHED and code in _ONLY_TKSTRIKE):
        return None
    kind, read = known
    athlete, value, number, clock_ms, details, error = read(fields, dialect)
    status = PARTIAL if error else RECOGNIZED
    raw = body + end
    return Message(code, kind, athlete, value, number, clock_ms, details, raw, status, error, dialect)


def _read_line(line: bytes, dialect: str, *, alone: bool) -> Message:
    fault = ""
    half = False
    try:
        text = line.decode()
    except UnicodeDecodeError as problem:
        half = problem.reason == "unexpected end of data" and problem.end == len(line)
        if half:
            text = line[: problem.start].decode()
        else:
            text = line.decode("utf-8", "replace")
            fault = f"not UTF-8 at byte {problem.start}"
    body = text.rstrip("\r\n") if not half else text
    if not alone:
        body = body.lstrip("\r\n")
    ended = text.endswith("\n")
    if "\0" in body:
        body = body.replace("\0", "\ufffd")
        fault = fault or "holds a NUL byte"
    fields = body.split(";")
    tail = len(fields) > 1 and not fields[-1]
    if tail:
        fields.pop()
    code = fields[0]
    short = READERS.get(code)
    long = TEXT_READERS.get(code) if short is None else None
    if short is None and long is None:
        return _read_other(line, text, body, dialect, fault or ("cut short" if half else ""))

    ascii_only = body.isascii() and not half
    run_together = not alone and not ended and code in ("hl1", "hl2")
    told = _tell_dialect(code, ended=ended, tail=tail, ascii_only=ascii_only)
    spoken = told or (dialect if dialect in (TKSTRIKE, PUBLISHED) else "")
    cut = half or (not ended and not run_together and _is_cut(spoken, tail, ascii_only))
    if cut and not spoken:
        spoken = TKSTRIKE
    if cut:
        fault = join_errors(fault, "cut short: the line end is missing")

    reading: Reading
    if short is not None:
        kind, read = short
        reading = read(fields, spoken)
    else:
        assert long is not None
        kind, read_text = long
        lost = _count_lost(body, half=half, alone=alone) if cut else 0
        reading = read_text(fields, Frame(spoken, tail, lost))
    athlete, value, number, clock_ms, details, error = reading
    if fault:
        error = join_errors(fault, error)
    return Message(
        code,
        kind,
        athlete,
        value,
        number,
        clock_ms,
        details,
        escape(line),
        PARTIAL if error else RECOGNIZED,
        error,
        spoken,
    )


def _tell_dialect(code: str, *, ended: bool, tail: bool, ascii_only: bool) -> str:
    """What the framing of one known line says by itself."""
    if code in _ONLY_TKSTRIKE:
        return TKSTRIKE if ended else ""
    if ended and not tail:
        return TKSTRIKE
    if tail and code not in _TAIL_TELLS_NOTHING and (ended or ascii_only):
        return PUBLISHED
    if tail and not ended and ascii_only:
        # TkStrike never cuts a line of ASCII, and always ends it.
        return PUBLISHED
    return ""


def _is_cut(spoken: str, tail: bool, ascii_only: bool) -> bool:
    """Whether a line without a line end lost it.

    From TkStrike always. From a sender not known yet, only where there is something that costs
    bytes, and no `;` that P would end the line with.
    """
    if spoken == TKSTRIKE:
        return True
    return not spoken and not ascii_only and not tail


def _count_lost(body: str, *, half: bool, alone: bool) -> int:
    """Bytes TkStrike did not send, by the characters that are there; many when not known."""
    if half or not alone:
        return 1000
    return len(body.encode()) - len(body.encode("utf-16-le")) // 2


def _read_other(line: bytes, text: str, body: str, dialect: str, fault: str) -> Message:
    """A line with no known code: P's port notice, JSON, unknown, or malformed."""
    notice = _PORT_NOTICE.fullmatch(body.removesuffix(";"))
    if notice and not fault:
        port = int(notice[1]) if notice[1] else None
        wrong = "" if port is None or port <= 65_535 else "port is out of range"
        return Message(
            "",
            "connect" if notice[2].lower() == "connected" else "disconnect",
            value=port,
            raw=escape(line),
            status=PARTIAL if wrong else RECOGNIZED,
            error=wrong,
            dialect=PUBLISHED,
        )
    if not body.strip():
        return _malformed(line, "empty datagram" if not line else "empty line")
    if body.lstrip().startswith("{"):
        return read_json(line)
    if fault and fault != "cut short":
        return _malformed(line, fault)
    if _BINARY.search(body):
        return _malformed(line, "binary: control characters where a message code should stand")
    found = _CODE.fullmatch(body.partition(";")[0])
    stream = found[0] if found else ""
    error = "no message known by this code" if found else "no message code"
    return Message(
        stream,
        "unknown",
        raw=escape(line),
        status=UNKNOWN,
        error=join_errors(fault, error),
        dialect=dialect if dialect in (TKSTRIKE, PUBLISHED) else "",
    )


def _malformed(line: bytes, error: str) -> Message:
    details: dict[str, Any] = {}
    return Message("", "unknown", details=details, raw=escape(line), status=MALFORMED, error=error)
