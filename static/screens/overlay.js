// Scoreboard and lower third of one court. Boxes are fixed by the style sheet; this sets texts, and animates
// opacity only, so that nothing is laid out anew while a match goes on.

import { clock } from "../live/text.js";
import { ScreenFeed, clean, options } from "./screen.js";

const overlay = document.getElementById("overlay");
const part = (name, inside = overlay) => inside.querySelector(`[data-part="${name}"]`);
const registered = JSON.parse(document.getElementById("options").textContent);

let card = null;
let heard = null;
let lost = false; // the address was revoked, or one is not let in

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function mark(name, value) {
  if (overlay.dataset[name] !== String(value)) overlay.dataset[name] = value;
}

/** How much room a text takes: letters, those of Asia and pictures twice as wide. */
function width(text) {
  let sum = 0;
  for (const letter of text) sum += /[\u1100-\u115f\u2e80-\uffdc\u{1f000}-\u{3fffd}]/u.test(letter) ? 2 : 1;
  return sum;
}

class Side {
  constructor(name) {
    this.node = overlay.querySelector(`[data-side="${name}"]`);
    for (const one of ["flag", "code", "name", "dots", "gam-jeoms", "score", "flash"]) this[one] = part(one, this.node);
    this.flag.addEventListener("load", () => this.flag.classList.add("there"));
  }

  show(side, needed, winner, same) {
    const long = clean(side.name);
    const short = clean(side.short);
    const name = width(long) > 40 && short ? short : long;
    say(this.name, name || "—");
    const fit = width(name) > 26 ? "small" : width(name) > 16 ? "middle" : "large";
    if (this.name.dataset.fit !== fit) this.name.dataset.fit = fit;
    this.country(side);
    say(this.dots, `${"●".repeat(Math.min(side.rounds_won, 4))}${"○".repeat(Math.max(Math.min(needed, 4) - side.rounds_won, 0))}`);
    say(this["gam-jeoms"], winner ? "WINNER" : side.gam_jeoms ? `GJ ${side.gam_jeoms}` : "");
    const score = String(side.score);
    if (same && this.score.textContent !== score) {
      this.flash.animate([{ opacity: 0.85 }, { opacity: 0 }], { duration: 700, easing: "ease-out" });
    }
    say(this.score, score);
    this.node.classList.toggle("winner", winner);
  }

  country(side) {
    say(this.code, clean(side.ioc).slice(0, 5));
    if (this.flag.dataset.flag === side.flag) return;
    this.flag.dataset.flag = side.flag;
    this.flag.classList.remove("there");
    if (side.flag) this.flag.src = `${overlay.dataset.flags}${side.flag}.svg`;
    else this.flag.removeAttribute("src");
  }
}

const sides = { blue: new Side("blue"), red: new Side("red") };

function show(now) {
  const planned = now.rounds_planned ?? 0;
  const needed = Math.floor(planned / 2) + (planned > 1 ? 1 : 0);
  const same = card?.serial === now.serial;
  for (const [name, side] of Object.entries(sides)) side.show(now[name], needed, now.winner === name, same);
  const number = clean(now.number);
  say(part("about"), [number && `Match ${number}`, clean(now.phase), clean(now.category)].filter(Boolean).join(" · "));
  card = now;
}

function tick() {
  const now = feed.now();
  const stale = lost || heard === null || now - heard > chosen.after * 1000;
  mark("stale", stale);
  mark("lost", lost);
  if (!card) return;
  const left = (shown) => clock(shown.ms - (shown.running ? Math.max(0, now - shown.at) : 0));
  let round = card.round ? (card.golden ? "Golden round" : `Round ${card.round}`) : "";
  let time = card.clock_ms === null ? "" : left({ ms: card.clock_ms, at: card.clock_at, running: card.clock_running });
  let note = "";
  let state = card.clock_running ? "running" : "stopped";
  if (card.winner) {
    [round, time, state] = [card.winner === "tie" ? "Tie" : "Ended", "", "ended"];
    note = clean(card.decision);
  } else if (card.time_out?.ms != null) note = `Time-out ${clock(card.time_out.ms)}`;
  else if (card.injury?.ms != null) note = `Injury ${clock(card.injury.ms)}`;
  else if (card.rest) [note, time, state] = ["Rest", left(card.rest), "rest"];
  else if (card.replay) note = "Video replay";
  say(part("round"), round);
  say(part("clock"), time);
  say(part("note"), note);
  mark("state", state);
}

// --- Options --------------------------------------------------------------------------------------------

let chosen;

function apply(about) {
  chosen = options(about);
  mark("view", chosen.view);
  mark("swap", chosen.swap);
  mark("when", chosen.stale);
  overlay.style.setProperty("--size", chosen.size / 100);
  overlay.hidden = false;
}

// --- The feed -------------------------------------------------------------------------------------------

const feed = new ScreenFeed(overlay.dataset.court);
apply(registered);

function take(message) {
  for (const moment of Object.values(message.heard)) heard = moment;
  for (const found of Object.values(message.cards)) show(found);
  mark("replayed", Boolean(message.replay));
  part("replayed").hidden = !message.replay;
  tick();
}

feed
  .on("snapshot", take)
  .on("cards", take)
  .on("settings", apply)
  .on("revoked", () => {
    lost = true;
    feed.close();
    tick();
  })
  .on("state", (state) => {
    mark("connection", state);
    if (state === "refused") lost = true;
    tick();
  })
  .open();
setInterval(tick, 100);
