// <live-cards>: one card per court. With `data-connect` it keeps itself up to date over a connection of
// its own; otherwise a script of the page hands it one: cards.attach(feed).

import { LiveFeed } from "./feed.js";
import { clock, duration, element, plain } from "./text.js";

const FRESH = 3000;
// A clock that runs ticks each second; ten without one and somebody should look.
const SILENT = 10000;
// Hebrew, Arabic and what is written like them.
const JOINED = /[\u0590-\u08ff]/;

/** Sets text only when it differs, so that nothing is painted for nothing. */
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

class Side {
  constructor(name, flags) {
    this.flags = flags;
    this.letter = element("span", "live-letter", name === "blue" ? "B" : "R");
    this.letter.title = name === "blue" ? "Blue" : "Red";
    // The letters stand beside it, so a picture that does not come is no loss.
    this.flag = element("img", "live-flag");
    this.flag.alt = "";
    this.flag.hidden = true;
    this.ioc = element("span");
    this.country = element("span", "live-ioc", this.flag, this.ioc);
    // Cut in the middle: the beginning shrinks, the end stays.
    this.head = element("span", "live-name-head");
    this.tail = element("span", "live-name-tail");
    this.name = element("span", "live-name", this.head, this.tail);
    this.name.dir = "auto";
    this.dots = element("span", "live-dots");
    const [long, short] = [element("span", "live-long", "Gam-jeom "), element("abbr", "live-short", "GJ ")];
    short.title = "Gam-jeom";
    this.count = element("span");
    this.gamJeoms = element("span", "live-gam-jeoms", long, short, this.count);
    this.score = element("span", "live-score");
    const about = element("span", "live-about", this.dots, this.gamJeoms);
    const who = element("span", "live-who", this.country, this.name);
    this.node = element("div", `live-side live-${name}`, this.letter, element("div", "live-text", who, about), this.score);
  }

  show(side, needed, winner) {
    const name = plain(side.name);
    // A name that nearly fits is easier to read with its end cut off than with a hole in it.
    // So are letters that are joined, which a hole would tear apart.
    const tail = name.length > 14 && !JOINED.test(name) ? 5 : 0;
    say(this.ioc, plain(side.ioc).slice(0, 5));
    this.country.classList.toggle("live-empty", !side.ioc);
    this.flag.hidden = !side.flag;
    const picture = `${this.flags}${side.flag}.svg`;
    if (side.flag && this.flag.getAttribute("src") !== picture) this.flag.src = picture;
    say(this.head, name.slice(0, name.length - tail) || "—");
    say(this.tail, name.slice(name.length - tail));
    this.name.title = name;
    say(this.score, String(side.score));
    say(this.dots, `${"●".repeat(Math.min(side.rounds_won, 9))}${"○".repeat(Math.max(needed - side.rounds_won, 0))}`);
    this.dots.setAttribute("aria-label", `${side.rounds_won} rounds won${winner ? ", winner" : ""}`);
    this.dots.setAttribute("role", "img");
    say(this.count, String(side.gam_jeoms));
    this.gamJeoms.classList.toggle("live-many", side.gam_jeoms >= 4);
    this.node.classList.toggle("live-winner", winner);
  }
}

export class Card {
  /** `matchUrl`: of a match, with /0/ for its key; `flags`: where the pictures of the countries are. */
  constructor(node, matchUrl, flags) {
    this.node = node;
    this.matchUrl = matchUrl;
    this.data = null;
    this.title = element("h3", "live-title", node.dataset.name);
    this.rate = element("span", "live-rate");
    this.rate.title = "Messages in the last second";
    this.match = element("a", "live-match");
    this.detail = element("span", "live-detail");
    this.blue = new Side("blue", flags);
    this.red = new Side("red", flags);
    this.roundLong = element("span", "live-long");
    this.roundShort = element("span", "live-short");
    this.roundText = element("span");
    this.round = element("span", "live-round", this.roundLong, this.roundShort, this.roundText);
    this.clock = element("span", "live-clock");
    this.note = element("span", "live-note");
    this.heard = element("p", "live-heard", "Not heard yet");
    node.replaceChildren(
      element(
        "header",
        "",
        element("div", "live-line", this.title, this.rate),
        element("div", "live-line", this.match, this.detail),
      ),
      this.blue.node,
      this.red.node,
      element("div", "live-time", this.round, this.note, this.clock),
      this.heard,
    );
    const nobody = { name: "", ioc: "", score: "–", rounds_won: 0, gam_jeoms: 0 };
    this.blue.show(nobody, 0, false);
    this.red.show(nobody, 0, false);
    say(this.match, "No match yet");
    say(this.roundText, "–");
    say(this.clock, "–:––");
  }

  show(data) {
    this.data = data;
    const planned = data.rounds_planned ?? 0;
    const needed = Math.floor(planned / 2) + (planned > 1 ? 1 : 0);
    this.blue.show(data.blue, needed, data.winner === "blue");
    this.red.show(data.red, needed, data.winner === "red");
    say(this.match, data.number ? `Match ${plain(data.number)}` : data.loaded_at ? "Match" : "No match yet");
    if (data.match) this.match.href = this.matchUrl.replace("/0/", `/${data.match}/`);
    else this.match.removeAttribute("href");
    say(this.detail, [data.phase, data.category].filter(Boolean).map(plain).join(" · "));
    this.detail.title = this.detail.textContent;
  }

