"""A real browser makes a backup, verifies it, deletes the tournament, and restores it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import LiveStack
from tests.browser.test_live import load_match
from tests.events.whole_life import numbers, rows

pytestmark = pytest.mark.browser

_MAKE = """
from datetime import date
from tournaments.context import set_context
from tournaments.models import Tournament
made = Tournament.objects.create(name="Whole Life", start_date=date.today(), end_date=date.today())
set_context(made.days.get())
"""
_OVER = """
from tournaments.context import clear_context
clear_context()
"""


@pytest.fixture
def tournament(live_stack: LiveStack) -> int:
    """One with a match that was received as any other; its key."""
    stack = live_stack.stack
    stack.manage("shell", "-v0", "-c", _MAKE)
    stack.send(*load_match("801"), b"pt1;3\r\n", b"hl1;34\r\n", b"win;BLUE\r\n", source="127.0.0.81")
    stack.wait_for_events(12)
    live_stack.settled()
    stack.manage("shell", "-v0", "-c", _OVER)
    return int(stack.fetch("SELECT id FROM tournaments_tournament WHERE slug = 'whole-life'")[0][0])


def done(page: Page) -> None:
    expect(page.get_by_role("heading", name="Done")).to_be_visible(timeout=30_000)


def test_backup_is_made_verified_and_restored_in_a_browser(
    page: Page, live_stack: LiveStack, tournament: int
) -> None:
    before, (events, *_) = rows(live_stack.stack), numbers(live_stack.stack)
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))

    page.goto("/events/backup/")
    page.select_option("select[name=tournament]", str(tournament))
    page.get_by_role("button", name="Back up", exact=True).click()
    done(page)
    expect(page.locator(".rs-result")).to_contain_text(f"{events} events and 1 match, read back and compared")
    assert any("/ws/backups/" in url for url in sockets)
    page.get_by_role("link", name="To the backup", exact=True).click()
    backup = page.url
    page.get_by_role("button", name="Verify again").click()
    done(page)
    expect(page.locator(".rs-result")).to_contain_text("nothing differs")

    page.goto(f"/tournaments/tournament/{tournament}/delete/")
    expect(page.locator(".rs-big")).to_have_text(f"{events} events of 1 match on 1 day")
    go = page.get_by_role("button", name="Back up, then delete")
    page.get_by_label("to go on").fill("whole")
    go.click()
    expect(page.get_by_text("the name typed is not whole-life")).to_be_visible()
    page.get_by_label("to go on").fill("whole-life")
    go.click()
    done(page)
    assert numbers(live_stack.stack) == (0, 0, 0)

    page.goto(backup)
    page.get_by_role("link", name=re.compile("Restore")).click()
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.get_by_role("heading", name="This would happen")).to_be_visible(timeout=30_000)
    assert numbers(live_stack.stack) == (0, 0, 0)
    page.get_by_role("button", name="Restore now").click()
    done(page)
    page.get_by_role("link", name="To Whole Life").click()
    expect(page.get_by_role("heading", name="Days")).to_be_visible()
    assert rows(live_stack.stack) == before
