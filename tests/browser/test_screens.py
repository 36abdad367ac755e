"""Overlays and the wall in a real browser: what is opaque and what is not, compared within the same run."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, TimeoutError, expect

from tests.browser.conftest import LiveStack
from tests.browser.test_live import HOSTILE, load_match, send
from tests.processes import wait_until

pytestmark = pytest.mark.browser

SOURCE = "127.0.0.41"
OBS = {"width": 1920, "height": 1080}

_MAKE = """
from events.models import Display
from tournaments.models import Court
court = Court.objects.filter(source={source!r}).first()
display = Display.objects.create(name="Test", court=court if {view!r} != "wall" else None, view={view!r})
print(display.path)
"""

# Where each box is, and what moved as the browser itself sees it: not all that a contained box holds.
BOXES = """() => [
  ...document.querySelectorAll('#overlay > *, #overlay .side > *, #overlay .clock'),
].map((node) => {
  const { x, y, width, height } = node.getBoundingClientRect();
  return [node.className, x, y, width, height];
})"""
WATCH_SHIFTS = """() => {
  window.shifts = [];
  const told = (list) => list.getEntries().map((entry) =>
    entry.sources.map(({ node }) => node?.parentNode?.outerHTML ?? 'gone'));
  window.watched = new PerformanceObserver((list) => window.shifts.push(...told(list)));
  window.watched.observe({ type: 'layout-shift' });
}"""
# Until what was changed last is on the screen.
PAINTED = """async () => {
  for (let n = 0; n < 2; n += 1) await new Promise(requestAnimationFrame);
}"""
SHIFTS = f"""async () => {{
  await ({PAINTED})();
  return [...window.shifts, ...window.watched.takeRecords().map((entry) => entry.value)];
}}"""


def make_display(live_stack: LiveStack, view: str = "scoreboard", source: str = SOURCE) -> str:
    """The path of a new display with its key."""
    done = live_stack.stack.manage("shell", "-v0", "-c", _MAKE.format(source=source, view=view))
    return done.stdout.strip().splitlines()[-1]


def pause(live_stack: LiveStack, number: str = "811", **names: str) -> None:
    """A match whose clock stands at 1:30, so that pictures of it are alike."""
    live_stack.stack.send(*load_match(number, **names), source=SOURCE)
    send(live_stack, "clk;01:30;stop", "sc1;3;sc2;12", "wg1;1;wg2;0", source=SOURCE)


@pytest.fixture(scope="module")
def overlay_path(live_stack: LiveStack) -> str:
    pause(live_stack)
    found = f"SELECT 1 FROM tournaments_court WHERE source = '{SOURCE}'"
    wait_until(lambda: live_stack.stack.fetch(found), 20, "the court")
    return make_display(live_stack)


@pytest.fixture
def screen(browser: Browser, live_stack: LiveStack) -> Iterator[Page]:
    """A page without any session, as OBS opens it. Whatever its scripts complain of fails the test."""
    with browser.new_context(base_url=live_stack.web_url, viewport=OBS) as context:  # type: ignore[arg-type]
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        assert context.cookies() == []
        assert complaints == []


def show(page: Page, path: str) -> None:
    page.goto(path)
    page.locator("#overlay[data-connection=open][data-stale=false]").wait_for()
    expect(page.locator(".red [data-part=score]")).to_have_text("12")
    page.locator(".blue .flag img.there").wait_for(state="attached")


def picture(page: Page) -> Image.Image:
    """As OBS composes it: with alpha. Motion has ended."""
    page.wait_for_function("document.getAnimations().every((one) => one.playState !== 'running')")
    return Image.open(io.BytesIO(page.screenshot(omit_background=True))).convert("RGBA")


def part(image: Image.Image, page: Page, selector: str) -> Image.Image:
    box = page.locator(selector).bounding_box()
    assert box
    left, top = round(box["x"]), round(box["y"])
    return image.crop((left, top, left + round(box["width"]), top + round(box["height"])))


def alphas(image: Image.Image) -> tuple[int, int]:
    """The least and the greatest."""
    found: Any = image.getchannel("A").getextrema()
    return found


def test_overlay_is_opaque_in_its_boxes_and_nowhere_else(
    screen: Page, live_stack: LiveStack, overlay_path: str
) -> None:
    show(screen, overlay_path)
    image = picture(screen)
    assert alphas(image.crop((0, 0, 1920, 700))) == (0, 0)
    assert alphas(image.crop((1100, 700, 1920, 1080))) == (0, 0)
    for box in (".blue", ".red", ".time", ".about"):
        assert alphas(part(image, screen, box)) == (255, 255)


def test_swapped_sides_are_the_same_rows_the_other_way_round(screen: Page, overlay_path: str) -> None:
    show(screen, overlay_path)
    usual = picture(screen)
    rows = {side: part(usual, screen, f".{side}") for side in ("blue", "red")}
    upper = screen.locator(".blue").bounding_box()
    show(screen, f"{overlay_path}&swap=1")
    swapped = picture(screen)
    assert screen.locator(".red").bounding_box() == upper
    for side, row in rows.items():
        assert part(swapped, screen, f".{side}").tobytes() == row.tobytes(), side
    assert swapped.tobytes() != usual.tobytes()


def test_size_of_the_address_scales_every_box(screen: Page, overlay_path: str) -> None:
    show(screen, overlay_path)
    usual = screen.locator(".blue").bounding_box()
    show(screen, f"{overlay_path}&size=50")
    half = screen.locator(".blue").bounding_box()
    assert usual
    assert half
    assert half["width"] == pytest.approx(usual["width"] / 2, abs=0.1)
    show(screen, f"{overlay_path}&size=99999")
    assert screen.locator(".blue").bounding_box() == usual


@pytest.mark.parametrize(("when", "greatest"), [("hide", 0), ("dim", 89), ("hold", 255)])
def test_overlay_that_hears_nothing_goes_as_it_is_told(
    screen: Page, live_stack: LiveStack, overlay_path: str, when: str, greatest: int
) -> None:
    pause(live_stack)
    show(screen, f"{overlay_path}&after=2&stale={when}")
    screen.locator("#overlay[data-stale=true]").wait_for(state="attached")
    assert alphas(picture(screen)) == (0, pytest.approx(greatest, abs=2))
    # And comes back with the next message.
    send(live_stack, "sc1;3;sc2;12", source=SOURCE)
    screen.locator("#overlay[data-stale=false]").wait_for(state="attached")
    assert alphas(part(picture(screen), screen, ".blue")) == (255, 255)


def test_overlay_comes_back_by_itself_after_a_restart(
    screen: Page, live_stack: LiveStack, overlay_path: str
) -> None:
    pause(live_stack)
    show(screen, f"{overlay_path}&stale=hold")
    screen.evaluate("window.sameDocument = true")
    live_stack.stop_web()
    screen.locator("#overlay:not([data-connection=open])").wait_for()
    assert alphas(part(picture(screen), screen, ".blue")) == (255, 255)
    send(live_stack, "sc1;7;sc2;12", source=SOURCE)
    live_stack.start_web()
    expect(screen.locator(".blue [data-part=score]")).to_have_text("7", timeout=15_000)
    assert screen.evaluate("window.sameDocument")


def test_revoked_screen_is_transparent_and_stays_out(screen: Page, live_stack: LiveStack) -> None:
    pause(live_stack)
    path = make_display(live_stack)
    show(screen, f"{path}&stale=hold")
    code = "from events.models import Display; Display.objects.latest('pk').revoke()"
    live_stack.stack.manage("shell", "-v0", "-c", code)
    screen.locator("#overlay[data-lost=true]").wait_for(state="attached")
    assert alphas(picture(screen)) == (0, 0)
    response = screen.reload()
    assert response
    assert response.status == 404
    assert alphas(picture(screen)) == (0, 0)


def test_reassigned_screen_changes_by_itself(screen: Page, live_stack: LiveStack) -> None:
    pause(live_stack)
    path = make_display(live_stack)
    show(screen, path)
    code = "from events.models import Display; Display.objects.filter(name='Test').update({})"
    live_stack.stack.manage("shell", "-v0", "-c", code.format("view='lower-third', swap_sides=True"))
    screen.locator("#overlay[data-view=lower-third][data-swap=true][data-stale=false]").wait_for()
    live_stack.stack.manage("shell", "-v0", "-c", code.format("view='wall'"))
    screen.locator("#wall .live-card").first.wait_for()
    assert "/wall/?key=" in screen.url
    live_stack.stack.manage("shell", "-v0", "-c", code.format("view='scoreboard', swap_sides=False"))


def test_screen_that_was_cut_off_takes_what_was_changed_meanwhile(
    screen: Page, live_stack: LiveStack
) -> None:
    pause(live_stack)
    show(screen, make_display(live_stack))
    code = "from events.models import Display as D; D.objects.filter(pk=D.objects.latest('pk').pk).update({})"
    live_stack.stop_web()
    screen.locator("#overlay:not([data-connection=open])").wait_for()
    live_stack.stack.manage("shell", "-v0", "-c", code.format("view='lower-third', swap_sides=True, size=50"))
    live_stack.start_web()
    screen.locator("#overlay[data-view=lower-third][data-swap=true]").wait_for(timeout=15_000)
    assert screen.locator("#overlay").evaluate("node => node.style.getPropertyValue('--size')") == "0.5"
    live_stack.stop_web()
    live_stack.stack.manage("shell", "-v0", "-c", code.format("view='wall', swap_sides=False, size=100"))
    live_stack.start_web()
    screen.locator("#wall .live-card").first.wait_for(timeout=15_000)


def test_reload_loads_the_page_anew(screen: Page, live_stack: LiveStack) -> None:
    pause(live_stack)
    show(screen, make_display(live_stack))
    screen.evaluate("window.before = true")
    code = "from events.models import Display; Display.objects.latest('pk').reload()"
    live_stack.stack.manage("shell", "-v0", "-c", code)
    screen.wait_for_function("window.before === undefined")
    screen.locator("#overlay[data-connection=open][data-stale=false]").wait_for()


NAMES = [
    "LI",
    HOSTILE,
    "ABCDEFGHIJ" * 6,
    "محمد عبد الرحمن",
    "\u202eDNALOP",
    "👩‍👩‍👧‍👦🥋🥋🥋",
    "김" * 40,
    "",
]


@pytest.mark.parametrize("view", ["scoreboard", "lower-third"])
def test_no_name_and_no_score_and_no_clock_moves_anything(
    screen: Page, live_stack: LiveStack, overlay_path: str, view: str
) -> None:
    pause(live_stack)
    show(screen, make_display(live_stack, view))
    boxes = screen.evaluate(BOXES)
    screen.evaluate(WATCH_SHIFTS)
    for number, name in enumerate(NAMES, start=820):
        live_stack.stack.send(*load_match(str(number), blue=name), source=SOURCE)
        expect(screen.locator("[data-part=about]")).to_contain_text(f"Match {number}")
        for score in (0, 9, 10, 100):
            send(live_stack, f"sc1;{score};sc2;12", "wg1;10;wg2;3", source=SOURCE)
            expect(screen.locator(".blue [data-part=score]")).to_have_text(str(score))
        # Counting down by itself.
        expect(screen.locator("[data-part=clock]")).to_have_text(re.compile("^1:5"))
        assert screen.evaluate(BOXES) == boxes, name
        assert "\u202e" not in screen.locator(".blue .name").inner_text()
    assert screen.evaluate(SHIFTS) == []
    assert screen.locator("#overlay img").count() == 2
    assert screen.title() != "1"


def test_a_box_that_moves_is_noticed(screen: Page, overlay_path: str, live_stack: LiveStack) -> None:
    pause(live_stack)

    def noticed() -> bool:
        show(screen, overlay_path)
        boxes = screen.evaluate(BOXES)
        screen.evaluate(WATCH_SHIFTS)
        # Only what was painted somewhere can move away from there.
        screen.evaluate(PAINTED)
        screen.add_style_tag(content="#overlay .blue { left: 600px !important; }")
        assert screen.evaluate(BOXES) != boxes
        try:
            screen.wait_for_function("window.shifts.length > 0", timeout=1_000)
        except TimeoutError:
            return False
        assert len(screen.evaluate(SHIFTS)) == 1
        return True

    # Without a window Chromium tells of no paint and no shift on half of the pages it loads.
    wait_until(noticed, 90, "a page that tells of the shift")


_COURTS = """
from tournaments.models import Court
Court.objects.update(active=False)
for number in range(901, 901 + {count}):
    Court.objects.update_or_create(number=number, defaults=dict(name=f"Court {{number}}", active=True))
