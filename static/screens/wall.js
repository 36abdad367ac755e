// All courts on one screen: as many columns as make the cards largest.

import { Card } from "../live/cards.js";
import { duration, element } from "../live/text.js";
import { ScreenFeed, clean, options } from "./screen.js";

const wall = document.getElementById("wall");
const says = document.getElementById("wall-says");
const registered = JSON.parse(document.getElementById("options").textContent);
// A card reads best at about this shape, width to height.
const SHAPE = 1.7;

const cards = new Map(); // court -> {node, card}
const heard = new Map();
let chosen = options(registered);
let lost = false;

/** With the texts of these names cleaned: a card marks what is invisible, for staff. */
function cleaned(found, ...names) {
  return { ...found, ...Object.fromEntries(names.map((name) => [name, clean(found[name])])) };
}

function arrange() {
  const count = Math.max(cards.size, 1);
  const room = window.innerWidth / window.innerHeight;
  let best = { fit: 0, columns: 1, rows: 1 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const shape = (room * rows) / columns;
    // The largest card of the wanted shape that fits into one place.
    const fit = Math.min(1 / columns, (SHAPE / room) / rows) * Math.min(shape / SHAPE, SHAPE / shape, 1) ** 0.1;
    if (fit > best.fit) best = { fit, columns, rows };
  }
  wall.style.setProperty("--columns", best.columns);
  wall.style.setProperty("--rows", best.rows);
}

function courts(named) {
  for (const id of [...cards.keys()]) {
    if (id in named) continue;
    cards.get(id).node.remove();
    cards.delete(id);
  }
  const sorted = Object.entries(named).sort(([, one], [, other]) => one.number - other.number);
  for (const [id, court] of sorted) {
    if (!cards.has(id)) {
      const inner = element("article", "live-card");
      inner.dataset.court = id;
      inner.dataset.name = clean(court.name);
      cards.set(id, { node: element("div", "wall-place", inner), card: new Card(inner, "", wall.dataset.flags) });
    }
    const { node, card } = cards.get(id);
    card.about({ name: clean(court.name), rate: [0, 0] });
    wall.append(node);
  }
  arrange();
}

function paint() {
  const now = feed.now();
  const connected = feed.state === "open";
  for (const [id, { node, card }] of cards) {
    const moment = heard.get(id) ?? null;
    if (card.data) card.data.heard = moment;
    card.tick(now, connected);
    const stale = moment === null || now - moment > chosen.after * 1000;
    node.dataset.stale = stale ? chosen.stale : "";
  }
  wall.classList.toggle("live-offline", !connected);
  let text = "";
  if (lost) text = "This screen's address was revoked. Copy the present one from Displays.";
  else if (!connected) text = `No connection${lastAt ? ` since ${duration(Date.now() - lastAt)}` : ""}, trying again`;
  else if (!cards.size) text = "No court is active yet. A court appears here by itself when it is heard.";
  if (says.textContent !== text) says.textContent = text;
  wall.hidden = lost;
}

let lastAt = 0;
let waiting = null;

function take(message) {
  lastAt = Date.now();
  if (message.courts) courts(message.courts);
  for (const [id, moment] of Object.entries(message.heard)) heard.set(id, moment);
  for (const [id, data] of Object.entries(message.cards)) {
    const about = cleaned(data, "number", "phase", "category", "decision");
    const [blue, red] = [data.blue, data.red].map((side) => cleaned(side, "name", "ioc"));
    cards.get(id)?.card.show({ ...about, blue, red, heard: heard.get(id) ?? null });
  }
  document.getElementById("wall-replayed").hidden = !message.replay;
  wall.classList.toggle("wall-replayed", Boolean(message.replay));
  waiting ??= requestAnimationFrame(() => {
    waiting = null;
    paint();
  });
}

function apply(about) {
  chosen = options(about);
  wall.classList.toggle("wall-swapped", chosen.swap);
  wall.style.setProperty("--size", chosen.size / 100);
}

const feed = new ScreenFeed();
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.documentElement.classList.toggle("dark", dark.matches);
dark.addEventListener("change", dress);
dress();
apply(registered);
feed
  .on("snapshot", take)
  .on("cards", take)
  .on("settings", apply)
  .on("revoked", () => {
    lost = true;
    feed.close();
    paint();
  })
  .on("state", (state) => {
    lost ||= state === "refused";
    paint();
  })
  .open();
window.addEventListener("resize", arrange);
setInterval(paint, 250);
