"""A real browser moves what was filed wrongly to the day it belongs to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import LiveStack
from tests.browser.test_live import load_match
from tests.processes import wait_until

pytestmark = pytest.mark.browser

SOURCE = "127.0.0.82"
_MAKE = """
from datetime import date, timedelta
from tournaments.context import clear_context
from tournaments.models import Tournament
today = date.today()
# A day before and one after, so that today's is there on either side of midnight.
made = Tournament.objects.create(
    name="Moved Open", start_date=today - timedelta(1), end_date=today + timedelta(1), time_zone="UTC"
)
clear_context()
print(made.days.get(number=2).pk)
"""
# The court once all eleven messages are stored.
_WAITING = f"""
SELECT c.id FROM events_pssevent e JOIN tournaments_court c ON c.id = e.court_id
WHERE c.source = '{SOURCE}' AND e.day_id IS NULL GROUP BY c.id HAVING count(*) = 11"""
_FILED = "SELECT coalesce(day_id, 0), count(*) FROM events_pssevent WHERE court_id = {court} GROUP BY day_id"


def asked(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


@pytest.mark.parametrize("width", [360, 1366])
def test_events_that_came_without_a_day_are_moved_in_a_browser(
    page: Page, live_stack: LiveStack, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    stack = live_stack.stack
    began = datetime.now(UTC).replace(microsecond=0)
    day = int(stack.manage("shell", "-v0", "-c", _MAKE).stdout.split()[-1])
    stack.send(*load_match("821"), b"pt1;3\r\n", b"win;BLUE\r\n", source=SOURCE)
    ((court,),) = wait_until(lambda: stack.fetch(_WAITING), 20, "the match")
    ended = datetime.now(UTC) + timedelta(seconds=1)

    def filed() -> dict[int, int]:
        return dict(stack.fetch(_FILED.format(court=court)))

    before = filed()
    page.goto("/context/")
    page.get_by_role("link", name="moved to the right one").click()
    page.get_by_label("Received on").select_option(str(court))
    page.get_by_label("From").fill(asked(began))
    page.get_by_label("Up to").fill(asked(began - timedelta(seconds=1)))
    page.get_by_label("Belong to").select_option(str(day))
    show = page.get_by_role("button", name="Show what would move")
    show.click()
    expect(page.get_by_text("The end must be after the beginning.")).to_be_visible()
    # What was typed is there still.
    expect(page.get_by_label("From")).to_have_value(asked(began).removesuffix(":00"))
    page.get_by_label("Up to").fill(asked(ended))
    show.click()
    # The numbers are in sight at once, and nothing is done yet.
    expect(page.locator(".rs-big")).to_have_text("11 events and 1 match")
    expect(page.locator(".rs-big")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert filed() == before

    page.get_by_role("button", name="Back up, then move").click()
    expect(page.get_by_role("heading", name="Done")).to_be_visible(timeout=30_000)
    expect(page.locator(".rs-result")).to_contain_text("Moved 11 events and 1 match")
    expect(page.locator(".rs-result")).to_contain_text("How Moved Open was is kept in")
    assert filed() == {key: count for key, count in before.items() if key} | {day: 11}
    page.get_by_role("link", name="Back", exact=True).click()
    expect(page.get_by_text("that is not there already (11 are)")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="11 events, 1 match").first).to_be_visible()
    expect(page.get_by_role("button", name="Back up, then move")).to_have_count(0)
