// The Live page: cards, stream, filters and the state of the connection on one feed.

import "./cards.js";
import { Alarm } from "./alarm.js";
import { Drawer } from "./drawer.js";
import { LiveFeed } from "./feed.js";
import { Filters } from "./filters.js";
import { Stream } from "./stream.js";
import { duration, plain } from "./text.js";

const page = document.querySelector(".live-page");
const find = (name) => page.querySelector(`[data-live="${name}"]`);
const replay = page.dataset.replay ?? null;
export const feed = new LiveFeed({ replay });
const alarm = new Alarm(find("sound"));

let status = {};
let skipped = 0;
let pausedByScroll = false;

const names = {
  court: (id) => (id === null ? "no court" : `Court ${status.courts?.[id]?.number ?? "?"}`),
  // The status knows the days that are active; what came before them is told as other pages tell it.
  zone: (day) => status.days?.[day]?.time_zone ?? page.dataset.zone,
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
  open: replay ? "Replay" : "Live",
  waiting: "Connection lost, trying again…",
  ended: "The replay has ended",
  refused: replay ? "The replay has ended, or you are signed out: reload the page" : "Signed out: reload the page to sign in again",
};

function showState() {
  const connection = find("connection");
  connection.dataset.state = feed.state;
  say(connection, STATES[feed.state]);
  const delay = feed.state === "open" && feed.delay !== null ? `Delay ${feed.delay < 9950 ? `${Math.round(feed.delay)} ms` : duration(feed.delay)}` : "Delay –";
  say(find("delay"), replay ? "Replay: nothing of this is stored" : delay);
  const rate = status.rate ? `${status.rate[0].toLocaleString("en")} messages/s` : "";
  say(find("rate"), replay ? "" : rate);
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

const banners = document.getElementById("rs-problems");
let told = banners && [...banners.querySelectorAll("p")].map((line) => line.textContent).join("\n");

/** The server draws the banners, with their buttons; they are asked for when the sentences changed. */
async function showProblems(sentences) {
  const wanted = sentences.join("\n");
  // What somebody is about to press must not vanish under the finger.
  if (replay || !banners || wanted === told || banners.contains(document.activeElement)) return;
  told = wanted;
  try {
    const answer = await fetch(page.dataset.problemsUrl);
    if (!answer.ok || answer.redirected) throw new Error(`status ${answer.status}`);
    const drawn = new DOMParser().parseFromString(await answer.text(), "text/html");
    banners.replaceChildren(...drawn.body.childNodes);
  } catch {
    told = null; // the next status asks again
  }
}

function dayName(day) {
  const date = new Date(`${day.date}T12:00:00Z`);
  const on = date.toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
  return `${plain(day.name)} · day ${day.number} (${on})`;
}

function showContext() {
  const courts = Object.values(status.courts ?? {});
  const active = new Set(courts.length ? courts.map((court) => court.day) : [status.day ?? null]);
  const context = find("context");
  const days = [...active].map((id) => (id === null ? "none on some courts" : dayName(status.days[id])));
  const none = active.size === 1 && active.has(null);
  say(context, none ? "No tournament day is active: events are stored without one" : days.join(" / "));
  context.classList.toggle("live-missing", active.has(null));
  if (find("choose")) say(find("choose"), none ? "Choose the active day" : "Change");
}

function showStatus() {
  showProblems(status.problems ?? []);
  say(find("trouble"), status.problem ?? "");
  showContext();
  for (const [id, court] of Object.entries(status.courts ?? {})) filters.addCourt(id, plain(court.name));
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
    // Not for a snapshot, which may be a second old: somebody who comes back from acknowledging hears nothing.
    alarm.update(status.alerts?.ringing ?? []);
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
