// The page of a match: its story drawn as chart, list and figures that move together, and followed while it runs.

import { clock, plain } from "../live/text.js";
import { Chart } from "./chart.js";
import { EventList } from "./list.js";
import { drawDifferences, drawFigures, drawPoints } from "./sections.js";

const EVERY_MS = 2000;
const SLOWEST_MS = 15000;

const page = document.querySelector("[data-story]");
const find = (name) => page.querySelector(`[data-part="${name}"]`);
const facts = document.querySelector("[data-facts]");
const wanted = { hit: true, tick: false, echo: false };
let story = null;
let mark = null;
let current = null;

const list = new EventList(find("list"), {
  url: page.dataset.eventUrl,
  zone: page.dataset.zone,
  shown: (index) => select(index, false),
});
const chart = new Chart(find("chart"), { pointed, moved });

// --- Moving together ---------------------------------------------------------------------------------

/** Shows one event on the chart and in the list. */
function select(index, scroll) {
  if (!story?.lines[index]) return;
  current = index;
  const [, at, , , words, , , , round, clockMs] = story.lines[index];
  const [, blue, red] = scoreAt(at);
  const when = [round ? `Round ${round}` : "", clockMs === null ? "" : `clock ${clock(Math.floor(clockMs / 1000) * 1000)}`];
  const text = `${when.filter(Boolean).join(", ")}${when.some(Boolean) ? " · " : ""}B ${blue} – R ${red} · ${plain(words)}`;
  find("now").textContent = text;
  chart.moveTo(at, text);
  list.mark(index, scroll);
}

/** The last step at or before a moment; the messages of one action belong together. */
function scoreAt(ms) {
  let found = [0, 0, 0];
  for (const step of story.scores) {
    if (step[0] > ms + 40) break;
    found = step;
  }
  return found;
}

function nearest(ms) {
  const { visible } = list;
  let low = 0;
  let high = visible.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (story.lines[visible[middle]][1] < ms) low = middle + 1;
    else high = middle;
  }
  if (low > 0 && ms - story.lines[visible[low - 1]][1] < story.lines[visible[low]][1] - ms) low -= 1;
  return visible[low];
}

function pointed(ms, isPinned) {
  if (!story || !list.visible.length) return;
  const index = nearest(ms);
  if (isPinned) list.focus(index);
  else select(index, true);
}

function moved(key) {
  const { visible } = list;
  const place = visible.indexOf(current);
  const last = visible.length - 1;
  const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -1e9, End: 1e9 };
  if (key === "Enter" && current !== null) list.focus(current);
  else if (key in steps && last >= 0) select(visible[Math.min(Math.max(place + steps[key], 0), last)], true);
  else return false;
  return true;
}

function jump(line) {
  // What is folded away is unfolded first.
  const [, , , kind, , , , folded] = story.lines[line];
  for (const name of [folded, kind]) if (name in wanted && !wanted[name]) page.querySelector(`[data-want="${name}"]`).click();
  find("chart").scrollIntoView({ block: "nearest" });
  list.focus(line);
  select(line, true);
}

// The marks have lines of their own, more exact than the moment that was pointed at.
find("chart").addEventListener("click", (event) => {
  const line = event.target.closest?.("[data-line]")?.dataset.line;
  if (line !== undefined) {
    event.stopPropagation();
    jump(Number(line));
  }
}, true);

// --- Drawing -------------------------------------------------------------------------------------------

function wants([, , , kind, , , , folded]) {
  return folded ? wanted[folded] : kind !== "hit" || wanted.hit;
}

function drawList() {
  list.draw(story.lines, story.began_ms, wants);
  if (current !== null) list.mark(current, false);
}

function draw() {
  drawList();
  chart.draw(story);
  drawPoints(find("points"), story);
  drawDifferences(find("differences"), story, jump);
  drawFigures(find("figures"), story);
  find("cut").hidden = !story.is_cut;
  page.querySelector('[data-want="echo"]').closest("label").hidden = !story.lines.some((line) => line[7] === "echo");
  page.removeAttribute("aria-busy");
  if (current === null && list.visible.length) {
    find("now").textContent = "Point at the chart or at an event; the arrow keys move from event to event.";
  }
}

for (const box of page.querySelectorAll("[data-want]")) {
  wanted[box.dataset.want] = box.checked;
  box.addEventListener("change", () => {
    wanted[box.dataset.want] = box.checked;
    if (story) drawList();
  });
}

// --- Following -------------------------------------------------------------------------------------------

const isRunning = () => facts.querySelector("[data-follows]")?.dataset.follows === "1";

async function load() {
  const headers = { Accept: "application/json", ...(mark ? { "If-None-Match": mark } : {}) };
  const answer = await fetch(page.dataset.story, { headers, cache: "no-store", redirect: "error" });
  if (answer.status === 304) return false;
  if (!answer.ok) throw new Error(answer.status === 404 ? "gone" : `${answer.status}`);
  story = await answer.json();
  mark = answer.headers.get("ETag");
  draw();
  return true;
}

async function loadFacts() {
  const answer = await fetch(`${location.pathname}?part=facts`, { redirect: "error" });
  if (answer.ok) facts.innerHTML = await answer.text();
}

let wait = EVERY_MS;

async function follow() {
  if (!document.hidden) {
    try {
      if (await load()) await loadFacts();
      wait = EVERY_MS;
      find("trouble").textContent = "";
    } catch (error) {
      wait = Math.min(wait * 2, SLOWEST_MS);
      find("trouble").textContent =
        error.message === "gone" ? "This match is no longer there." : "The page cannot be brought up to date. Trying again.";
      if (error.message === "gone") return;
    }
  }
  if (isRunning()) setTimeout(follow, wait);
}

async function begin() {
  try {
    await load();
    if (isRunning()) setTimeout(follow, EVERY_MS);
  } catch {
    find("trouble").textContent = "The story of this match could not be loaded. Trying again.";
    setTimeout(begin, (wait = Math.min(wait * 2, SLOWEST_MS)));
  }
}

begin();
