"""The staging file: what a recorder holds between the kernel and the journal, and its vital signs.

`var/journal/<node>/staging-<recorder>` is mapped shared by the recorder. It has a page of words
(counters, heartbeat, addresses), which anyone may read, and on Linux the vector of 64 datagrams
that the kernel fills in one call of `recvmmsg`: lengths, sources, times, drop counts, payloads.
Because the kernel writes them into the page cache itself, a recorder that is killed at any
instant leaves all of them behind. See docs/adr/0001-journal.md for the order of the steps.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import mmap
import os
import struct
import sys
import time
from pathlib import Path
from typing import NamedTuple

from ingest.journal.files import allocate
from ingest.journal.format import O_BINARY

MAGIC = b"RVTASTG1"
PAGE = 4096
SLOTS = 64
SLOT_BYTES = 65_536
NAME_BYTES = 32
CONTROL_BYTES = 128
#: In the place of a length: nothing was received here. No datagram is as long.
EMPTY = 0xFFFF_FFFF

SOCKETS = 32


class W:
    """Which word of the first page is what; eight bytes each, in the machine's order."""

    MAGIC = 0
    LAYOUT = 1
    BASE_SEQUENCE = 2
    LOCAL_PORT = 3
    HEARTBEAT_NS = 4
    PID = 5
    RECEIVED = 6
    KERNEL_DROPS = 7
    RECEIVE_BUFFER = 8
    STARTED_NS = 9
    ERRNO = 10
    HELD = 11
    #: 1 while the slots are on the disk, as a whole, for the time the journal cannot be written.
    SETTLED = 12
    #: From here on, pairs of a socket's cookie and the drops already reported for it.
    SOCKETS = 16


#: JSON of the addresses, and the boot in which this was written.
TEXT_AT = 2048
TEXT_BYTES = 2048


class MsgHdr(ctypes.Structure):
    """struct msghdr, recvmsg(2)."""

    _fields_ = [
        ("msg_name", ctypes.c_void_p),
        ("msg_namelen", ctypes.c_uint32),
        ("msg_iov", ctypes.c_void_p),
        ("msg_iovlen", ctypes.c_size_t),
        ("msg_control", ctypes.c_void_p),
        ("msg_controllen", ctypes.c_size_t),
        ("msg_flags", ctypes.c_int),
    ]


class MMsgHdr(ctypes.Structure):
    """struct mmsghdr, recvmmsg(2)."""

    _fields_ = [("msg_hdr", MsgHdr), ("msg_len", ctypes.c_uint32)]


class IoVec(ctypes.Structure):
    """struct iovec, readv(2)."""

    _fields_ = [("iov_base", ctypes.c_void_p), ("iov_len", ctypes.c_size_t)]


MSG_BYTES = ctypes.sizeof(MMsgHdr)
IOV_BYTES = ctypes.sizeof(IoVec)
LEN_AT = MMsgHdr.msg_len.offset
CONTROLLEN_AT = MsgHdr.msg_controllen.offset

# Where the parts lie in the file.
MSGS_AT = PAGE
IOVS_AT = MSGS_AT + SLOTS * MSG_BYTES
NAMES_AT = IOVS_AT + SLOTS * IOV_BYTES
CONTROLS_AT = NAMES_AT + SLOTS * NAME_BYTES
PAYLOADS_AT = -(-(CONTROLS_AT + SLOTS * CONTROL_BYTES) // PAGE) * PAGE
STAGING_BYTES = PAYLOADS_AT + SLOTS * SLOT_BYTES
#: Says which arrangement a file has: another one is not read.
LAYOUT = MSG_BYTES << 32 | SLOTS


class RecorderState(NamedTuple):
    """What a recorder says of itself, for `manage.py status` and the web.

    `received`: datagrams this journal has ever held. `kernel_drops`: datagrams the kernel dropped
    since this journal exists. `receive_buffer`: bytes the kernel keeps for the smallest of the
    sockets. `errno`: why it cannot write now, 0 when it can; `held`: datagrams it holds meanwhile.
    """

    recorder: str
    pid: int
    heartbeat_ns: int
    started_ns: int
    received: int
    kernel_drops: int
    receive_buffer: int
    listen: tuple[str, ...]
    errno: int
    held: int

    def alive(self, now_ns: int | None = None) -> bool:
        """Whether it has shown a sign of life within the last three seconds."""
        return (time.time_ns() if now_ns is None else now_ns) - self.heartbeat_ns < 3_000_000_000

    @property
    def trouble(self) -> str:
        """Why it cannot write, in plain words; '' when it can."""
        return f"The journal cannot be written: {os.strerror(self.errno)}." if self.errno else ""


def recorder_states(directory: str | Path) -> list[RecorderState]:
    """The states of all recorders that have written in this journal directory."""
    states = []
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(directory)):
            if name.startswith("staging-"):
                state = _read_state(Path(directory) / name)
                if state is not None:
                    states.append(state)
    return states


