"""A token is shown once: a real browser takes it along."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, expect

from tests.browser.conftest import LiveStack

pytestmark = pytest.mark.browser


def test_new_token_is_copied_and_answered(
    page: Page, context: BrowserContext, playwright: Playwright, live_stack: LiveStack
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/events/apitoken/add/")
    page.fill("[name=name]", "Results screen")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied", exact=True)).to_be_visible()
    token = page.evaluate("navigator.clipboard.readText()")
    assert token == page.locator("#token").inner_text()
    # Another program, without the session of this browser.
    program = playwright.request.new_context(base_url=live_stack.web_url)
    told = [
        program.get("/api/v1/courts", headers=sent) for sent in ({}, {"Authorization": f"Bearer {token}"})
    ]
    assert [answer.status for answer in told] == [401, 200]
