"""The recorder: from the sockets into the journal, and nothing else.

    python -m ingest.recorder --dir var/journal/main --listen 0.0.0.0:6000

Python's standard library only, no Django and no database, so that nothing there can keep a
datagram from being recorded. The supervisor runs it and hands it the open sockets.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import gc
import os
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from ingest.drops import Drops
from ingest.journal import Datagram, JournalLocked, JournalWriter
from ingest.journal.files import boot_id, why_not_written
from ingest.listen import ListenError, adopt_sockets, open_sockets, receive_buffer
from ingest.receive import Listener, Receiver, make_receiver
from ingest.staging import SLOTS, Staging, W, peek_base_sequence

#: Exit code that says: as I was started I shall never run, there is no use in trying again.
REFUSED = 2

TICK_S = 1.0
RETRY_S = 0.5
#: While datagrams come in quick succession the recorder lets some gather: fewer, fuller calls.
GATHER_S = 0.001
#: Calls on one socket before the others have their turn.
TURN = 16
#: How long a stopping recorder takes out of the kernel what came before it was told to stop.
DRAIN_S = 3.0
SMALL_BUFFER = 2 << 20


class Recorder:
    """Records what comes to some sockets until it is told to stop.

    `opened_ns`, `last_open_ns`: when the sockets were opened and when others before them were
    last known to be open (ns since 1970). An `opened_ns` of 0 says that they were open all the
    while, None that they were opened now. `log` is called with one plain sentence at a time.
    """

    def __init__(
        self,
        directory: str | Path,
        sockets: Sequence[socket.socket],
        *,
        wake_fd: int = -1,
        recorder_id: int = 0,
        segment_bytes: int = 64 << 20,
        opened_ns: int | None = None,
        last_open_ns: int = 0,
        leash: bool = False,
        log: Callable[[str], None] = print,
        receiver: Callable[[Staging], Receiver] = make_receiver,
    ) -> None:
        self.directory = Path(directory)
        self.listeners = [Listener(one) for one in sockets]
        self.log = log
        self._wake_fd = wake_fd
        self._recorder_id = recorder_id
        self._segment_bytes = segment_bytes
        self._opened_ns = time.time_ns() if opened_ns is None else opened_ns
        self._last_open_ns = last_open_ns
        self._make_receiver = receiver
        self._stopping = False
        self._failing = ""
        self._notes: list[dict[str, Any]] = []
        self._drops = Drops(self.listeners)
        self._drops_looked_ns = 0
        self._truncated = 0
        self._bell, self._bell_rope = socket.socketpair()
        self._bell.setblocking(False)
        self._bell_rope.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._bell, selectors.EVENT_READ)
        for listener in self.listeners:
            self._selector.register(listener.socket, selectors.EVENT_READ, listener)
        if leash:
            self._take_leash()

    def stop(self) -> None:
        """Make `run()` finish. From any thread or signal handler."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._bell_rope.send(b".")

    def run(self) -> int:
        """Record until stopped; 0 when all that was received is in the journal, else 1.

        Raises JournalLocked when another process records into this directory.
        """
        if not self._retry(self._open):
            return 1
        try:
            if not self._store(self._left_over()):
                return 1
            self._begin()
            self._record()
            return self._finish()
        finally:
            self._staging.words[W.HEARTBEAT_NS] = time.time_ns()
            self._writer.close()
            self._staging.close()

    # -- starting ---------------------------------------------------------------------------

    def _open(self) -> None:
        base = peek_base_sequence(self.directory, self._recorder_id)
        writer = JournalWriter(self.directory, self._segment_bytes, sequence_at_least=base, log=self.log)
        try:
            self._staging = Staging(self.directory, self._recorder_id)
        except BaseException:
            writer.close()
            raise
        self._writer = writer
        self._receiver = self._make_receiver(self._staging)

    def _left_over(self) -> list[Datagram]:
        """What the process before had received and not appended.

        After the machine itself went down, the pages of the staging file are of different ages
        and prove nothing, unless they were made to settle because the journal was not writable.
        """
        staging = self._staging
        if staging.boot != boot_id() and not staging.words[W.SETTLED]:
            return []
        return self._receiver.recover(self._writer.next_sequence)

    def _begin(self) -> None:
        """Say in the journal that recording starts, and how long nothing was listening before."""
        words, boot = self._staging.words, boot_id()
        self._drops.begin(self._staging, boot)
        last = max(self._last_open_ns, words[W.HEARTBEAT_NS])
        # A socket that outlived the recorder before may have dropped ever since that one looked.
        self._drops_looked_ns = (words[W.HEARTBEAT_NS] if self._staging.boot == boot else 0) or time.time_ns()
        first = self._writer.next_sequence == 0
        blind = 0 if first or not last else max(0, self._opened_ns - last)
        addresses = [str(listener.address) for listener in self.listeners]
        buffer = min((receive_buffer(listener.socket) for listener in self.listeners), default=0)
        self._staging.say(addresses, boot)
        words[W.ERRNO] = words[W.HELD] = words[W.SETTLED] = 0
        words[W.PID] = os.getpid()
        words[W.STARTED_NS] = time.time_ns()
        words[W.RECEIVE_BUFFER] = buffer
        words[W.RECEIVED] = self._writer.datagrams
        self._notes.append(
            {
                "note": "start",
                "blind_ns": blind,
                "opened_ns": self._opened_ns or time.time_ns(),
                "listen": addresses,
                "receive_buffer": buffer,
                "pid": os.getpid(),
            }
        )
        self._write_notes()
        words[W.HEARTBEAT_NS] = time.time_ns()
        self.log(f"Recording {', '.join(addresses)}; the receive buffer is {buffer / 1e6:,.1f} MB.")
        if buffer < SMALL_BUFFER:
            self.log(
                "The receive buffer is small: a burst may be lost. "
                "Allow more with: sysctl -w net.core.rmem_max=268435456"
            )

    # -- recording --------------------------------------------------------------------------

    def _record(self) -> None:
        tick = time.monotonic()
        while not self._stopping:
            now = time.monotonic()
            if now >= tick:
                self._tick()
                tick = now + TICK_S
            gather = False
            for key, _ in self._selector.select(tick - now):
                if isinstance(key.data, Listener):
                    gather |= 1 < self._take(key.data) < SLOTS
                else:
                    self._hear(key.fd)
            if gather and not self._stopping:
                time.sleep(GATHER_S)

    def _take(self, listener: Listener) -> int:
        """Some turns at a socket; returns how many datagrams the last one gave."""
        datagrams: list[Datagram] = []
        for _ in range(TURN):
            datagrams = self._receiver.receive(listener)
            if not datagrams or not self._store(datagrams):
                break
            if len(datagrams) < SLOTS:
                break
        return len(datagrams)

    def _store(self, datagrams: list[Datagram]) -> bool:
        """Append, trying until there is room; False when told to stop before. Wakes the importer."""
        writer = self._writer
        while True:
            before = writer.next_sequence
            try:
                writer.append(datagrams)
                break
            except OSError as error:
                datagrams = datagrams[writer.next_sequence - before :]
                if not self._hold(error, len(datagrams)):
                    return False
        self._receiver.release(writer.next_sequence)
        self._staging.words[W.RECEIVED] = writer.datagrams
        if self._failing:
            self._recovered()
        self._wake()
        return True

    def _wake(self) -> None:
        """Tell the importer that there is news."""
        if self._wake_fd >= 0:
            with contextlib.suppress(OSError):
                os.write(self._wake_fd, b"\0")

    def _tick(self) -> None:
        """Each second: a sign of life, and what the kernel dropped."""
        since_ns, self._drops_looked_ns = self._drops_looked_ns, time.time_ns()
        for listener, more in self._drops.news(self._staging):
            self._notes.append(
                {
                    "note": "drops",
                    "kernel_drops": more,
                    "since_ns": since_ns,
                    "listen": str(listener.address),
                }
            )
            self._write_notes()
            self.log(f"The kernel dropped {more} datagrams at {listener.address}.")
        if self._receiver.truncated > self._truncated:
            more = self._receiver.truncated - self._truncated
            self._notes.append({"note": "truncated", "datagrams": more})
            self._truncated = self._receiver.truncated
        self._write_notes()
        self._staging.words[W.HEARTBEAT_NS] = time.time_ns()

    def _write_notes(self) -> None:
        """Write the notes there are; those that find no room are tried again with the next tick."""
        if not self._notes:
            return
        with contextlib.suppress(OSError):
            while self._notes:
                self._writer.note(self._notes[0])
                del self._notes[0]
        # Notes have sequences too: the slots, which are empty now, count from behind them.
        self._receiver.release(self._writer.next_sequence)
        self._wake()

    # -- trouble ----------------------------------------------------------------------------

    def _retry(self, work: Callable[[], None]) -> bool:
        """Do `work` until it succeeds; False when told to stop before."""
        while True:
            try:
                work()
                return True
            except OSError as error:
                self._complain(error, "The kernel keeps what comes until then.")
                if not self._pause():
                    return False

    def _hold(self, error: OSError, held: int) -> bool:
        """Keep the datagrams in the staging file for a while; False when told to stop."""
        words = self._staging.words
        # On a disk that has become read-only or broken, writing to the mapping could be fatal.
        if error.errno == errno.ENOSPC:
            words[W.ERRNO], words[W.HELD] = error.errno, held
            words[W.HEARTBEAT_NS] = time.time_ns()
            if not words[W.SETTLED]:
                with contextlib.suppress(OSError):
                    self._staging.map.flush()
                    words[W.SETTLED] = 1
        self._complain(error, f"{held} datagrams are held, and the kernel keeps what comes until then.")
        return self._pause()

    def _recovered(self) -> None:
        words = self._staging.words
        words[W.ERRNO] = words[W.HELD] = words[W.SETTLED] = 0
        self._failing = ""
        self.log("The journal is written again.")

    def _complain(self, error: OSError, more: str) -> None:
        what = why_not_written(error, self.directory)
        if what != self._failing:
            self.log(f"{what} {more}")
        self._failing = what

    def _pause(self) -> bool:
        """Wait until the next try; False when told to stop."""
        until = time.monotonic() + RETRY_S
        with selectors.DefaultSelector() as selector:
            for key in self._selector.get_map().values():
                if not isinstance(key.data, Listener):
                    selector.register(key.fileobj, selectors.EVENT_READ)
            while not self._stopping and (left := until - time.monotonic()) > 0:
                for key, _ in selector.select(left):
                    self._hear(key.fd)
        return not self._stopping

    # -- stopping ---------------------------------------------------------------------------

    def _hear(self, fd: int) -> None:
        """The bell rang, or the leash is cut."""
        if fd == self._bell.fileno():
            with contextlib.suppress(OSError):
                self._bell.recv(4096)
        elif not os.read(fd, 4096):
            self._stopping = True

    def _take_leash(self) -> None:
        """Stop when standard input ends, that is, when the supervisor is gone."""
        if sys.platform != "win32":
            self._selector.register(0, selectors.EVENT_READ)
            return

        def wait() -> None:
            while os.read(0, 4096):
                pass
            self.stop()

        threading.Thread(target=wait, name="leash", daemon=True).start()

    def _finish(self) -> int:
        """Take what the kernel still holds, close the sockets and say so."""
        if self._failing:
            return 1
        until = time.monotonic() + DRAIN_S
        waiting = list(self.listeners)
        while waiting and time.monotonic() < until:
            waiting = [listener for listener in waiting if self._take(listener)]
        self._tick()
        for listener in self.listeners:
            listener.socket.close()
        self._notes.append({"note": "stop"})
        self._write_notes()
        return 1 if self._notes or self._failing else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m ingest.recorder",
        description="Record UDP datagrams into a journal.",
        epilog="Example: python -m ingest.recorder --dir var/journal/main --listen 0.0.0.0:6000",
    )
    parser.add_argument("--dir", required=True, help="directory of the journal")
    parser.add_argument("--listen", action="append", default=[], metavar="HOST:PORT")
    parser.add_argument("--fds", default="", help="open sockets to take over, e.g. 3,4")
    parser.add_argument("--wake-fd", type=int, default=-1, help="pipe to write to when there is news")
    parser.add_argument("--recorder-id", type=int, default=0)
    parser.add_argument("--segment-mb", type=float, default=64)
    parser.add_argument("--opened-ns", type=int, default=None, help="when the sockets were opened")
    parser.add_argument("--last-open-ns", type=int, default=0, help="when others were open before")
    parser.add_argument("--leash", action="store_true", help="stop when standard input ends")
    options = parser.parse_args(arguments)

    def log(sentence: str) -> None:
        with contextlib.suppress(OSError):
            print(sentence, file=sys.stderr, flush=True)

    try:
        if options.fds:
            sockets = adopt_sockets([int(fd) for fd in options.fds.split(",")])
        else:
            sockets = open_sockets(options.listen)
        if options.wake_fd >= 0:
            os.set_blocking(options.wake_fd, False)
        recorder = Recorder(
            options.dir,
            sockets,
            wake_fd=options.wake_fd,
            recorder_id=options.recorder_id,
            segment_bytes=int(options.segment_mb * (1 << 20)),
            opened_ns=options.opened_ns,
            last_open_ns=options.last_open_ns,
            leash=options.leash,
            log=log,
        )

        def on_signal(number: int, frame: FrameType | None) -> None:
            recorder.stop()

        for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), on_signal)
        gc.disable()  # Nothing here makes cycles, and a collection is a pause.
        return recorder.run()
    except (ListenError, JournalLocked) as error:
        log(str(error))
        return REFUSED


if __name__ == "__main__":
    sys.exit(main())
