"""The form of a new tournament fills in what the browser knows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

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
