"""The live page in a real browser, on a real recorder, importer and web server."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import LiveStack, open_live
from tests.processes import wait_until

pytestmark = pytest.mark.browser

HOSTILE = '<img src=x onerror="document.title=1">'

# Smallest text, how far the page is wider than the window, and texts of too little contrast.
LOOK = """() => {
  const shown = [...document.querySelectorAll('.live-page *')].filter((node) =>
    node.checkVisibility() && [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim()));
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (colour) => {
    const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = rgba(colour).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (rgba(colour)[3] === 255) return colour;
    }
    return 'white';
  };
  const pale = shown.filter((node) => {
    const [a, b] = [light(getComputedStyle(node).color), light(ground(node))].sort((x, y) => y - x);
    const style = getComputedStyle(node);
    const large = parseFloat(style.fontSize) >= 24;
    return (a + 0.05) / (b + 0.05) < (large ? 3 : 4.5);
  });
  return {
    smallest: Math.min(...shown.map((node) => parseFloat(getComputedStyle(node).fontSize))),
    wider: document.documentElement.scrollWidth - window.innerWidth,
    pale: [...new Set(pale.map((node) => `${node.className}: ${node.textContent.slice(0, 30)}`))],
  };
}"""


def load_match(number: str, blue: str = "LEE DH", red: str = "ROSSI M") -> list[bytes]:
    """The datagrams of a match that is loaded and whose clock has started."""
    lines = [
        "pre;FightLoaded",
        "rnd;1",
        "clk;02:00",
        "sc1;0;sc2;0",
        "wg1;0;wg2;0",
        f"mch;{number};Final;MEN M -68KG;;#0000ff;#FFFFFF;#ff0000;#FFFFFF;abc;SENIORS;3;120;cntDown;21;5",
        f"at1;{blue};{blue};KOR;at2;{red};{red};ITA",
        "rdy;FightReady",
        "clk;02:00;start",
    ]
    return [f"{line}\r\n".encode() for line in lines]


def row(page: Page, words: str) -> Locator:
    return page.locator(".live-row", has_text=words)


def send(live_stack: LiveStack, *lines: str, source: str = "127.0.0.31") -> None:
    live_stack.stack.send(*(f"{line}\r\n".encode() for line in lines), source=source)


def card(page: Page, number: str) -> Locator:
    return page.locator(".live-card", has_text=f"Match {number}")


def test_live_sees_a_match_from_a_tournament_made_by_hand(live: Page, live_stack: LiveStack) -> None:
    # A tournament of today, made and put in force as staff would.
    live.goto("/tournaments/tournament/add/")
    live.fill("input[name=name]", "Browser Open")
    today = live.evaluate("new Date().toISOString().slice(0, 10)")
    live.fill("input[name=start_date]", today)
    live.fill("input[name=end_date]", today)
    live.click("button[name=_save], input[name=_save], [type=submit][name=_continue]")
    live.goto("/tournaments/tournament/")
    live.get_by_role("link", name="Browser Open").first.click()
    live.get_by_role("button", name="Make this day active").click()
    open_live(live)
    expect(live.locator("[data-live=context]")).to_contain_text("Browser Open · day 1")

    live_stack.stack.send(*load_match("701"), b"pt1;3\r\n", b"sc1;3;sc2;0\r\n", source="127.0.0.32")
    there = card(live, "701")
    expect(there.locator(".live-blue .live-score")).to_have_text("3")
    expect(there.locator(".live-blue .live-name")).to_have_text("LEE DH")
    expect(there.locator(".live-red .live-ioc")).to_have_text("ITA")
    expect(there.locator(".live-clock")).to_have_text(re.compile("1:5\\d"))
    expect(row(live, "Blue: head kick, 3 points").first).to_be_visible()
    live.select_option("select[name=tournament]", label="Browser Open")
    expect(row(live, "Blue: head kick, 3 points").first).to_be_visible()

    # The front page has the same cards, over a connection of their own.
    live.goto("/")
    score = card(live, "701").locator(".live-red .live-score")
    expect(score).to_have_text("0")
    send(live_stack, "sc1;3;sc2;2", source="127.0.0.32")
    expect(score).to_have_text("2")


def test_live_counts_down_by_itself_and_stops_with_the_clock(live: Page, live_stack: LiveStack) -> None:
    live_stack.stack.send(*load_match("702"), source="127.0.0.33")
    clock = card(live, "702").locator(".live-clock")
    expect(clock).to_have_text("1:58")
    send(live_stack, "clk;01:30;stop", source="127.0.0.33")
    expect(clock).to_have_text("1:30")
    expect(card(live, "702")).to_have_attribute("data-state", "stopped")


def test_live_pauses_by_space_and_shows_what_waited(live: Page, live_stack: LiveStack) -> None:
    send(live_stack, "pt1;2")
    expect(row(live, "Blue: body kick").first).to_be_visible()
    pause = live.locator("[data-live=pause]")
    live.keyboard.press("Space")
    expect(pause).to_have_text(re.compile("^Paused"))
    send(live_stack, "wg1;0;wg2;7", "pt2;3")
    expect(pause).to_have_text("Paused · 2 new")
    expect(row(live, "wg2;7")).to_have_count(0)
    live.keyboard.press("Space")
    expect(pause).to_have_text("Pause")
    expect(row(live, "wg2;7")).to_have_count(1)


def test_live_pauses_when_scrolled_down(live: Page, live_stack: LiveStack) -> None:
    for _ in range(3):
        send(live_stack, *[f"hl1;{n}" for n in range(1, 15)])
    expect(row(live, "hl1;14")).not_to_have_count(0)
    live.locator("[data-live=top]").evaluate("top => window.scrollTo(0, top.offsetTop + 900)")
    expect(live.locator("[data-live=pause]")).to_have_text(re.compile("^Paused"))
    live.evaluate("window.scrollTo(0, 0)")
    expect(live.locator("[data-live=pause]")).to_have_text("Pause")


def test_live_filters_live_in_the_address(live: Page, live_stack: LiveStack) -> None:
    send(live_stack, "pt1;1", "hl2;33", "zz;99")
    expect(row(live, "zz;99")).not_to_have_count(0)
    live.select_option("select[name=kind]", "hit")
    expect(row(live, "zz;99")).to_have_count(0)
    live.fill("input[name=text]", "hl2;33")
    expect(live.locator(".live-row").first).to_contain_text("hl2;33")
    assert live.url.endswith("/live/?kind=hit&text=hl2%3B33")
    live.reload()
    live.locator("[data-live=connection][data-state=open]").wait_for()
    expect(live.locator(".live-chip").first).to_contain_text("Hit level")
    expect(row(live, "hl2;33")).not_to_have_count(0)
    expect(row(live, "zz;99")).to_have_count(0)
    live.get_by_role("button", name="Show everything").click()
    expect(row(live, "zz;99")).not_to_have_count(0)
    assert live.url.endswith("/live/")


def test_live_folds_ticks_away_unless_asked(live: Page, live_stack: LiveStack) -> None:
    send(live_stack, "clk;01:11", "clk;01:10;stop")
    expect(row(live, "clk;01:10;stop")).not_to_have_count(0)
    expect(row(live, "clk;01:11")).to_have_count(0)
    live.get_by_label("Clock ticks").check()
    expect(row(live, "clk;01:11")).not_to_have_count(0)


def test_live_drawer_shows_fields_bytes_and_neighbours(live: Page, live_stack: LiveStack) -> None:
    send(live_stack, "hl1;41", "pt1;3", "hl1;42")
    # The drawer shows what is stored when it opens.
    expect(row(live, "hl1;42")).not_to_have_count(0)
    live.locator(".live-row", has_text="hl1;41").first.click()
    drawer = live.locator(".live-drawer")
    expect(drawer.locator(".live-hex")).to_contain_text("68 6c 31 3b 34 31 0d 0a")
    expect(drawer.locator(".live-fields")).to_contain_text("127.0.0.31")
    drawer.locator(".live-neighbour", has_text="head kick").last.click()
    expect(drawer.locator(".live-drawer-title")).to_have_text("Blue: head kick, 3 points")
    drawer.get_by_role("link", name="Event page").click()
    live.wait_for_url("**/events/pssevent/*/change/")


def test_live_tells_times_as_every_page_does_wherever_the_browser_is(
    browser: Browser, login: dict[str, Any], live_stack: LiveStack
) -> None:
    source = "127.0.0.37"
    send(live_stack, "hl1;61", source=source)
    found = f"SELECT number FROM tournaments_court WHERE source = '{source}'"
    ((number,),) = wait_until(lambda: live_stack.stack.fetch(found), 20, "the court")
    # Of no day: the status, which knows the zones of the active ones, cannot tell.
    live_stack.stack.manage("context", "clear", "--court", str(number))
    args: dict[str, Any] = {"storage_state": login, "base_url": live_stack.web_url}
    with browser.new_context(timezone_id="Pacific/Kiritimati", **args) as context:
        page = context.new_page()
        open_live(page)
        send(live_stack, "hl1;62", source=source)
        line = row(page, "hl1;62").first
        at = str(line.locator(".live-row-time").text_content())
        assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d", at)
        line.click()
        drawer = page.locator(".live-drawer")
        expect(drawer.locator(".live-neighbour", has_text="62")).to_contain_text(at)
        drawer.get_by_role("link", name="Event page").click()
        expect(page.locator(".rs-line-current")).to_contain_text(at)


def test_live_works_from_the_keyboard(live: Page, live_stack: LiveStack) -> None:
    send(live_stack, "hl1;51", "hl1;52", "hl1;53")
    newest = live.locator(".live-row").first
    expect(newest).to_contain_text("hl1;53")
    live.get_by_label("Clock ticks").focus()
    live.keyboard.press("Tab")
    expect(newest).to_be_focused()
    expect(live.locator("[data-live=pause]")).to_have_text(re.compile("^Paused"))
    live.keyboard.press("ArrowDown")
    live.keyboard.press("Enter")
    expect(live.locator(".live-drawer-title")).to_contain_text("52")
    live.keyboard.press("Escape")
    expect(live.locator(".live-drawer")).not_to_be_visible()
    expect(live.locator(".live-row").nth(1)).to_be_focused()


def test_live_shows_hostile_names_as_text(live: Page, live_stack: LiveStack) -> None:
    source = "127.0.0.34"
    live_stack.stack.send(*load_match("703", blue=HOSTILE, red="\u202eDNALOP"), source=source)
    there = card(live, "703")
    expect(there.locator(".live-blue .live-name")).to_have_text(HOSTILE)
    expect(there.locator(".live-red .live-name")).not_to_contain_text("\u202e")
    expect(row(live, HOSTILE).first).to_be_visible()
    assert live.locator(".live-page img:not(.live-flag)").count() == 0
    live.locator(".live-row", has_text=HOSTILE).first.click()
    expect(live.locator(".live-raw").first).to_contain_text(HOSTILE)
    assert live.locator(".live-page img:not(.live-flag)").count() == 0
    assert live.title() != "1"


def test_live_shows_what_it_missed_after_a_reconnect(live: Page, live_stack: LiveStack) -> None:
    send(live_stack, "hl2;61")
    expect(row(live, "hl2;61")).to_have_count(1)
    live_stack.stop_web()
    expect(live.locator("[data-live=connection]")).to_have_attribute(
        "data-state", re.compile("waiting|connecting")
    )
    expect(live.locator(".live-heard").first).to_have_text("Not up to date: no connection")
    send(live_stack, "hl2;62", "hl2;63")
    live_stack.start_web()
    expect(row(live, "hl2;62")).to_have_count(1, timeout=15_000)
    expect(row(live, "hl2;63")).to_have_count(1)
    expect(row(live, "hl2;61")).to_have_count(1)
    expect(live.locator("[data-live=skipped]")).to_have_text("Showing everything")
    send(live_stack, "hl2;64")
    expect(row(live, "hl2;64")).to_have_count(1)


def test_live_tab_stays_alive_at_a_thousand_events_a_second(live: Page, live_stack: LiveStack) -> None:
    live.evaluate(
        """() => {
          window.frames_ = { count: 0 };
          const step = () => {
            frames_.count += 1;
            requestAnimationFrame(step);
          };
          requestAnimationFrame(step);
        }"""
    )
    load = live_stack.simulate("--rate", "1000", "--count", "6000", "--courts", "4")
    assert load.wait(60) == 0, load.output
    live_stack.settled()
    newest = live_stack.stack.fetch("SELECT max(id) FROM events_pssevent")[0][0]
    wait_until(
        lambda: (
            live.evaluate(
                "() => Math.max(...[...document.querySelectorAll('.live-row')]"
                ".map((row) => Number(row.dataset.id) || 0))"
            )
            > newest - 400
        ),
        20,
        "the newest rows on the page",
    )
    frames = live.evaluate("() => window.frames_")
    assert live.locator(".live-row").count() <= 300
    # It went on drawing all the while; how smoothly depends on what else the machine does.
    assert frames["count"] > 50, frames


def test_live_says_when_nothing_is_recorded(live: Page, live_stack: LiveStack) -> None:
    problems = live.locator("#rs-problems")
    assert live_stack.ingest
    live_stack.ingest.stop()
    expect(problems).to_contain_text("Nothing is being recorded", timeout=15_000)
    live_stack.ingest = live_stack.stack.start("ingest")
    expect(problems).not_to_contain_text("Nothing is being recorded", timeout=15_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1366, 2560])
def test_live_can_be_read_at_every_width(live: Page, live_stack: LiveStack, width: int, scheme: str) -> None:
    live.emulate_media(color_scheme=scheme)
    live.set_viewport_size({"width": width, "height": 800})
    long = "VAN DEN BROECKE-OLDENBARNEVELT MAXIMILIAN"
    live_stack.stack.send(*load_match("704", blue=long), source="127.0.0.35")
    live_stack.stack.send(b"pt1;3\r\nwg2;1\r\n;;;\r\n", source="127.0.0.35")
    expect(card(live, "704").locator(".live-blue .live-name")).to_have_text(long)
    expect(live.locator(".live-row").first).to_be_visible()
    look = live.evaluate(LOOK)
    assert look["smallest"] >= 14
    assert look["wider"] <= 0
    assert look["pale"] == []
