"""What a browser draws: frames and layout shifts of an overlay, and the longest frame of the live page.

Chromium without a window, on the same two cores. It draws at most 60 frames a second, and an empty page,
measured in the same browser just before, says how many it has time for.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from bench.report import Options, Row, say
from bench.stand import Stand, stand, wait_load
from tests.processes import wait_until

# As in a hall, and so fast that names, rounds and winners change within the run.
SPEEDS = (1, 20)
# 60, as a whole number.
FRAMES = 59.5
RATE = 1_000
FRAME_MS = 1_000

_DISPLAYS = """
from events.models import Display
from tournaments.models import Court
for view in ("scoreboard", "lower-third"):
    print("path", Display.objects.create(name=view, view=view, court=Court.objects.first()).path)
"""

# `longest` is in ms; `changes` of texts, so that a page that shows nothing is found out.
_WATCH = """() => {
  const seen = { frames: 0, longest: 0, shifts: 0, changes: 0 };
  const began = performance.now();
  let last = began;
  const step = (now) => {
    seen.frames += 1;
    seen.longest = Math.max(seen.longest, now - last);
    last = now;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
  new PerformanceObserver((list) => { seen.shifts += list.getEntries().length; })
    .observe({ type: 'layout-shift', buffered: true });
  new MutationObserver((list) => { seen.changes += list.length; })
    .observe(document, { childList: true, subtree: true });
  window.seen = () => ({ ...seen, rate: seen.frames * 1000 / (performance.now() - began) });
}"""


def run(options: Options) -> Iterator[Row]:
    chromium = shutil.which("chromium")
    if chromium is None:
        say("there is no chromium: nothing is measured")
        return
    for speed in SPEEDS:
        runs = [overlays(options, chromium, speed) for _ in range(options.repeat)]
        for view in runs[0]:
            label = f"{view}, matches at {speed} times their speed" if view != "empty page" else view
            found = [one[view] for one in runs]
            rates = [one["rate"] for one in found]
            if view == "empty page":
                yield Row("frames", f"{view}, frames", rates, "/s", better="higher")
                continue
            yield Row("frames", f"{label}, frames", rates, "/s", FRAMES if speed == 1 else None, "higher")
            yield Row("frames", f"{label}, longest frame", [one["longest"] for one in found], "ms")
            yield Row("frames", f"{label}, layout shifts", [one["shifts"] for one in found], "", 0)
    longest = [live_page(options, chromium) for _ in range(options.repeat)]
    yield Row("frames", f"live page, longest frame at {RATE:,}/s", longest, "ms", FRAME_MS)


@contextmanager
def browsing(options: Options, chromium: str) -> Iterator[tuple[Stand, Browser]]:
    """A stand that records and answers, and a browser."""
    with stand(options, "sqlite") as made, sync_playwright() as playwright:
        made.start("ingest")
        made.start_web()
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield made, browser
        browser.close()


def overlays(options: Options, chromium: str, speed: int) -> dict[str, dict[str, float]]:
    """What was seen on an empty page, on a scoreboard and on a lower third while four courts play."""
    found = {}
    with browsing(options, chromium) as (made, browser):
        made.module(
            *("ingest.simulator", "--target", f"127.0.0.1:{made.port}", "--courts", "4"),
            *("--matches", "0", "--speed", str(speed), "--seed", "1"),
        )
        wait_until(lambda: made.query("SELECT 1 FROM tournaments_court"), 30, "a court")
        said = made.manage("shell", "-v0", "-c", _DISPLAYS).stdout
        paths = [line.split()[1] for line in said.splitlines() if line.startswith("path ")]
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        found["empty page"] = watched(page, options)
        for view, path in zip(("scoreboard", "lower third"), paths, strict=True):
            page.goto(f"http://127.0.0.1:{made.web_port}{path}")
            page.wait_for_selector("#overlay[data-stale=false]")
            found[view] = watched(page, options)
            assert found[view]["changes"], "the overlay showed nothing"
    say(" · ".join(f"{view} {seen['rate']:.1f}/s, {seen['shifts']} shifts" for view, seen in found.items()))
    return found


def watched(page: Page, options: Options) -> dict[str, float]:
    # To open it costs a few frames.
    page.wait_for_timeout(1000)
    page.evaluate(_WATCH)
    page.wait_for_timeout(1000 * options.choose(20, 5))
    seen: dict[str, float] = page.evaluate("window.seen()")
    return seen


def live_page(options: Options, chromium: str) -> float:
    """ms between two drawings of the live page while events come."""
    with browsing(options, chromium) as (made, browser):
        address = f"http://127.0.0.1:{made.web_port}"
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        context.add_cookies([{"name": "sessionid", "value": made.hall["session"], "url": address}])
        page = context.new_page()
        page.goto(f"{address}/live/")
        page.wait_for_selector("#rs-problems", state="attached")
        page.evaluate(_WATCH)
        count = RATE * options.choose(20, 6)
        load = made.start_load(RATE, count)
        while load.popen.poll() is None:
            page.wait_for_timeout(100)
        wait_load(load)
        made.wait_stored(count)
        shown = page.evaluate("document.querySelectorAll('.live-row').length")
        seen: dict[str, float] = page.evaluate("window.seen()")
    assert shown, "the page showed no event"
    say(f"{seen['frames']:,} frames, the longest {seen['longest']:.0f} ms, {shown} rows shown")
    return seen["longest"]
