// The score of both sides and every hit over time, in one SVG. It draws, and says where it was pointed at.

const NS = "http://www.w3.org/2000/svg";
const LEFT = 34;
const RIGHT = 12;
const NAMES = 62; // for the names of the levels, where they were told and there is room
const NARROW = 500;
const TOP = 26;
const SCORE = 190;
const LANE = 46;
const HITS = 130;
const AXIS = 28;
export const HEIGHT = TOP + SCORE + LANE + HITS + AXIS;
const SIGNS = { gam_jeom: "G", replay: "V", injury: "+", time_out: "T", difference: "≠" };

function make(tag, attributes, ...content) {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...content);
  return node;
}

/** The next round number of at least `value` / `parts`. */
function stepOf(value, parts) {
  return [1, 2, 5, 10, 20, 25, 50, 100, 250, 500].find((step) => step * parts >= value) ?? 1000;
}

const minutes = (ms) => `${Math.floor(ms / 60000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;

export class Chart {
  /** `pointed(ms, isPinned)` is called for pointer and click, `moved(key)` for the keyboard. */
  constructor(box, { pointed, moved }) {
    this.box = box;
    this.svg = make("svg", { role: "slider", tabindex: 0, "aria-label": "Moment of the match", height: HEIGHT });
    box.prepend(this.svg);
    const at = (event) => this.timeAt(event.clientX - this.svg.getBoundingClientRect().left);
    this.svg.addEventListener("pointermove", (event) => event.pointerType === "mouse" && pointed(at(event), false));
    this.svg.addEventListener("click", (event) => pointed(at(event), true));
    this.svg.addEventListener("keydown", (event) => {
      if (moved(event.key)) event.preventDefault();
    });
    new ResizeObserver(() => {
      if (this.story && Math.abs(this.width - box.clientWidth) > 1) this.draw(this.story);
    }).observe(box);
  }

  x(ms) {
    return LEFT + (ms / this.length) * (this.width - LEFT - this.right);
  }

  timeAt(x) {
    return Math.min(Math.max((x - LEFT) / (this.width - LEFT - this.right), 0), 1) * this.length;
  }

  draw(story) {
    this.story = story;
    this.width = this.box.clientWidth;
    this.length = Math.max(story.length_ms, 1000);
    const named = story.body_level || story.head_level;
    this.right = named && this.width >= NARROW ? NAMES : RIGHT;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    this.cursor = make("line", { class: "story-cursor", y1: TOP - 4, y2: HEIGHT - AXIS, x1: -9, x2: -9 });
    this.svg.replaceChildren(
      ...this.rounds(story.rounds),
      ...this.axis(),
      ...this.score(story),
      ...this.marks(story.marks),
      ...this.hits(story),
      this.cursor,
    );
    if (this.at !== undefined) this.moveTo(this.at, this.words);
  }

  rounds(rounds) {
    const nodes = [];
    for (const [number, starts, ends] of rounds) {
      if (starts === null) continue;
      const width = Math.max(this.x(ends) - this.x(starts), 2);
      nodes.push(make("rect", { class: "story-round", x: this.x(starts), width, y: TOP - 4, height: HEIGHT - TOP - AXIS + 4 }));
      const words = width > 70 ? `Round ${number}` : `${number}`;
      nodes.push(make("text", { class: "story-strong", x: this.x(starts) + 4, y: 16 }, words));
    }
    return nodes;
  }

  axis() {
    const nodes = [];
    const step = stepOf(this.length / 60000, Math.max((this.width - LEFT) / 70, 2)) * 60000;
    for (let ms = 0; ms <= this.length; ms += step) {
      const anchor = ms === 0 ? "start" : this.x(ms) > this.width - 20 ? "end" : "middle";
      nodes.push(make("text", { x: this.x(ms), y: HEIGHT - 8, "text-anchor": anchor }, minutes(ms)));
    }
    return nodes;
  }

  /** Lines and figures of one panel; returns how a value is turned into y. */
  panel(nodes, top, height, most, parts) {
    const step = stepOf(most, parts);
    const whole = Math.ceil(most / step) * step;
    const y = (value) => top + height - (Math.min(value, whole) / whole) * height;
    for (let value = 0; value <= whole; value += step) {
      nodes.push(make("line", { class: "story-grid", x1: LEFT, x2: this.width - this.right, y1: y(value), y2: y(value) }));
      nodes.push(make("text", { x: LEFT - 6, y: y(value) + 5, "text-anchor": "end" }, `${value}`));
    }
    return y;
  }

  score({ scores, rounds }) {
    const nodes = [];
    const most = Math.max(5, ...scores.flatMap(([, blue, red]) => [blue, red]));
    const y = this.panel(nodes, TOP, SCORE, most, 5);
    for (const [side, name] of [[2, "red"], [1, "blue"]]) {
      let path = `M${this.x(0)} ${y(0)}`;
      for (const step of scores) path += `H${this.x(step[0])}V${y(step[side])}`;
      nodes.push(make("path", { class: `story-${name}`, d: `${path}H${this.x(this.length)}` }));
    }
    for (const [, starts, ends, score] of rounds) {
      if (starts === null) continue;
      const [blue, red] = score;
      // Two figures at one height would cover each other.
      const apart = Math.max(0, 16 - Math.abs(y(blue) - y(red))) / 2;
      const up = blue >= red ? -apart : apart;
      const x = this.x(ends) - 4;
      for (const [side, letter, points, shift] of [[1, "B", blue, up], [2, "R", red, -up]]) {
        const high = Math.max(y(points) + shift - 5, TOP + 10);
        nodes.push(make("text", { class: `story-end story-end-${side}`, x, y: high, "text-anchor": "end" }, `${letter} ${points}`));
      }
    }
    return nodes;
  }

  marks(marks) {
    const top = TOP + SCORE + 4;
    const taken = [-99, -99];
    return marks.map(([at, kind, side, words, line]) => {
      const x = Math.min(Math.max(this.x(at), LEFT + 9), this.width - this.right - 9);
      const row = x - taken[0] >= 20 || taken[0] <= taken[1] ? 0 : 1;
      taken[row] = x;
      const y = top + row * 21;
      return make(
        "g",
        { class: `story-mark story-mark-${side} story-mark-${kind}`, "data-line": line },
        make("title", {}, words),
        make("rect", { x: x - 9, y, width: 18, height: 19, rx: 4 }),
        make("text", { x, y: y + 15 }, SIGNS[kind] ?? "·"),
      );
    });
  }

  hits({ hits, body_level: body, head_level: head }) {
    const nodes = [];
    const top = TOP + SCORE + LANE;
    const measured = hits.filter(([, , level]) => level !== 99).map(([, , level]) => level);
    const y = this.panel(nodes, top, HITS, Math.max(20, body ?? 0, ...measured), 3);
    const limit = Math.min(body ?? 101, 101);
    for (const [at, side, level] of hits) {
      const x = this.x(at);
      const high = y(level);
      const name = `story-hit-${side}${level < limit ? " story-hit-weak" : ""}`;
      const size = level < limit ? 2.2 : 4.2;
      nodes.push(
        side === 1
          ? make("circle", { class: name, cx: x, cy: high, r: size })
          : make("path", { class: name, d: `M${x} ${high - size * 1.3}l${size * 1.3} ${size * 1.3}l${-size * 1.3} ${size * 1.3}l${-size * 1.3} ${-size * 1.3}z` }),
      );
    }
    for (const [level, words] of [[body, "body"], [head, "head"]]) {
      if (!level) continue;
      nodes.push(make("line", { class: "story-limit", x1: LEFT, x2: this.width - this.right, y1: y(level), y2: y(level) }));
      const place =
        this.right === NAMES
          ? { x: this.width - NAMES + 4, y: y(level) + 5 }
          : { x: this.width - this.right, y: y(level) - 4, "text-anchor": "end" };
      nodes.push(make("text", { class: "story-limit-text", ...place }, `${words} ${level}`));
    }
    return nodes;
  }

  /** Puts the cursor on a moment; `words` are what a screen reader says of it. */
  moveTo(ms, words) {
    this.at = ms;
    this.words = words;
    const x = this.x(Math.min(ms, this.length));
    this.cursor.setAttribute("x1", x);
    this.cursor.setAttribute("x2", x);
    this.svg.setAttribute("aria-valuemin", 0);
    this.svg.setAttribute("aria-valuemax", Math.round(this.length / 1000));
    this.svg.setAttribute("aria-valuenow", Math.round(ms / 1000));
    this.svg.setAttribute("aria-valuetext", words);
  }
}
