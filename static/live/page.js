// The Live page: cards, stream, filters and the state of the connection on one feed.

import "./cards.js";
import { Drawer } from "./drawer.js";
import { LiveFeed } from "./feed.js";
import { Filters } from "./filters.js";
import { Stream } from "./stream.js";
import { duration, element, plain } from "./text.js";

const page = document.querySelector(".live-page");
const find = (name) => page.querySelector(`[data-live="${name}"]`);
const feed = new LiveFeed();
const contextUrl = page.dataset.contextUrl;

let status = {};
let skipped = 0;
let pausedByScroll = false;

const names = {
  court: (id) => (id === null ? "no court" : plain(status.courts?.[id]?.name ?? `Court ${id}`)),
  zone: (day) => status.days?.[day]?.time_zone,
};

const drawer = new Drawer(find("drawer"), page.dataset.eventUrl);
const filters = new Filters(find("filters"), find("chips"), () => stream.refilter());
const stream = new Stream({
  list: find("list"),
  filters,
  names,
  now: () => feed.now(),
  opened: (id) => drawer.open(id),
  told: showStream,
});

// --- State line -------------------------------------------------------------------------------------

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const STATES = {
  connecting: "Connecting…",
  open: "Live",
  waiting: "Connection lost, trying again…",
  refused: "Signed out: reload the page to sign in again",
};

function showState() {
  const connection = find("connection");
  connection.dataset.state = feed.state;
  say(connection, STATES[feed.state]);
  const delay = feed.state === "open" && feed.delay !== null ? `Delay ${feed.delay < 9950 ? `${Math.round(feed.delay)} ms` : duration(feed.delay)}` : "Delay –";
  say(find("delay"), delay);
  const rate = status.rate ? `${status.rate[0].toLocaleString("en")} messages/s` : "";
  say(find("rate"), rate);
  say(find("skipped"), skipped ? `Skipped ${skipped.toLocaleString("en")}` : filters.isActive ? "Filtered" : "Showing everything");
  find("skipped").dataset.skipped = skipped > 0;
}

function showStream({ paused, waiting, shown }) {
  const button = find("pause");
  say(button, paused ? `Paused · ${waiting.toLocaleString("en")} new` : "Pause");
  button.setAttribute("aria-pressed", paused);
  const empty = find("empty");
  empty.hidden = shown > 0;
  say(empty, filters.isActive ? "No event matches the filters yet." : "No events yet. The first one appears here by itself.");
}

// --- Banners ------------------------------------------------------------------------------------------

function banner(name, text, action = "") {
  const made = element("div", `live-banner live-banner-${name}`, element("span", "", text));
  if (action && contextUrl) {
    const button = element("a", "live-button", action);
    button.href = contextUrl;
    made.append(button);
  }
  return made;
}

function problems() {
  const found = [];
  const nodes = status.nodes ?? [];
  if (status.problem) found.push(["alarm", status.problem]);
  const down = nodes.filter((node) => !node.recording);
  if (!nodes.length) found.push(["alarm", "Nothing is being recorded: no listener has ever run. Start it with “make run”."]);
  for (const node of down) {
    const since = node.seen === null ? "" : ` for ${duration(feed.now() - node.seen)}`;
    const which = nodes.length > 1 ? ` on listener ${plain(node.name)}` : "";
    found.push(["alarm", `Nothing is being recorded${which}${since}. Start the recorder with “make run”.`]);
  }
  const courts = Object.values(status.courts ?? {});
  const without = courts.filter((court) => court.day === null);
  if (courts.length ? without.length === courts.length : status.day === null) {
    found.push(["warning", "No tournament day is active: events are stored without one.", "Choose the active day"]);
  } else if (without.length) {
    found.push(["warning", `No tournament day is active on ${listOf(without)}.`, "Choose the active day"]);
  }
  for (const [id, day] of Object.entries(status.days ?? {})) {
    if (day.today || !(courts.length ? courts.some((court) => String(court.day) === id) : String(status.day) === id)) continue;
    found.push(["warning", `The active day is not today: ${dayName(day)}.`, "Change the active day"]);
  }
  return found;
}

const listOf = (courts) => courts.map((court) => plain(court.name)).join(", ");

function dayName(day) {
  const date = new Date(`${day.date}T12:00:00Z`);
  const on = date.toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
  return `${plain(day.name)} · day ${day.number} (${on})`;
}

let shownProblems = "";

function showStatus() {
  const found = problems();
  const key = JSON.stringify(found);
  if (key !== shownProblems) {
    shownProblems = key;
    find("banners").replaceChildren(...found.map((one) => banner(...one)));
  }
  const active = new Set(Object.values(status.courts ?? {}).map((court) => court.day));
  if (!active.size) active.add(status.day ?? null);
  const days = [...active].map((id) => (id === null ? "no day" : dayName(status.days[id])));
  say(find("context"), days.join(" / ") || "No active day");
  const nodes = status.nodes ?? [];
  const sum = (field) => nodes.reduce((total, node) => total + node[field], 0);
  const counts = [];
  if (sum("backlog") > 100) counts.push(`${sum("backlog").toLocaleString("en")} waiting to be stored`);
  if (sum("drops")) counts.push(`${sum("drops").toLocaleString("en")} lost by the system`);
  if (sum("blind_ms") >= 1000) counts.push(`not listening for ${duration(sum("blind_ms"))}`);
  say(find("capture"), counts.join(" · "));
  say(find("viewers"), status.viewers > 1 ? `${status.viewers} viewers` : "");
  showState();
}

// --- The feed -----------------------------------------------------------------------------------------

page.querySelector("live-cards").attach(feed);
feed
  .on("state", showState)
  .on("snapshot", (message) => {
    status = message.status;
    if (message.after === null) stream.clear();
    stream.add(message.events);
    showStatus();
  })
  .on("events", (message) => stream.add(message.events))
  .on("gap", (message) => {
    skipped += message.skipped;
    stream.addGap(message.skipped);
    showState();
  })
  .on("status", (message) => {
    status = message;
    showStatus();
  })
  .open();

// --- Pausing --------------------------------------------------------------------------------------------

find("pause").addEventListener("click", toggle);

function toggle() {
  pausedByScroll = false;
  if (stream.paused) {
    // Back to the newest, which the rows are added above.
    if (!topInSight) find("top").scrollIntoView({ block: "center" });
    stream.resume();
  } else stream.pause();
}

document.addEventListener("keydown", (event) => {
  if (event.key !== " " || event.ctrlKey || event.metaKey || event.altKey) return;
  if (drawer.dialog.open || event.target.closest("input, select, textarea, button, a, [contenteditable]")) return;
  event.preventDefault();
  toggle();
});

let topInSight = true;
// Reading further down would be impossible with rows being added above.
new IntersectionObserver(([entry]) => {
  const above = entry.boundingClientRect.top < (entry.rootBounds?.top ?? 0);
  topInSight = entry.isIntersecting || !above;
  if (!topInSight && !stream.paused) {
    pausedByScroll = true;
    stream.pause();
  } else if (topInSight && pausedByScroll) {
    pausedByScroll = false;
    stream.resume();
  }
}).observe(find("top"));
