"""An alert as staff meet it: it appears on the live page, rings once it may, and is acknowledged."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import LiveStack, open_live
from tests.browser.test_live import LOOK, send
from tests.processes import wait_until

pytestmark = pytest.mark.browser

# Every tone that the page really starts.
COUNT_TONES = """
  window.tones = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...args) { window.tones += 1; return start.apply(this, args); };
"""
# Courts that other tests left in the middle of a match are silent, too.
_ONE_RULE = """
from events.models import AlertRule
AlertRule.objects.exclude(kind="not_recording").update(enabled=False)
AlertRule.objects.filter(kind="not_recording").update(enabled=True, hold_s=0, recover_s=2)
"""


@pytest.fixture
def watched(live_stack: LiveStack) -> Iterator[LiveStack]:
    """Somebody looks for alerts; in the end all is well again, and nobody does."""
    live_stack.stack.manage("shell", "-v0", "-c", _ONE_RULE)
    process = live_stack.stack.start("alerts")
    process.wait_for_line("Looking for alerts")
    yield live_stack
    if live_stack.ingest is None or live_stack.ingest.popen.poll() is not None:
        live_stack.ingest = live_stack.stack.start("ingest")
    wait_until(
        lambda: (
            live_stack.stack.fetch("SELECT count(*) FROM events_alert WHERE state <> 'resolved'") == [(0,)]
        ),
        30,
        "the alert to be over",
    )
    process.stop()


def tones(page: Page) -> int:
    return int(page.evaluate("() => window.tones"))


def test_alert_rings_on_the_live_page_and_is_acknowledged(live: Page, watched: LiveStack) -> None:
    live.add_init_script(COUNT_TONES)
    open_live(live)
    sound = live.locator("[data-live=sound]")
    expect(sound).to_have_text("Alarm sound is off")
    send(watched, "hl1;41")  # something goes on
    assert watched.ingest
    watched.ingest.stop()
    banners = live.locator("#rs-problems")
    expect(banners).to_contain_text("1 alert is open.", timeout=20_000)
    expect(banners).to_contain_text("Nothing is being recorded by listener")

    # Nothing sounds before somebody has allowed it.
    assert tones(live) == 0
    sound.click()
    expect(sound).to_have_text("Alarm sound is on")
    wait_until(lambda: tones(live) >= 3, 10, "the alarm")
    # It goes on until somebody sees to it.
    rung = tones(live)
    wait_until(lambda: tones(live) > rung, 15, "the alarm again")

    # After a reload the browser wants to be touched first; what was chosen is remembered.
    live.reload()
    live.locator("[data-live=connection][data-state=open]").wait_for()
    expect(sound).to_have_attribute("data-sound", re.compile("blocked|on"))
    live.locator("[data-live=context]").click()
    expect(sound).to_have_attribute("data-sound", "on")
    wait_until(lambda: tones(live) >= 3, 15, "the alarm after the reload")

    banners.get_by_role("link", name="See the alert").click()
    card = live.locator(".rs-alert", has_text="Not recording")
    expect(card).to_contain_text("Start the listener")
    card.get_by_placeholder("What you do about it").fill("I start it again")
    card.get_by_role("button", name="Acknowledge").click()
    expect(live.locator("#rs-alerts-open")).to_contain_text("Acknowledged by operator")
    expect(live.locator("#rs-alerts-open")).to_contain_text("“I start it again”")
    expect(live.locator("#rs-alerts-open")).to_contain_text("Nothing else is wrong.")

    # Quiet, though nothing is recorded yet.
    told: list[str] = []
    live.on("websocket", lambda socket: socket.on("framereceived", lambda text: told.append(str(text)[:16])))
    open_live(live)
    live.locator("[data-live=context]").click()
    expect(sound).to_have_attribute("data-sound", "on")
    expect(banners).to_contain_text("Nothing is being recorded by listener")
    expect(banners).not_to_contain_text("alert is open")
    # The server has said so more than once.
    wait_until(lambda: tones(live) >= 0 and told.count('{"type":"status"') >= 2, 15, "the server")
    assert tones(live) == 0
    # And it can be switched off.
    sound.click()
    expect(sound).to_have_text("Alarm sound is off")

    # When it is over it is under the earlier ones, without anybody reloading anything.
    live.goto("/alerts/")
    watched.ingest = watched.stack.start("ingest")
    expect(live.locator("#rs-alerts-open")).to_contain_text("Nothing is wrong.", timeout=20_000)
    live.reload()
    expect(live.locator("table").first).to_contain_text("I start it again")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1366])
def test_alerts_page_can_be_read(live: Page, watched: LiveStack, width: int, scheme: str) -> None:
    live.emulate_media(color_scheme=scheme)
    live.set_viewport_size({"width": width, "height": 800})
    live.goto("/alerts/")
    expect(live.get_by_role("heading", name="Rules")).to_be_visible()
    look = live.evaluate(LOOK.replace(".live-page", ".rs-page"))
    assert look["smallest"] >= 14
    assert look["wider"] <= 0
    assert look["pale"] == []
