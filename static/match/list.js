// The events of a match in words. Rows are made once; what is folded away is not in the list at all.

import { clock, element, plain, timeOfDay } from "../live/text.js";

const SIDES = ["", "rs-blue", "rs-red"];

export class EventList {
  /** `shown(index)` is called when a row is pointed at or focused. */
  constructor(box, { url, zone, shown }) {
    this.box = box;
    this.url = url;
    this.zone = zone;
    this.rows = new Map();
    this.visible = [];
    const at = (event) => event.target.closest?.(".story-line")?.dataset.index;
    box.addEventListener("pointerover", (event) => {
      // What the wheel moves under a resting pointer was not pointed at.
      if (at(event) !== undefined && event.pointerType === "mouse" && !this.isScrolling) shown(Number(at(event)));
    });
    box.addEventListener("focusin", (event) => at(event) !== undefined && shown(Number(at(event))));
    box.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const place = this.visible.indexOf(Number(at(event)));
      if (!step || place < 0) return;
      event.preventDefault();
      this.focus(this.visible[Math.min(Math.max(place + step, 0), this.visible.length - 1)]);
    });
  }

  /** Shows those lines that `wants(line)`. */
  draw(lines, beganMs, wants) {
    const atEnd = this.box.scrollTop + this.box.clientHeight >= this.box.scrollHeight - 8;
    const hadRows = this.visible.length > 0;
    if (this.lines && lines.length < this.lines.length) this.rows.clear();
    this.lines = lines;
    this.began = beganMs;
    this.visible = [];
    lines.forEach((line, index) => wants(line) && this.visible.push(index));
    const rows = this.visible.map((index) => this.row(index));
    this.box.replaceChildren(...(rows.length ? rows : [element("li", "story-wait", "No event of this match is stored.")]));
    if (hadRows && atEnd) this.box.scrollTop = this.box.scrollHeight;
  }

  row(index) {
    const [id, at, side, , words, raw, status, folded, round, clockMs] = this.lines[index];
    const known = this.rows.get(index);
    if (known?.dataset.id === String(id)) return known;
    const link = element("a", SIDES[side] ?? "", plain(words));
    link.href = this.url.replace("/0/", `/${id}/`);
    link.title = plain(raw);
    const what = element("span", "story-line-what", link);
    if (status) what.append(" ", element("span", "rs-tag rs-tag-warn", status));
    if (folded === "echo") what.append(" ", element("span", "rs-tag", "JSON"));
    const where = [round ? `round ${round}` : "", clockMs === null ? "" : clock(Math.floor(clockMs / 1000) * 1000)];
    const made = element(
      "li",
      `story-line${folded ? " story-line-folded" : ""}`,
      element("span", "story-line-time", timeOfDay(this.began + at, this.zone, this.began)),
      element("span", "story-line-clock", where.filter(Boolean).join(" ")),
      what,
    );
    made.dataset.index = index;
    made.dataset.id = id;
    this.rows.set(index, made);
    return made;
  }

  /** Highlights a line; `scroll` brings it to the middle of the list. */
  mark(index, scroll) {
    this.current?.classList.remove("story-line-current");
    this.current?.removeAttribute("aria-current");
    const row = this.visible.includes(index) ? this.rows.get(index) : undefined;
    this.current = row;
    if (!row) return;
    row.classList.add("story-line-current");
    row.setAttribute("aria-current", "true");
    if (!scroll) return;
    this.isScrolling = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.isScrolling = false), 200);
    this.box.scrollTop = row.offsetTop - this.box.clientHeight / 2 + row.clientHeight / 2;
  }

  focus(index) {
    this.rows.get(index)?.querySelector("a").focus({ preventScroll: true });
    this.mark(index, true);
  }
}
