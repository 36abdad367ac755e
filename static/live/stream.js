// The list of events: newest first, bounded, one change of the page per frame.

import { clock, element, plain, timeOfDay } from "./text.js";

const KEPT = 3000; // events held for filters
const SHOWN = 300; // rows on the page
const SIDES = ["", "blue", "red"];

export class Stream {
  /**
   * `list` an <ol>, `filters` decides what is shown, `told` is called after each change with
   * {paused, waiting, shown}; `names` gives court names and time zones.
   */
  constructor({ list, filters, names, now, told, opened }) {
    Object.assign(this, { list, filters, names, now, told, opened });
    this.events = []; // oldest first
    this.keys = new Set();
    this.fresh = []; // arrived since the last frame, oldest first
    this.waiting = 0; // arrived while paused, of those the filters let through
    this.paused = false;
    this.pool = [];
    list.addEventListener("click", (event) => this.open(event.target.closest(".live-row")));
    list.addEventListener("keydown", (event) => this.key(event));
    list.addEventListener("focusin", () => this.list.matches(":focus-visible, :has(:focus-visible)") && this.pause());
  }

  /** Rows of the server, oldest first. */
  add(rows) {
    for (const row of rows) {
      if (this.keys.has(row.id)) continue;
      this.keys.add(row.id);
      this.events.push(row);
      if (!this.filters.match(row)) continue;
      if (this.paused) this.waiting += 1;
      else this.fresh.push(row);
    }
    if (this.events.length > KEPT * 1.2) {
      for (const row of this.events.splice(0, this.events.length - KEPT)) this.keys.delete(row.id);
    }
    if (this.fresh.length > SHOWN) this.fresh = this.fresh.slice(-SHOWN);
    this.paint();
  }

  /** A line that says how many events are not in the list. */
  addGap(skipped) {
    this.add([{ id: `gap ${this.now()}`, gap: skipped, words: "", raw: "", error: "", time: this.now() }]);
  }

  clear() {
    this.events = [];
    this.keys.clear();
    this.refilter();
  }

  refilter() {
    const matching = [];
    for (let at = this.events.length - 1; at >= 0 && matching.length < SHOWN; at -= 1) {
      if (this.filters.match(this.events[at])) matching.push(this.events[at]);
    }
    this.pool.push(...this.list.children);
    this.list.replaceChildren();
    this.fresh = matching.reverse();
    this.waiting = 0;
    this.paint();
  }

  pause() {
    if (this.paused) return;
    this.paused = true;
    this.paint();
  }

  resume() {
    if (!this.paused) return;
    this.paused = false;
    if (this.waiting) this.refilter();
    this.paint();
  }

  paint() {
    this.request ??= requestAnimationFrame(() => {
      this.request = null;
      this.flush();
      this.told({ paused: this.paused, waiting: this.waiting, shown: this.list.childElementCount });
    });
  }

  flush() {
    if (!this.fresh.length) return;
    const rows = document.createDocumentFragment();
    const surplus = this.list.childElementCount + this.fresh.length - SHOWN;
    for (let n = 0; n < surplus && this.list.lastElementChild; n += 1) {
      this.pool.push(this.list.lastElementChild);
      this.list.lastElementChild.remove();
    }
    for (const row of this.fresh.reverse()) rows.append(this.fill(this.pool.pop() ?? this.build(), row));
    this.fresh = [];
    this.pool.length = Math.min(this.pool.length, SHOWN);
    this.list.prepend(rows);
    // Tab leads to the newest row, unless somebody is already in the list.
    if (!this.list.contains(document.activeElement)) this.lead(this.list.firstElementChild);
  }

  build() {
    const node = element("li", "live-row");
    node.setAttribute("role", "option");
    for (const part of ["time", "court", "match", "side", "words", "when", "raw"]) {
      node[part] = element("span", `live-row-${part}`);
      node.append(node[part]);
    }
    return node;
  }

  fill(node, row) {
    node.tabIndex = -1;
    node.dataset.id = row.id;
    node.className = "live-row";
    if (row.gap) {
      for (const part of node.children) part.textContent = "";
      node.words.textContent = `${row.gap.toLocaleString("en")} events are not shown here. They are stored: see Events.`;
      node.classList.add("live-row-gap");
      node.removeAttribute("data-side");
      return node;
    }
    const side = SIDES[row.athlete] ?? "";
    node.time.textContent = timeOfDay(row.time, this.names.zone(row.day), this.now());
    node.court.textContent = this.names.court(row.court);
    node.match.textContent = row.match ? plain(row.match.number) || "–" : "";
    node.side.textContent = side ? side[0].toUpperCase() : "";
    const how = row.status && row.status !== "recognized" ? ` · ${row.status}` : "";
    node.words.textContent = plain(row.words) + how;
    const round = row.round ? `R${row.round}` : "";
    node.when.textContent = [round, row.clock === null ? "" : clock(row.clock)].filter(Boolean).join(" ");
    node.raw.textContent = plain(row.raw.replace(/\\r\\n$/, ""));
    node.dataset.side = side;
    node.dataset.status = row.status;
    node.dataset.kind = row.kind;
    node.title = row.error ? plain(row.error) : "";
    node.classList.toggle("live-row-tick", row.tick);
    // Of a file that is played: the database has no such event.
    node.classList.toggle("live-row-loose", row.id < 0);
    return node;
  }

  open(node) {
    if (!node || node.matches(".live-row-gap, .live-row-loose")) return;
    this.focus(node);
    this.opened(Number(node.dataset.id));
  }

  focus(node) {
    this.lead(node);
    node.focus();
  }

  /** Makes a row the one that Tab leads to. */
  lead(node) {
    if (this.leading) this.leading.tabIndex = -1;
    this.leading = node;
    node.tabIndex = 0;
  }

  key(event) {
    const node = event.target.closest(".live-row");
    if (!node) return;
    const to = {
      ArrowDown: node.nextElementSibling,
      ArrowUp: node.previousElementSibling,
      Home: this.list.firstElementChild,
      End: this.list.lastElementChild,
    }[event.key];
    if (to) {
      event.preventDefault();
      this.focus(to);
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.open(node);
    }
  }
}
