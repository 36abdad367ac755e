"""What the tests ask only roughly, since it depends on what else the machine does: measured here.

The longest frame of the live page in a browser at 1,000 events/s; the processor time of a recorder that
hears nothing; and how soon a child that was killed is back.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator

import psutil

from bench.kills import CHILDREN
from bench.report import Options, Row, say
from bench.stand import Stand, stand, wait_load
from ingest.staging import recorder_state
from tests.processes import Process, wait_until

RATE = 1_000
FRAME_MS = 1_000
# In two heartbeats of a second each.
IDLE_S = 0.03
BACK_S = 1.0

_WATCH_FRAMES = """() => {
  window.frames_ = { count: 0, longest: 0 };
  let last = performance.now();
  const step = (now) => {
    frames_.count += 1;
    frames_.longest = Math.max(frames_.longest, now - last);
    last = now;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}"""


def run(options: Options) -> Iterator[Row]:
    with stand(options, "sqlite") as made:
        ingest = made.start("ingest")
        wait_until(lambda: ingest.child(CHILDREN["importer"]), 30, "the importer")
        idle = [idle_recorder(made, ingest) for _ in range(options.repeat)]
        yield Row("bounds", "idle recorder, processor time in two heartbeats", idle, "s", IDLE_S)
        for child, word in CHILDREN.items():
            back = [seconds_until_back(ingest, word) for _ in range(options.choose(5, 2))]
            yield Row("bounds", f"killed {child} is started again within", [max(back)], "s", BACK_S)
    chromium = shutil.which("chromium")
    if chromium is None:
        say("there is no chromium: the page's frames are not measured")
        return
    frames = [longest_frame(options, chromium) for _ in range(options.repeat)]
    yield Row("bounds", f"live page, longest frame at {RATE:,}/s", frames, "ms", FRAME_MS)


def idle_recorder(made: Stand, ingest: Process) -> float:
    """Seconds of processor time from one heartbeat to the second one after it."""
    directory = made.var / "journal" / "main"

    def beat() -> int:
        state = recorder_state(directory)
        return state.heartbeat_ns if state is not None else 0

    child = wait_until(lambda: ingest.child(CHILDREN["recorder"]), 30, "the recorder")
    process = psutil.Process(child.pid)
    first = beat()
    began = wait_until(lambda: (now := beat()) > first and now, 10, "a heartbeat")
    used = sum(process.cpu_times()[:2])
    wait_until(lambda: beat() > began + 1_900_000_000, 10, "two heartbeats")
    return sum(process.cpu_times()[:2]) - used


def seconds_until_back(ingest: Process, word: str) -> float:
    """From a SIGKILL until the supervisor has another one running."""
    child = wait_until(lambda: ingest.child(word), 30, word)
    # One that dies young waits longer before it is started again.
    wait_until(lambda: time.time() - child.create_time() > 3, 10, f"{word} settled")
    killed = time.monotonic()
    os.kill(child.pid, signal.SIGKILL)
    wait_until(lambda: (now := ingest.child(word)) is not None and now.pid != child.pid, 20, f"{word} back")
    return time.monotonic() - killed


def longest_frame(options: Options, chromium: str) -> float:
    """ms between two drawings of the live page while events come."""
    from playwright.sync_api import sync_playwright

    with stand(options, "sqlite") as made, sync_playwright() as playwright:
        made.start("ingest")
        made.start_web()
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        address = f"http://127.0.0.1:{made.web_port}"
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        context.add_cookies([{"name": "sessionid", "value": made.hall["session"], "url": address}])
        page = context.new_page()
        page.goto(f"{address}/live/")
        page.wait_for_selector("#rs-problems", state="attached")
        page.evaluate(_WATCH_FRAMES)
        count = RATE * options.choose(20, 6)
        load = made.start_load(RATE, count)
        while load.popen.poll() is None:
            page.wait_for_timeout(100)
        wait_load(load)
        made.wait_stored(count)
        shown = page.evaluate("document.querySelectorAll('.live-row').length")
        frames = page.evaluate("window.frames_")
        browser.close()
    assert shown, "the page showed no event"
    say(f"{frames['count']:,} frames, the longest {frames['longest']:.0f} ms, {shown} rows shown")
    return float(frames["longest"])
