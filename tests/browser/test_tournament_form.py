"""The form of a new tournament fills in what the browser knows, and the list shows what was typed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser


def test_new_tournament_has_the_browsers_time_zone_and_both_dates(
    browser: Browser, browser_context_args: dict[str, object]
) -> None:
    with browser.new_context(**{**browser_context_args, "timezone_id": "Asia/Seoul"}) as context:
        page = context.new_page()
        page.goto("/tournaments/tournament/add/")
        expect(page.locator("[name=time_zone]")).to_have_value("Asia/Seoul")
        page.fill("[name=start_date]", "2027-05-14")
        page.press("[name=start_date]", "Tab")
        expect(page.locator("[name=end_date]")).to_have_value("2027-05-14")
        page.fill("[name=name]", "Seoul Open")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_role("link", name="Seoul Open").first.click()
        # What was saved stays, whatever the browser.
        expect(page.locator("[name=time_zone]")).to_have_value("Asia/Seoul")
        expect(page.locator("[name=end_date]")).to_have_value("2027-05-14")


def test_long_name_is_whole_in_the_list_on_a_telephone(page: Page) -> None:
    name = "Open of the city with a name that three sponsors have paid for until the year after the next"
    page.goto("/tournaments/tournament/add/")
    page.fill("[name=name]", name)
    page.fill("[name=start_date]", "2027-06-11")
    page.press("[name=start_date]", "Tab")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name=name).first).to_be_visible()
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/tournaments/tournament/")
    cell = page.locator("#result_list th", has=page.get_by_role("link", name=name))
    inner, outer = cell.get_by_role("link").bounding_box(), cell.bounding_box()
    assert inner
    assert outer
    assert outer["y"] <= inner["y"] < inner["y"] + inner["height"] <= outer["y"] + outer["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
