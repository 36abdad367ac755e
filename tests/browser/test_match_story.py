"""The story of a match in a real browser: its chart and its list of events move together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

# Whether a row stands wholly within what is to be seen of its list.
IN_VIEW = """(row) => {
  const [inner, outer] = [row, row.closest('.story-list')].map((node) => node.getBoundingClientRect());
  return inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
}"""
# What reaches beyond the window, or cannot be read without scrolling sideways.
CUT = """() => {
  const wide = [...document.querySelectorAll('.rs-scroll, .story-list, .rs-fields')];
  const beyond = [...document.querySelectorAll('.rs-page *')];
  return [
    ...wide.filter((node) => node.scrollWidth > node.clientWidth + 1),
    ...beyond.filter((node) => node.getBoundingClientRect().right > innerWidth + 1),
  ].map((node) => node.outerHTML.slice(0, 120));
}"""


@pytest.fixture
def story(page: Page, match: tuple[int, str, str]) -> Iterator[Page]:
    """The page of the simulated match, drawn. Whatever its scripts complain of fails the test."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    open_story(page, match)
    yield page
    assert complaints == []


def open_story(page: Page, match: tuple[int, str, str]) -> None:
    page.goto(f"/events/match/{match[0]}/change/")
    page.locator("[data-story]:not([aria-busy])").wait_for()


def lines_of(page: Page) -> list[Any]:
    """The lines of the story as the server tells them: id, milliseconds, side, kind, words and more."""
    url = page.locator("[data-story]").get_attribute("data-story")
    lines: list[Any] = page.request.get(str(url)).json()["lines"]
    return lines


def chart(page: Page) -> Locator:
    return page.get_by_role("slider", name="Moment of the match")


def cursor(page: Page) -> float:
    """Where the chart's line of the moment stands, in pixels of the chart."""
    return float(str(page.locator(".story-cursor").get_attribute("x1")))


def point(page: Page, share: float, *, click: bool) -> float:
    """Points at this share of the chart's width; the pixel of the chart that was pointed at."""
    chart(page).scroll_into_view_if_needed()
    box = chart(page).bounding_box()
    assert box
    x = box["width"] * share
    page.mouse.move(box["x"] + x, box["y"] + 60)
    if click:
        page.mouse.click(box["x"] + x, box["y"] + 60)
    return x


def marked(page: Page) -> Locator:
    """The one row that is marked, in view within its list."""
    row = page.locator(".story-line-current")
    expect(row).to_have_count(1)
    expect(row).to_have_attribute("aria-current", "true")
    assert row.evaluate(IN_VIEW)
    return row


def assert_told_together(page: Page, row: Locator) -> None:
    """The chart stands at the row's moment, and the words beneath it are the row's."""
    line = lines_of(page)[int(str(row.get_attribute("data-index")))]
    expect(chart(page)).to_have_attribute("aria-valuenow", str(int(line[1] / 1000 + 0.5)))
    expect(page.locator("[data-part=now]")).to_contain_text(line[4])
    expect(row).to_contain_text(line[4])


@pytest.mark.parametrize("click", [False, True])
def test_place_in_the_chart_is_marked_in_the_list(story: Page, click: bool) -> None:
    places = []
    for share in (0.85, 0.15, 0.5):
        x = point(story, share, click=click)
        row = marked(story)
        assert_told_together(story, row)
        # There is a message some pixels from any moment of a match that is fought.
        assert cursor(story) == pytest.approx(x, abs=40)
        places.append(int(str(row.get_attribute("data-index"))))
        assert row.locator("a").evaluate("(link) => link === document.activeElement") is click
    assert places[1] < places[2] < places[0]


def test_event_in_the_list_is_shown_in_the_chart(story: Page) -> None:
    rows = story.locator(".story-line")
    seen = []
    for share in (0.2, 0.8):
        row = rows.nth(int(rows.count() * share))
        row.scroll_into_view_if_needed()
        row.hover()
        expect(row).to_have_attribute("aria-current", "true")
        assert_told_together(story, row)
        seen.append(cursor(story))
    assert seen[0] < seen[1]


def test_keys_move_both_from_event_to_event(story: Page) -> None:
    point(story, 0.5, click=True)
    first = int(str(marked(story).get_attribute("data-index")))
    story.keyboard.press("ArrowDown")
    expect(story.locator(f".story-line[data-index='{first}']")).not_to_have_attribute("aria-current", "true")
    second = marked(story)
    assert_told_together(story, second)
    assert int(str(second.get_attribute("data-index"))) > first
    chart(story).focus()
    story.keyboard.press("ArrowLeft")
    expect(story.locator(f".story-line[data-index='{first}']")).to_have_attribute("aria-current", "true")
    assert_told_together(story, marked(story))
    story.keyboard.press("End")
    expect(story.locator(".story-line").last).to_have_attribute("aria-current", "true")
    assert_told_together(story, marked(story))