def recorder_state(directory: str | Path) -> RecorderState | None:
    """The state of the recorder of a journal, the one seen last if several; None without one."""
    return max(recorder_states(directory), key=lambda state: state.heartbeat_ns, default=None)


def _read_state(path: Path) -> RecorderState | None:
    try:
        with path.open("rb") as file:
            page = file.read(PAGE)
    except OSError:
        return None
    if len(page) < PAGE or page[:8] != MAGIC:
        return None
    words = struct.unpack_from("=16Q", page)
    text = _text(page)
    listen = text.get("listen")
    return RecorderState(
        recorder=path.name.removeprefix("staging-"),
        pid=words[W.PID],
        heartbeat_ns=words[W.HEARTBEAT_NS],
        started_ns=words[W.STARTED_NS],
        received=words[W.RECEIVED],
        kernel_drops=words[W.KERNEL_DROPS],
        receive_buffer=words[W.RECEIVE_BUFFER],
        listen=tuple(map(str, listen)) if isinstance(listen, list) else (),
        errno=words[W.ERRNO],
        held=words[W.HELD],
    )


def peek_base_sequence(directory: Path, recorder_id: int) -> int:
    """From which sequence on the slots of a recorder count; 0 when there is no such file."""
    path = directory / f"staging-{recorder_id}"
    if not _fits(path):
        return 0
    with contextlib.suppress(OSError, struct.error), path.open("rb") as file:
        return int(struct.unpack_from("=16Q", file.read(PAGE))[W.BASE_SEQUENCE])
    return 0


def _text(page: bytes) -> dict[str, object]:
    try:
        text = json.loads(page[TEXT_AT:PAGE].rstrip(b"\0") or b"{}")
    except ValueError:
        return {}
    return text if isinstance(text, dict) else {}


class Staging:
    """The mapped staging file of one recorder.

    `words` are the words of the first page; assigning one is a single store, so that no death
    leaves half of a number behind. `fresh` says that there was nothing to recover.
    """

    def __init__(self, directory: Path, recorder_id: int = 0) -> None:
        """Raises OSError when the file cannot be made or has no room on the disk."""
        path = directory / f"staging-{recorder_id}"
        self.fresh = not _fits(path)
        if self.fresh:
            # All its room is taken now: a page of a sparse file that finds the disk full when it
            # is written to would end the process.
            temporary = directory / f"new-{recorder_id}"
            allocate(temporary, STAGING_BYTES)
            os.replace(temporary, path)
        fd = os.open(path, os.O_RDWR | O_BINARY)
        try:
            self.map = mmap.mmap(fd, STAGING_BYTES)
        finally:
            os.close(fd)
        self._view = memoryview(self.map)
        self.words = self._view[:PAGE].cast("Q")
        text = _text(self.map[:PAGE])
        self.boot = str(text.get("boot", ""))
        if self.fresh:
            self.words[W.LAYOUT] = LAYOUT
            self.words[W.MAGIC] = int.from_bytes(MAGIC, sys.byteorder)

    def say(self, listen: list[str], boot: str) -> None:
        """Note the addresses and the boot; both are text for others to read."""
        text = json.dumps({"listen": listen, "boot": boot}).encode()
        if len(text) > TEXT_BYTES:
            text = json.dumps({"listen": listen[:8], "boot": boot}).encode()[:TEXT_BYTES]
        self.map[TEXT_AT:PAGE] = text.ljust(TEXT_BYTES, b"\0")

    def close(self) -> None:
        """Unmap the file."""
        self.words.release()
        self._view.release()
        with contextlib.suppress(BufferError):
            self.map.close()


def _fits(path: Path) -> bool:
    """Whether the file is a staging file of this arrangement."""
    try:
        with path.open("rb") as file:
            magic, layout = struct.unpack("=8sQ", file.read(16))
            return bool(
                magic == MAGIC and layout == LAYOUT and os.fstat(file.fileno()).st_size == STAGING_BYTES
            )
    except (OSError, struct.error):
        return False
