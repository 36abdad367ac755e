"""The parent of recorder, importer and web: holds the sockets, restarts what dies, stops in order.

It opens the listening sockets (or takes them from systemd) and hands them to the recorder, so
that datagrams wait in the kernel while the recorder restarts. It never reads them itself.

    Supervisor(
        listen=["0.0.0.0:6000", "[::]:6000"],
        children=[
            recorder_spec(directory, segment_mb=64),
            ChildSpec(
                "importer",
                lambda fds: [sys.executable, "manage.py", "import_journal", "--wake-fd", str(fds.wake)],
                wake=True,
                cwd=project,
            ),
            ChildSpec("web", [sys.executable, "-m", "daphne", "restrike.asgi:application"]),
        ],
        state_dir=directory,
        log=print,
    ).run()

Children are started in the order given and terminated in that order too, each within its grace
period, so that the importer can still take up what the recorder wrote last. On Linux they get
SIGTERM when the supervisor dies in any way; a child with `leash=True` also reads the end of its
standard input then, everywhere.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from ingest.journal.files import boot_id
from ingest.listen import address_of, open_sockets, systemd_sockets
from ingest.recorder import REFUSED

#: A child that ends by itself within these seconds has failed at once.
AT_ONCE_S = 5.0
LONGEST_WAIT_S = 5.0
#: Where a child's end cannot be waited for with a descriptor, it is looked for this often.
POLL_S = 0.05
PR_SET_PDEATHSIG = 1

WINDOWS = sys.platform == "win32"


class Fds(NamedTuple):
    """What a child is handed. Numbers are file descriptors, the same ones in the child.

    `sockets`: the listening sockets, empty on Windows, where the child opens `listen` itself.
    `wake`: the pipe by which the recorder wakes the importer, the end this child needs; -1 for none.
    `opened_ns`, `last_open_ns`: when the sockets were opened, and when the last ones before were
    last known to be open (0: never), ns since 1970; from these the recorder tells the blind time.
    """

    sockets: tuple[int, ...]
    wake: int
    listen: tuple[str, ...]
    opened_ns: int
    last_open_ns: int


@dataclass(frozen=True)
class ChildSpec:
    """A child to keep running. `argv` may be a function of the descriptors it is handed.

    `sockets`: gets the listening sockets and the writing end of the wake pipe.
    `wake`: gets the reading end of the wake pipe. `env` is added to the environment.
    `grace_s`: seconds between SIGTERM and SIGKILL. `leash`: standard input is a pipe that ends
    with the supervisor.
    """

    name: str
    argv: Sequence[str] | Callable[[Fds], Sequence[str]]
    sockets: bool = False
    wake: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    grace_s: float = 10.0
    leash: bool = False


def recorder_spec(directory: Path, *, recorder_id: int = 0, segment_mb: int = 64) -> ChildSpec:
    """The recorder of the journal in `directory`, as a child."""

    def argv(fds: Fds) -> list[str]:
        command = [sys.executable, "-m", "ingest.recorder", "--dir", str(Path(directory).absolute())]
        command += ["--recorder-id", str(recorder_id), "--segment-mb", str(segment_mb), "--leash"]
        command += ["--opened-ns", str(fds.opened_ns), "--last-open-ns", str(fds.last_open_ns)]
        if fds.wake >= 0:
            command += ["--wake-fd", str(fds.wake)]
        if fds.sockets:
            return [*command, "--fds", ",".join(map(str, fds.sockets))]
        return [*command, *(part for address in fds.listen for part in ("--listen", address))]

    project = Path(__file__).resolve().parent.parent
    return ChildSpec("recorder", argv, sockets=True, cwd=project, leash=True)


class _Child:
    """A child and what the supervisor remembers of it."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.process: subprocess.Popen[bytes] | None = None
        self.pidfd = -1
        self.started = 0.0
        self.starts = 0
        self.failures = 0
        self.due = 0.0


