// Tables and lists beside the chart: points, what does not add up, hits, times.

import { clock, element, plain } from "../live/text.js";

// As the statistics of athletes name them (`events.statistics.shown`).
const TECHNIQUES = {
  punch: "Punch",
  body: "Body kick",
  head: "Head kick",
  technical_body: "Technical body kick",
  technical_head: "Technical head kick",
  other: "Not readable",
};

function cell(tag, text, scope) {
  const made = element(tag, tag === "td" || scope === "row" ? "rs-figures" : "", text);
  if (scope) made.scope = scope;
  return made;
}

function row(name, ...cells) {
  return element("tr", "", cell("th", name, "row"), ...cells.map((text) => cell("td", text)));
}

function table(head, rows) {
  const top = element("tr", "", ...head.map((text) => cell("th", text, "col")));
  const made = element("table", "rs-table rs-table-tight", element("thead", "", top), element("tbody", "", ...rows));
  return element("div", "rs-scroll", made);
}

const signed = (number) => (number > 0 ? `+${number}` : `${number}`.replace("-", "−"));

const counted = (number, one) => `${number} ${number === 1 ? one : `${one}s`}`;

/** Points by technique, and by round what the score declares beside what was told. */
export function drawPoints(box, { techniques, rounds }) {
  const by = techniques.map(([name, times, points]) =>
    row(
      TECHNIQUES[name] ?? plain(name),
      ...[0, 1].map((side) => (times[side] ? `${counted(times[side], "time")}, ${counted(points[side], "point")}` : "—")),
    ),
  );
  const told = rounds.flatMap(([number, , , score, sums, gamJeoms]) =>
    ["blue", "red"].map((name, side) => {
      // A gam-jeom gives its point to the other side.
      const given = gamJeoms[1 - side];
      const made = row(`${number}\u00a0${name}`, score[side], sums[side] - given, given, signed(score[side] - sums[side]));
      if (score[side] !== sums[side]) made.className = "story-differs";
      return made;
    }),
  );
  box.replaceChildren(
    by.length ? table(["Scored with", "B blue", "R red"], by) : element("p", "rs-empty", "No points were told."),
    element("p", "rs-note", "The score of each round, and what it is made of:"),
    told.length
      ? table(["Round", "Score", "By points", "By gam-jeoms", "Differs by"], told)
      : element("p", "rs-empty", "No round was told yet."),
  );
}

/** Differences and contradictions; `jump(line)` shows where. */
export function drawDifferences(box, { differences, problems }, jump) {
  const items = differences.map(([round, , amount, cause, words, clockMs, , line]) => {
    const when = clockMs === null ? "" : ` at ${clock(Math.floor(clockMs / 1000) * 1000)}`;
    const button = element("button", "story-jump", `Round ${round}${when}`);
    button.type = "button";
    button.addEventListener("click", () => jump(line));
    const kind = amount ? signed(amount) : "0";
    const made = element("li", "", button, element("span", "rs-tag rs-figures", kind), element("span", "", plain(words)));
    made.dataset.cause = cause;
    return made;
  });
  const others = problems.map((words) => element("li", "", element("span", "", plain(words))));
  if (!items.length && !others.length) {
    box.replaceChildren(element("p", "rs-note rs-note-good", "Everything adds up: each point of the score was told."));
    return;
  }
  const parts = [];
  if (items.length) {
    parts.push(element("ol", "story-differences", ...items));
  } else {
    parts.push(element("p", "rs-note rs-note-good", "Each point of the score was told."));
  }
  if (others.length) {
    const more = element("details", "rs-details", element("summary", "", `What the messages contradict themselves in (${others.length})`));
    more.append(element("ul", "rs-list", ...others));
    parts.push(more);
  }
  box.replaceChildren(...parts);
}

function length(ms) {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

/** Hits by side, and how long what took. */
export function drawFigures(box, { hits_of: hits, hits: all, body_level: body, durations, length_ms: whole }) {
  const strong = (side) => all.filter(([, of, level]) => of === side && level !== 99 && level >= (body ?? 101)).length;
  const [blue, red] = hits;
  const rows = [
    row("Hits", blue[0], red[0]),
    row("Average level", blue[1] ?? "—", red[1] ?? "—"),
    row("Best level", blue[2] || "—", red[2] || "—"),
  ];
  if (body) rows.push(row(`At body level ${body} or more`, strong(1), strong(2)));
  const times = [
    ["Fighting", durations.fighting],
    ["Clock stopped in rounds", durations.stopped],
    ["Rest between rounds", durations.rests],
    ["Injury time", durations.injuries],
    ["Para time-outs", durations.time_outs],
    ["Video replays", durations.replays],
    ["From first to last message", whole],
  ];
  const list = element("dl", "rs-fields rs-fields-short");
  for (const [name, ms] of times) list.append(element("div", "", element("dt", "", name), element("dd", "rs-figures", ms ? length(ms) : "—")));
  box.replaceChildren(table(["", "B blue", "R red"], rows), element("p", "rs-note", ""), list);
}
