"""A page as PDF, printed by a browser that is on this machine: no compiler, no library.

The browser gets one file that holds everything, with a policy that lets it load nothing and run nothing,
a profile of its own that goes with it, no network, and some seconds. (Its switch that turns scripts off
cannot be used: printing is a script of its own, and then nothing is printed.)
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

MOST_SECONDS = 40
_NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    *("microsoft-edge", "microsoft-edge-stable", "msedge"),
)
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files\Microsoft\Edge\Application\msedge.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
# One takes a core and 200 MB for a second or two.
_turn = threading.Lock()


class PdfError(Exception):
    """No PDF came of it; the text says why."""


@lru_cache(maxsize=1)
def browser() -> str | None:
    """The browser that prints, looked for once; None where there is none."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    return found or next((place for place in _PLACES if os.access(place, os.X_OK)), None)


def print_to_pdf(html: str) -> bytes:
    """The page as PDF. PdfError where there is no browser, or it fails or takes too long."""
    program = browser()
    if program is None:
        raise PdfError("There is no Chromium, Chrome or Edge on this machine.")
    if not _turn.acquire(timeout=MOST_SECONDS):
        raise PdfError("Other reports are being printed. Try again in a moment.")
    try:
        with tempfile.TemporaryDirectory(prefix="restrike-report-", ignore_cleanup_errors=True) as name:
            return _print(program, Path(name), html)
    finally:
        _turn.release()


def _print(program: str, directory: Path, html: str) -> bytes:
    page, printed = directory / "report.html", directory / "report.pdf"
    page.write_text(html, "utf-8", errors="replace")
    arguments = [
        program,
        "--headless",
        "--disable-gpu",
        "--disable-extensions",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--no-default-browser-check",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={directory / 'profile'}",
        "--no-pdf-header-footer",
        f"--print-to-pdf={printed}",
        page.as_uri(),
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Chromium refuses its sandbox to root.
        arguments.insert(1, "--no-sandbox")
    try:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(directory)},
            # So that its children can be ended with it.
            start_new_session=True,
        )
    except OSError as error:
        raise PdfError(f"{program} could not be started: {error.strerror}.") from error
    try:
        process.wait(MOST_SECONDS)
    except subprocess.TimeoutExpired:
        raise PdfError(f"The browser took more than {MOST_SECONDS} seconds.") from None
    finally:
        _end(process)
    if not printed.is_file() or not printed.stat().st_size:
        raise PdfError("The browser of this machine could not print the report.")
    return printed.read_bytes()


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
