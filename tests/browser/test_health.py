"""The health page in a real browser: the charts are drawn, and come back after the server was away."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import LiveStack
from tests.processes import wait_until

pytestmark = pytest.mark.browser

# Whether anything but the empty background was painted on a chart.
PAINTED = """(canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value, place) => place % 4 === 3 && value > 0);
}"""


def test_health_page_draws_its_charts_and_survives_a_restart(live_stack: LiveStack, page: Page) -> None:
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    live_stack.stack.send(b"pt1;3\r\n", b"sc1;3;sc2;0\r\n")
    wait_until(lambda: live_stack.stack.count("events_listenersample") > 0, 30, "a sample")

    page.goto("/health/")
    page.locator("#rs-charts[data-drawn='1h']").wait_for()
    charts = page.locator("[data-chart]")
    assert charts.count() == 6
    for place in range(6):
        assert charts.nth(place).locator("canvas").evaluate(PAINTED)
    # What the picture says is there in words, too.
    label = charts.first.locator("[role=img]").get_attribute("aria-label") or ""
    assert "stored: " in label
    assert "stored: —" not in label
    expect(page.locator("#rs-health-courts polyline")).not_to_have_count(0)

    page.get_by_role("button", name="10 minutes").click()
    page.locator("#rs-charts[data-drawn='10m']").wait_for()
    expect(page.get_by_role("button", name="10 minutes")).to_have_attribute("aria-pressed", "true")

    live_stack.stop_web()
    page.get_by_role("button", name="1 hour").click()
    expect(page.locator("#rs-charts-note")).to_contain_text("does not answer")
    live_stack.start_web()
    page.get_by_role("button", name="10 minutes").click()
    expect(page.locator("#rs-charts-note")).to_contain_text("A gap in a line", timeout=20_000)
    assert complaints == []


def test_health_page_fits_a_phone(live_stack: LiveStack, page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/health/")
    page.locator(".rs-state-words").wait_for()

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