"""
_RESTORE = """
from tournaments.models import Court
Court.objects.filter(number__gt=900).delete()
Court.objects.update(active=True)
"""

FITS = """() => {
  const cards = [...document.querySelectorAll('#wall .live-card')].map((one) => one.getBoundingClientRect());
  const hasText = (node) => [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim());
  const texts = [...document.querySelectorAll('#wall *')]
    .filter((node) => node.checkVisibility() && hasText(node));
  const inside = (one, other) => one.left >= other.left - 1 && one.top >= other.top - 1
    && one.right <= other.right + 1 && one.bottom <= other.bottom + 1;
  const page = document.documentElement;
  const window_ = { left: 0, top: 0, right: window.innerWidth, bottom: window.innerHeight };
  return {
    count: cards.length,
    scrolls: page.scrollHeight > window.innerHeight || page.scrollWidth > window.innerWidth,
    outside: cards.filter((card) => !inside(card, window_)).length,
    cut: texts.filter((node) => {
      const box = node.getBoundingClientRect();
      const card = node.closest('.live-card').getBoundingClientRect();
      return box.top < card.top - 1 || box.bottom > card.bottom + 1;
    }).map((node) => node.className),
    smallest: Math.min(...texts.map((node) => parseFloat(getComputedStyle(node).fontSize))),
  };
}"""


def test_wall_fits_any_number_of_courts_on_any_screen(screen: Page, live_stack: LiveStack) -> None:
    path = make_display(live_stack, "wall")
    screen.goto(path)
    try:
        for count in (1, 5, 16):
            live_stack.stack.manage("shell", "-v0", "-c", _COURTS.format(count=count))
            expect(screen.locator("#wall .live-card")).to_have_count(count)
            for width, height in ((1366, 768), (1920, 1080), (1080, 1920), (3840, 2160)):
                screen.set_viewport_size({"width": width, "height": height})
                found = screen.evaluate(FITS)
                assert {**found, "smallest": found["smallest"] >= 14} == {
                    "count": count,
                    "scrolls": False,
                    "outside": 0,
                    "cut": [],
                    "smallest": True,
                }, (count, width)
            # In the hand it scrolls, and cuts nothing off.
            screen.set_viewport_size({"width": 360, "height": 740})
            found = screen.evaluate(FITS)
            assert (found["count"], found["cut"], found["scrolls"]) == (count, [], count > 4)
            screen.locator(".live-card").last.scroll_into_view_if_needed()
            expect(screen.locator(".live-card").last).to_be_in_viewport(ratio=1)
    finally:
        live_stack.stack.manage("shell", "-v0", "-c", _RESTORE)


# Whether the first letters of a name are to be seen.
BEGINS = """(name) => {
  const range = document.createRange();
  const text = name.querySelector('.live-name-head').firstChild;
  range.setStart(text, 0);
  range.setEnd(text, 3);
  const [inner, outer] = [range, name].map((one) => one.getBoundingClientRect());
  return inner.width > 0 && inner.left >= outer.left - 1 && inner.right <= outer.right + 1;
}"""


def edges(part: Locator) -> tuple[float, float]:
    """Left and right."""
    box = part.bounding_box()
    assert box
    return box["x"], box["x"] + box["width"]


def test_long_words_leave_room_for_each_other_on_the_wall(
    screen: Page, live_stack: LiveStack, overlay_path: str
) -> None:
    screen.goto(make_display(live_stack, "wall"))
    screen.set_viewport_size({"width": 1366, "height": 768})
    for name in ("WOLFESCHLEGELSTEIN" * 6, "محمد عبد الرحمن بن يوسف " * 6):
        number = "FINAL-2026-" * 2 + str(len(name))
        pause(live_stack, number, blue=name, red="כהן")
        card = screen.locator(".live-card", has_text=number)
        assert edges(card.locator(".live-title"))[1] <= edges(card.locator(".live-match"))[0] + 1
        assert card.locator(".live-blue .live-name").evaluate(BEGINS)
        assert (
            edges(card.locator(".live-blue .live-name"))[1]
            <= edges(card.locator(".live-blue .live-score"))[0] + 1
        )
        # A short one stands beside its country, whichever way it is written.
        assert (
            0
            < edges(card.locator(".live-red .live-name"))[0] - edges(card.locator(".live-red .live-ioc"))[1]
            < 40
        )


def test_wall_shows_the_match_and_says_when_it_is_cut_off(
    page: Page, live_stack: LiveStack, overlay_path: str
) -> None:
    pause(live_stack, blue="\u202eDNALOP\u0007")
    page.goto("/wall/")
    there = page.locator(".live-card", has_text="Match 811")
    expect(there.locator(".live-blue .live-name")).to_have_text("DNALOP")
    pause(live_stack, blue=HOSTILE)
    expect(there.locator(".live-red .live-score")).to_have_text("12")
    expect(there.locator(".live-blue .live-name")).to_have_text(HOSTILE)
    expect(there.locator(".live-match")).not_to_have_attribute("href", re.compile("."))
    send(live_stack, "pre;FightLoaded", "at1;LEE DH;LEE DH;KOR;at2;ROSSI M;ROSSI M;ITA", source=SOURCE)
    card = page.locator(".live-card", has_text=SOURCE)
    expect(card.locator(".live-match")).to_have_text("Match")
    live_stack.stop_web()
    expect(page.locator("#wall-says")).to_have_text(re.compile("^No connection"))
    live_stack.start_web()
    expect(page.locator("#wall-says")).to_have_text("", timeout=15_000)