  about(court) {
    say(this.title, plain(court.name));
    const [second, ten] = court.rate;
    say(this.rate, `${second}/s`);
    this.rate.title = `${second} messages in the last second, ${ten} per second over the last ten`;
  }

  /** What moves by itself: the countdown and how long ago the court was heard. */
  tick(now, connected) {
    const data = this.data;
    if (!data) return "";
    if (!connected) {
      // It is this page that hears nothing; of the court nothing is known.
      say(this.heard, "Not up to date: no connection");
      this.heard.dataset.mood = "quiet";
      return "";
    }
    this.countDown(data, now);
    const heard = data.heard === null ? Infinity : Math.max(0, now - data.heard);
    const shouldRun = data.clock_running && !data.winner;
    let mood = "fresh";
    let text = "Heard just now";
    if (heard >= FRESH) {
      mood = shouldRun && heard >= SILENT ? "silent" : "quiet";
      text = mood === "silent" ? `Silent for ${duration(heard)}` : `Heard ${duration(heard)} ago`;
    }
    say(this.heard, Number.isFinite(heard) ? text : "Not heard yet");
    if (this.heard.dataset.mood !== mood) this.heard.dataset.mood = mood;
    return mood;
  }

  countDown(data, now) {
    const left = (shown, running) => clock(shown.ms - (running ? Math.max(0, now - shown.at) : 0));
    const [long, short] = data.round && !data.golden && !data.winner ? ["Round ", "R"] : ["", ""];
    let round = data.round ? (data.golden ? "Golden round" : String(data.round)) : "–";
    let time = data.clock_ms === null ? "–:––" : left({ ms: data.clock_ms, at: data.clock_at }, data.clock_running);
    let note = "";
    let state = data.clock_running ? "running" : "stopped";
    if (data.winner) {
      round = data.winner === "tie" ? "Tie" : `${data.winner === "blue" ? "Blue" : "Red"} won`;
      note = plain(data.decision);
      state = "ended";
    } else if (data.time_out?.ms != null) {
      note = `Time-out ${clock(data.time_out.ms)}`;
    } else if (data.injury?.ms != null) {
      note = `Injury ${clock(data.injury.ms)}`;
    } else if (data.rest) {
      note = "Rest";
      time = left(data.rest, data.rest.running);
      state = "rest";
    } else if (data.replay) {
      note = `Video replay: ${["referee", "blue", "red"][data.replay.side] ?? ""}`;
    }
    say(this.roundLong, long);
    say(this.roundShort, short);
    say(this.roundText, round);
    say(this.note, note);
    if (this.note.title !== note) this.note.title = note;
    say(this.clock, time);
    if (this.node.dataset.state !== state) this.node.dataset.state = state;
  }
}

class LiveCards extends HTMLElement {
  connectedCallback() {
    if (this.cards) return;
    this.cards = new Map();
    for (const node of this.querySelectorAll("[data-court]")) {
      this.cards.set(node.dataset.court, new Card(node, this.dataset.matchUrl, this.dataset.flags));
    }
    this.news = element("div", "live-sr-only");
    this.news.setAttribute("role", "status");
    this.append(this.news);
    if (this.dataset.connect !== undefined) this.attach(new LiveFeed({ stream: false })).open();
  }

  attach(feed) {
    this.feed = feed;
    this.changed = new Map();
    const take = (message) => {
      for (const [court, card] of Object.entries(message.cards)) this.changed.set(court, card);
      this.paint();
    };
    feed.on("snapshot", (message) => {
      this.courts(message.status.courts ?? {});
      take(message);
    });
    feed.on("events", take);
    feed.on("status", (message) => this.courts(message.courts ?? {}));
    feed.on("state", (state) => this.classList.toggle("live-offline", state !== "open"));
    this.timer = setInterval(() => this.paint(), 250);
    return feed;
  }

  courts(courts) {
    for (const [id, court] of Object.entries(courts)) {
      if (!this.cards.has(id)) {
        const node = element("article", "live-card");
        node.dataset.court = id;
        node.dataset.name = plain(court.name);
        this.insertBefore(node, this.news);
        this.cards.set(id, new Card(node, this.dataset.matchUrl, this.dataset.flags));
      }
      this.cards.get(id).about(court);
    }
  }

  /** At most once per frame, however much arrives. */
  paint() {
    if (this.waiting || document.hidden) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      for (const [court, data] of this.changed) this.cards.get(court)?.show(data);
      this.changed.clear();
      const now = this.feed.now();
      const connected = this.feed.state === "open";
      const silent = [];
      for (const card of this.cards.values()) {
        if (card.tick(now, connected) === "silent") silent.push(card.title.textContent);
      }
      say(this.news, silent.length ? `Silent while the clock should run: ${silent.join(", ")}` : "");
    });
  }
}

customElements.define("live-cards", LiveCards);
