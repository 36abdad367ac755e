// Which events are shown. Choices are chips, and live in the page's address so that a view can be shared.

import { element } from "./text.js";

const FACETS = ["court", "tournament", "kind", "status"];

export class Filters {
  /** `form` holds a select per facet, a text field and a box for ticks; `chips` shows what is chosen. */
  constructor(form, chips, changed) {
    this.form = form;
    this.chips = chips;
    this.changed = changed;
    this.readAddress();
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", (event) => this.choose(event.target));
    form.elements.text.addEventListener("input", () => {
      this.text = form.elements.text.value;
      this.tell();
    });
    chips.addEventListener("click", (event) => this.remove(event.target.closest("button")));
    window.addEventListener("popstate", () => {
      this.readAddress();
      this.changed();
    });
  }

  readAddress() {
    const query = new URLSearchParams(window.location.search);
    this.chosen = new Map(FACETS.map((facet) => [facet, new Set(query.getAll(facet))]));
    this.text = query.get("text") ?? "";
    this.ticks = query.has("ticks");
    this.form.elements.text.value = this.text;
    this.form.elements.ticks.checked = this.ticks;
    this.show();
  }

  choose(field) {
    if (field.name === "ticks") this.ticks = field.checked;
    else if (FACETS.includes(field.name) && field.value) {
      this.chosen.get(field.name).add(field.value);
      field.value = "";
    } else return;
    this.tell();
  }

  remove(button) {
    if (!button) return;
    if (button.dataset.facet) this.chosen.get(button.dataset.facet).delete(button.dataset.value);
    else {
      for (const values of this.chosen.values()) values.clear();
      this.text = this.form.elements.text.value = "";
    }
    this.tell();
    (this.chips.querySelector("button") ?? this.form.elements.court).focus();
  }

  tell() {
    const query = new URLSearchParams();
    for (const [facet, values] of this.chosen) for (const value of values) query.append(facet, value);
    if (this.text) query.set("text", this.text);
    if (this.ticks) query.set("ticks", "1");
    const search = query.toString();
    window.history.replaceState(null, "", search ? `?${search}` : window.location.pathname);
    this.show();
    this.changed();
  }

  show() {
    const chips = [];
    for (const [facet, values] of this.chosen) {
      const select = this.form.elements[facet];
      for (const value of values) {
        const label = [...select.options].find((option) => option.value === value)?.text ?? `${facet} ${value}`;
        const chip = element("button", "live-chip", label, element("span", "live-chip-x", "×"));
        chip.type = "button";
        chip.dataset.facet = facet;
        chip.dataset.value = value;
        chip.setAttribute("aria-label", `Remove filter ${label}`);
        chips.push(chip);
      }
    }
    if (chips.length || this.text) {
      const clear = element("button", "live-chip live-chip-clear", "Show everything");
      clear.type = "button";
      chips.push(clear);
    }
    this.chips.replaceChildren(...chips);
    this.needle = this.text.trim().toLowerCase();
  }

  get isActive() {
    return this.needle !== "" || [...this.chosen.values()].some((values) => values.size > 0);
  }

  /** A court that was made after the page. */
  addCourt(id, name) {
    const select = this.form.elements.court;
    if ([...select.options].some((option) => option.value === id)) return;
    select.add(new Option(name, id), select.options.length - 1);
    this.show();
  }

  /** Whether a row is shown. */
  match(row) {
    if (row.tick && !this.ticks) return false;
    for (const facet of FACETS) {
      const values = this.chosen.get(facet);
      // A row without a court or tournament is "none".
      if (values.size && !values.has(String(row[facet] ?? "none"))) return false;
    }
    if (!this.needle) return true;
    const text = `${row.words}\n${row.raw}\n${row.error}\n${row.match?.number ?? ""}`;
    return text.toLowerCase().includes(this.needle);
  }
}