def test_mark_and_difference_lead_to_their_event(story: Page) -> None:
    for kind, words in (("gam_jeom", "gam-jeom"), ("replay", "Video replay")):
        mark = story.locator(f".story-mark-{kind}").first
        line = str(mark.get_attribute("data-line"))
        mark.click()
        expect(marked(story)).to_have_attribute("data-index", line)
        expect(marked(story)).to_contain_text(words)
        assert_told_together(story, marked(story))
    jump = story.locator("[data-part=differences] .story-jump").first
    line = str(story.locator(".story-mark-difference").first.get_attribute("data-line"))
    jump.click()
    expect(marked(story)).to_have_attribute("data-index", line)
    assert_told_together(story, marked(story))


def test_ticks_of_the_clock_are_folded_until_wanted(story: Page) -> None:
    point(story, 0.5, click=True)
    kept = str(marked(story).get_attribute("data-index"))
    before = story.locator(".story-line").count()
    story.get_by_label("clock ticks").check()
    ticks = sum(line[7] == "tick" for line in lines_of(story))
    assert ticks > 100
    expect(story.locator(".story-line")).to_have_count(before + ticks)
    expect(story.locator(".story-line-current")).to_have_attribute("data-index", kept)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1366, 2560])
def test_nothing_is_cut_in_any_width(
    story: Page, match: tuple[int, str, str], width: int, scheme: Any
) -> None:
    story.emulate_media(color_scheme=scheme)
    story.set_viewport_size({"width": width, "height": 768})
    open_story(story, match)
    expect(story.locator("[data-part=points]")).to_contain_text("times,")
    assert story.evaluate("document.documentElement.scrollWidth") <= width
    assert story.evaluate(CUT) == []
    point(story, 0.5, click=True)
    assert_told_together(story, marked(story))
    assert story.evaluate(CUT) == []
    is_dark = "(node) => node.classList.contains('dark')"
    assert story.locator("html").evaluate(is_dark) is (scheme == "dark")


# Draws rounds of these scores, (start, end, [blue, red]) in ms, and gives the boxes of what is written above
# the hits and of the signs: [words, left, top, right, bottom].
DRAWN = """async ([rounds, marks, length]) => {
  const { Chart } = await import('/static/match/chart.js');
  const box = document.querySelector('[data-part=chart]');
  box.replaceChildren();
  const chart = new Chart(box, { pointed() {}, moved() {} });
  const scores = rounds.flatMap(([starts, ends, [blue, red]]) => [[starts, 0, 0], [ends - 50, blue, red]]);
  chart.draw({
    length_ms: length, scores, hits: [], body_level: 20, head_level: 5,
    rounds: rounds.map(([starts, ends, score], place) => [place + 1, starts, ends, score]),
    marks: marks.map((at) => [at, 'gam_jeom', 1, 'words', 0]),
  });
  const all = [...box.querySelectorAll('.story-end, .story-strong, .story-mark rect')];
  return all.map((node) => {
    const { left, top, right, bottom } = node.getBoundingClientRect();
    return [node.textContent, left, top, right, bottom];
  });
}"""


@pytest.mark.parametrize("width", [360, 1366])
@pytest.mark.parametrize("score", [(0, 0), (7, 7), (8, 7), (6, 7), (12, 3), (30, 29)])
def test_figures_and_signs_of_the_chart_never_cover_each_other(
    story: Page, width: int, score: tuple[int, int]
) -> None:
    story.set_viewport_size({"width": width, "height": 768})
    # Three rounds with hardly a rest between them, and a fourth that ended as it began.
    rounds = [(n * 121_000, n * 121_000 + 120_000, score) for n in range(3)]
    rounds.append((363_000, 363_500, score))
    marks = [*range(100_000, 104_000, 1000), 368_000, 369_000, 370_000]
    boxes = story.evaluate(DRAWN, [rounds, marks, 370_000])
    words = [text for text, *_ in boxes]
    assert [words.count(f"{letter} {points}") for letter, points in zip("BR", score, strict=True)] == [4, 4]
    assert len(boxes) == 4 + 8 + len(marks)
    # Letters fill less than the line that they stand on.
    covered = [
        (one[0], other[0])
        for place, one in enumerate(boxes)
        for other in boxes[:place]
        if min(one[3], other[3]) - max(one[1], other[1]) > 1
        and min(one[4], other[4]) - max(one[2], other[2]) > 5
    ]
    assert covered == []
    right = story.locator(".story-chart svg").evaluate("(node) => node.getBoundingClientRect().right")
    assert all(box[3] <= right + 1 for box in boxes)
