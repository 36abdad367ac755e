// The score of both sides and every hit over time, in one SVG. It draws, and says where it was pointed at.

const NS = "http://www.w3.org/2000/svg";
const LEFT = 34;
const RIGHT = 12;
const NAMES = 62; // for the names of the levels, where they were told and there is room
const NARROW = 500;
const TOP = 34;
const SCORE = 182;
const LANE = 46;
const HITS = 130;
const AXIS = 28;
export const HEIGHT = TOP + SCORE + LANE + HITS + AXIS;
const LETTER = 9; // the width of one, about
const LABEL = 44; // what the score of a round needs: "B 13"
const SIGN = 20; // what one needs
const LINE = 16; // the height of a line of text
const SIGNS = { gam_jeom: "G", replay: "V", injury: "+", time_out: "T", difference: "≠" };

function make(tag, attributes, ...content) {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...content);
  return node;
}

const NUMBERS = [1, 2, 5, 10, 20, 25, 50, 100, 250, 500, 1000];
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1500, 3000, 6000, 15000, 30000, 60000];

/** The smallest of `steps` of which `parts` reach `value`. */
function stepOf(value, parts, steps = NUMBERS) {
  return steps.find((step) => step * parts >= value) ?? steps.at(-1);
}

/** [x, row] for each of `wanted`, which rise: where it is wanted, or beside its neighbours in the row that is free the soonest. */
function spread(wanted, size, least, most, rows) {
  const free = Array(rows).fill(least);
  const placed = wanted.map((x) => {
    const open = free.findIndex((from) => from <= x);
    const row = open < 0 ? free.indexOf(Math.min(...free)) : open;
    const at = Math.max(x, free[row]);
    free[row] = at + size;
    return [at, row];
  });
  const last = Array(rows).fill(most);
  for (const place of placed.reverse()) {
    place[0] = Math.min(place[0], last[place[1]]);
    last[place[1]] = place[0] - size;
  }
  return placed.reverse();
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
    let free = 0;
    for (const [number, starts, ends] of rounds) {
      if (starts === null) continue;
      const width = Math.max(this.x(ends) - this.x(starts), 2);
      nodes.push(make("rect", { class: "story-round", x: this.x(starts), width, y: TOP - 4, height: HEIGHT - TOP - AXIS + 4 }));
      const words = width > 70 ? `Round ${number}` : `${number}`;
      const x = Math.max(this.x(starts) + 4, free);
      free = x + words.length * LETTER + 4;
      nodes.push(make("text", { class: "story-strong", x, y: 16 }, words));
    }
    return nodes;
  }

  axis() {
    const nodes = [];
    const step = stepOf(this.length / 1000, Math.max((this.width - LEFT) / 70, 2), SECONDS) * 1000;
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
    // The score of a round stands in the rest after it, where there is room: there the lines are level.
    const fought = rounds.filter(([, starts]) => starts !== null);
    const inRest = fought.map(([, , ends], place) => this.x(fought[place + 1]?.[1] ?? Infinity) - this.x(ends) >= LABEL);
    const wanted = fought.map(([, , ends], place) => this.x(ends) + (inRest[place] ? 4 : -LABEL));
    const placed = spread(wanted, LABEL, LEFT, this.width - LABEL, 1);
    for (const [place, [, , , [blue, red]]] of fought.entries()) {
      const anchor = inRest[place] ? "start" : "end";
      const x = placed[place][0] + (inRest[place] ? 0 : LABEL - 4);
      const highs = [y(blue) - 5, y(red) - 5];
      const [upper, lower] = blue >= red ? [0, 1] : [1, 0];
      if (highs[lower] - highs[upper] < LINE) {
        // Figures at one height would cover each other and the lines: one above both, one below, or both above.
        const isLow = highs[lower] + LINE + 4 > TOP + SCORE;
        if (isLow) highs[upper] = highs[lower] - LINE;
        else highs[lower] += LINE + 3;
      }
      for (const [side, letter, points] of [[1, "B", blue], [2, "R", red]]) {
        const text = { class: `story-end story-end-${side}`, x, y: highs[side - 1], "text-anchor": anchor };
        nodes.push(make("text", text, `${letter} ${points}`));
      }
    }
    return nodes;
  }

  marks(marks) {
    const top = TOP + SCORE + 4;
    const placed = spread(marks.map(([at]) => this.x(at)), SIGN, LEFT + 9, this.width - 9, 2);
    return marks.map(([, kind, side, words, line], index) => {
      const [x, row] = placed[index];
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
