"""A match played again in a real browser: steered on the live page, shown on the wall and on an overlay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import LiveStack
from tests.browser.test_screens import make_display
from tests.processes import wait_until

pytestmark = pytest.mark.browser

STORED = """
SELECT (SELECT count(*) FROM events_pssevent), (SELECT sum(events) FROM events_eventtally),
       (SELECT count(*) FROM events_match), (SELECT count(*) FROM events_athlete),
       (SELECT count(*) FROM events_udpsession), (SELECT count(*) FROM tournaments_court)"""


@pytest.fixture
def replay(page: Page, live_stack: LiveStack, match: tuple[int, str, str]) -> Iterator[Page]:
    """The page of its replay, begun on the page of the match. Nothing of it may be stored."""
    before = live_stack.stack.fetch(STORED)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"/events/match/{match[0]}/change/")
    page.get_by_role("button", name="Play it again").click()
    page.wait_for_url(re.compile(r"/replays/\d+/$"))
    page.locator("[data-live=connection][data-state=open]").wait_for()
    yield page
    assert complaints == []
    assert live_stack.stack.fetch(STORED) == before


def button(page: Page, name: str) -> Locator:
    return page.locator(".replay-bar").get_by_role("button", name=name, exact=True)


def state(page: Page) -> dict[str, Any]:
    """What the server says of it."""
    found: dict[str, Any] = page.request.get(f"{page.url}state/").json()
    return found


def hold(page: Page) -> None:
    button(page, "Hold").click()
    expect(button(page, "Go on")).to_be_visible()


def seek(page: Page, share: float) -> int:
    """Drags the slider there; where it stands then, ms."""
    slider = page.locator("[data-replay=seek]")
    box = slider.bounding_box()
    assert box
    with page.expect_response(re.compile("/control/$")) as answer:
        slider.click(position={"x": box["width"] * share, "y": box["height"] / 2})
    position: int = answer.value.json()["position"]
    return position


def scores(page: Page) -> list[str]:
    """Of blue and red where it stands, as the server folds them."""
    (card,) = state(page)["courts"].values()
    return [str(card[side]["score"]) for side in ("blue", "red")]


def test_replay_plays_to_the_end_at_any_speed_and_again(replay: Page, match: tuple[int, str, str]) -> None:
    expect(replay.locator(".replay-badge")).to_have_text("REPLAY")
    expect(replay.locator("[data-live=connection]")).to_have_text("Replay")
    for speed in ("2", "5", "10", "20", "1"):
        replay.select_option("[data-replay=speed]", speed)
        wait_until(lambda wanted=int(speed): state(replay)["replay"]["speed"] == wanted, 10, speed)
    replay.select_option("[data-replay=speed]", "20")
    winner = f"{match[1].capitalize()} won"
    expect(replay.locator(".live-round")).to_contain_text(winner, timeout=15_000)
    expect(replay.locator(".live-row", has_text="Winner").first).to_be_visible()
    # At twenty times it would be over again before anybody has looked.
    replay.select_option("[data-replay=speed]", "1")
    button(replay, "Play again").click()
    expect(button(replay, "Hold")).to_be_visible()
    expect(replay.locator(".live-round")).not_to_contain_text(winner)
    # Nothing of a recording is late, and its rate says nothing.
    expect(replay.locator(".live-heard")).to_be_hidden()
    expect(replay.locator("[data-live=rate]")).to_have_text("")


def test_held_replay_stands_where_it_is_put(replay: Page) -> None:
    hold(replay)
    shown = replay.locator(".live-card .live-score")
    seen = []
    for share in (0.9, 0.1, 0.6):
        position = seek(replay, share)
        seen.append(scores(replay))
        expect(shown).to_have_text(seen[-1])
        about = state(replay)["replay"]
        assert (about["position"], about["paused"]) == (position, True)
        # A slider's ends are half a thumb inside its box.
        assert position / about["duration"] == pytest.approx(share, abs=0.05)
    assert len({tuple(score) for score in seen}) == 3
    button(replay, "Go on").click()
    wait_until(lambda: state(replay)["replay"]["position"] > position, 10, "going on")


def test_screens_show_it_marked_and_then_what_is_live(
    replay: Page, context: BrowserContext, live_stack: LiveStack, match: tuple[int, str, str]
) -> None:
    hold(replay)
    seek(replay, 0.5)
    key = replay.url.rstrip("/").rpartition("/")[2]
    there = scores(replay)
    wall, overlay, display = context.new_page(), context.new_page(), context.new_page()
    wall.goto(f"/wall/?replay={key}")
    number = state(replay)["courts"].popitem()[0]
    overlay.goto(f"/overlay/{number}/?replay={key}&stale=hold")
    display.goto(make_display(live_stack, source=match[2]) + "&stale=hold")
    give = "from events.models import Display; Display.objects.filter(name='Test').update(replay_id={})"
    live_stack.stack.manage("shell", "-v0", "-c", give.format(key))

    expect(wall.locator("#wall-replayed")).to_be_visible()
    expect(wall.locator(".live-score")).to_have_text(there)
    strip, below = wall.locator("#wall-replayed").bounding_box(), wall.locator(".live-card").bounding_box()
    assert strip
    assert below
    assert strip["y"] + strip["height"] <= below["y"]
    for screen in (overlay, display):
        expect(screen.locator(".replayed")).to_be_visible()
        expect(screen.locator("[data-part=score]")).to_have_text(there)

    button(replay, "Stop").click()
    replay.wait_for_url("**/replays/")
    expect(wall.locator("#wall-replayed")).to_be_hidden()
    ((court,),) = live_stack.stack.fetch(f"SELECT court_id FROM events_match WHERE id = {match[0]}")
    card = wall.locator(f".live-card[data-court='{court}']")
    expect(card.locator(".live-round")).to_contain_text(f"{match[1].capitalize()} won")
    for screen in (overlay, display):
        expect(screen.locator(".replayed")).to_be_hidden()
        expect(screen.locator("[data-part=round]")).to_have_text("Ended")


def test_page_says_that_it_was_stopped_elsewhere(replay: Page, context: BrowserContext) -> None:
    other = context.new_page()
    other.goto(replay.url)
    button(other, "Stop").click()
    expect(replay.locator("[data-live=connection]")).to_have_text("The replay has ended")
    expect(replay.locator(".replay-ended")).to_contain_text("This replay has ended.")
    for control in ("pause", "speed", "seek", "time"):
        expect(replay.locator(f"[data-replay={control}]")).to_be_hidden()
    expect(button(replay, "Stop")).to_be_hidden()