class Supervisor:
    """Runs children until it is told to stop (SIGTERM, SIGINT, SIGHUP or `stop()`).

    `listen`: addresses for UDP; not looked at when systemd hands sockets over; may be empty when
    no child wants sockets. `state_dir`: the journal's directory, where it is noted each second
    that the sockets are open. `log`: called with one plain sentence at a time.
    """

    def __init__(
        self,
        listen: Sequence[str],
        children: Sequence[ChildSpec],
        state_dir: str | Path,
        log: Callable[[str], None] = print,
    ) -> None:
        self.listen = list(listen)
        self.state_dir = Path(state_dir)
        self.log = log
        self.sockets: list[socket.socket] = []
        self._children = [_Child(spec) for spec in children]
        self._wake: tuple[int, int] = (-1, -1)
        self._opened_ns = self._last_open_ns = 0
        self._stopping = False
        self._result = 0
        self._bell, self._bell_rope = socket.socketpair()
        self._bell.setblocking(False)
        self._bell_rope.setblocking(False)
        self._selector = selectors.DefaultSelector()

    # -- what callers use ------------------------------------------------------------------

    def open(self) -> list[str]:
        """Open the sockets; returns the addresses they have. Raises ListenError.

        `run()` does it when it was not done before.
        """
        if not self.sockets and self.listen:
            self.state_dir.mkdir(parents=True, exist_ok=True)
            last, boot = _read_alive(self.state_dir)
            handed = systemd_sockets()
            self.sockets = handed or ([] if WINDOWS else open_sockets(self.listen))
            self._opened_ns = time.time_ns()
            self._last_open_ns = last
            if handed and boot == boot_id():
                self._opened_ns = 0  # systemd had them open all the while.
            if not WINDOWS and self._wake[0] < 0:
                self._wake = os.pipe()
                os.set_blocking(self._wake[0], False)
                os.set_blocking(self._wake[1], False)
        return [str(address_of(one)) for one in self.sockets] or self.listen

    def run(self) -> int:
        """Start the children and keep them running; returns the exit code, 0 after a stop.

        Raises ListenError when an address cannot be listened on. Signals are handled only when
        this is the main thread.
        """
        self.open()
        restore = self._take_signals()
        self._selector.register(self._bell, selectors.EVENT_READ)
        try:
            for child in self._children:
                self._start(child)
            while not self._stopping:
                self._wait(self._patience())
                self._look_after_children()
                self._say_alive()
        finally:
            try:
                self._stop_children()
                self._say_alive()
            finally:
                self._close()
                restore()
        return self._result

    def stop(self) -> None:
        """Make `run()` stop the children and return. From any thread or signal handler."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._bell_rope.send(b".")

    def pids(self) -> dict[str, int]:
        """The process of each child that runs now, by name."""
        return {c.spec.name: c.process.pid for c in self._children if c.process is not None}

    def starts(self) -> dict[str, int]:
        """How often each child was started, by name."""
        return {c.spec.name: c.starts for c in self._children}

    # -- starting ---------------------------------------------------------------------------

    def _start(self, child: _Child) -> None:
        spec = child.spec
        wake = self._wake[1] if spec.sockets else self._wake[0] if spec.wake else -1
        sockets = tuple(one.fileno() for one in self.sockets) if spec.sockets else ()
        fds = Fds(sockets, wake, tuple(self.listen), self._opened_ns, self._last_open_ns)
        argv = spec.argv(fds) if callable(spec.argv) else spec.argv
        options: dict[str, Any] = {}
        if WINDOWS:
            options["creationflags"] = 0x00000200  # CREATE_NEW_PROCESS_GROUP: Ctrl-C comes to us alone.
        else:
            options["pass_fds"] = (*sockets, *((wake,) if wake >= 0 else ()))
            options["start_new_session"] = True
            if sys.platform == "linux":
                options["preexec_fn"] = partial(_die_with_parent, os.getpid())
        child.started = time.monotonic()
        child.starts += 1
        try:
            child.process = subprocess.Popen(
                list(argv),
                stdin=subprocess.PIPE if spec.leash else subprocess.DEVNULL,
                env={**os.environ, **spec.env},
                cwd=spec.cwd,
                **options,
            )
        except OSError as error:
            child.failures += 1
            child.due = time.monotonic() + LONGEST_WAIT_S
            self.log(f"The {spec.name} could not be started: {error.strerror or error}. Trying again.")
            return
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                child.pidfd = os.pidfd_open(child.process.pid)
                self._selector.register(child.pidfd, selectors.EVENT_READ)

    # -- watching ---------------------------------------------------------------------------

    def _patience(self) -> float:
        """Seconds until something is due."""
        now = time.monotonic()
        due = [c.due - now for c in self._children if c.process is None]
        if any(c.process is not None and c.pidfd < 0 for c in self._children):
            due.append(POLL_S)
        return max(0.0, min([1.0, *due]))

    def _wait(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            if key.fileobj is self._bell:
                with contextlib.suppress(OSError):
                    self._bell.recv(4096)

    def _look_after_children(self) -> None:
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                self._ended(child, child.process.returncode)
            if self._stopping:
                return
            if child.process is None and time.monotonic() >= child.due:
                self._start(child)

    def _ended(self, child: _Child, code: int) -> None:
        """Decide when a child that ended is started again: at once, or later when it keeps failing."""
        self._forget(child)
        name, lived = child.spec.name, time.monotonic() - child.started
        if code == REFUSED and child.starts == 1 and lived < AT_ONCE_S:
            self.log(f"The {name} cannot run, so everything is stopped.")
            self._result = REFUSED
            self._stopping = True
            return
        # A child killed from outside is no failure of its own, unless that is all it ever does.
        failed = lived < (AT_ONCE_S if code >= 0 else 0.1)
        child.failures = child.failures + 1 if failed else 0
        wait = min(LONGEST_WAIT_S, 0.1 * 2 ** (child.failures - 1)) if child.failures else 0.0
        child.due = time.monotonic() + wait
        how = f"was killed (signal {-code})" if code < 0 else f"stopped (exit code {code})"
        again = f"starting it again in {wait:.1f} s" if wait >= 1 else "starting it again"
        if child.failures <= 6 or child.failures % 60 == 0:
            self.log(f"The {name} {how}; {again}.")

    def _forget(self, child: _Child) -> None:
        if child.pidfd >= 0:
            self._selector.unregister(child.pidfd)
            os.close(child.pidfd)
            child.pidfd = -1
        if child.process is not None and child.process.stdin is not None:
            child.process.stdin.close()
        child.process = None

    def _say_alive(self) -> None:
        if not self.sockets:
            return
        about = {"alive_ns": time.time_ns(), "pid": os.getpid(), "boot": boot_id()}
        with contextlib.suppress(OSError):
            fd = os.open(self.state_dir / "supervisor", os.O_WRONLY | os.O_CREAT, 0o640)
            try:
                os.write(fd, json.dumps(about).encode().ljust(256))
            finally:
                os.close(fd)

    # -- stopping ---------------------------------------------------------------------------

    def _stop_children(self) -> None:
        # The recorder drains what the kernel holds; what comes after it closed comes to nobody.
        for one in self.sockets:
            one.close()
        for child in self._children:
            if child.process is None:
                continue
            with contextlib.suppress(OSError):
                child.process.terminate() if not (WINDOWS and child.spec.leash) else None
            if child.process.stdin is not None:
                child.process.stdin.close()
            try:
                child.process.wait(child.spec.grace_s)
            except subprocess.TimeoutExpired:
                self.log(f"The {child.spec.name} did not stop within {child.spec.grace_s:.0f} s: killed.")
                child.process.kill()
                child.process.wait()
            self._forget(child)

    def _close(self) -> None:
        for fd in self._wake:
            if fd >= 0:
                os.close(fd)
        self._wake = (-1, -1)
        self._selector.close()
        self._bell.close()
        self._bell_rope.close()

    def _take_signals(self) -> Callable[[], None]:
        if threading.current_thread() is not threading.main_thread():
            return lambda: None

        def on_signal(number: int, frame: FrameType | None) -> None:
            self.stop()

        names = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")
        numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
        before = {number: signal.signal(number, on_signal) for number in numbers}

        def restore() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        return restore


def _read_alive(state_dir: Path) -> tuple[int, str]:
    """When a supervisor last said that its sockets were open (ns; 0: never), and in which boot."""
    try:
        about = json.loads((state_dir / "supervisor").read_text())
        return int(about["alive_ns"]), str(about["boot"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0, ""


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent(parent: int) -> None:
    """In the child, before it runs: have the kernel send SIGTERM when the parent is gone."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
