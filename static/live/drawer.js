// One event with everything that is known of it, beside the list.

import { bytesOf, clock, element, hexDump, plain, timeOfDay } from "./text.js";

export class Drawer {
  /** `dialog` is empty but for `.live-drawer-body` and a close button; `url` has 0 for the event's key. */
  constructor(dialog, url) {
    this.dialog = dialog;
    this.url = url;
    this.body = dialog.querySelector(".live-drawer-body");
    this.wanted = null;
    dialog.addEventListener("click", (event) => {
      const neighbour = event.target.closest("[data-event]");
      if (neighbour) this.open(Number(neighbour.dataset.event));
      // The backdrop belongs to the dialog, its contents to the panel inside.
      else if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
    });
  }

  async open(id) {
    this.wanted = id;
    if (!this.dialog.open) this.dialog.showModal();
    this.body.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(this.url.replace("/0/", `/${id}/`), { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const event = await answer.json();
      if (this.wanted === id) this.show(event);
    } catch {
      if (this.wanted === id) {
        this.body.replaceChildren(element("p", "live-drawer-problem", "This event could not be read. Close and try again."));
      }
    }
    this.body.removeAttribute("aria-busy");
  }

  show(event) {
    const { fields } = event;
    const list = element("dl", "live-fields");
    const put = (label, value) => list.append(element("dt", "", label), element("dd", "", value));
    put("Received", timeOfDay(event.time, event.zone));
    for (const [label, value] of Object.entries(fields)) {
      if (label === "Match clock") put(label, clock(value));
      else put(label, plain(value));
    }
    const bytes = bytesOf(event.raw);
    const neighbours = element("ol", "live-neighbours");
    for (const other of event.neighbours) {
      const button = element("button", "live-neighbour", element("span", "", timeOfDay(other.time, event.zone)), " ", plain(other.words));
      button.type = "button";
      if (other.this) button.setAttribute("aria-current", "true");
      else button.dataset.event = other.id;
      neighbours.append(element("li", "", button));
    }
    const links = element("p", "live-drawer-links", link(event.url, "Event page"));
    if (event.match) links.append(link(event.match.url, plain(event.match.name)));
    this.body.replaceChildren(
      element("h2", "live-drawer-title", plain(event.words)),
      links,
      list,
      element("h3", "", `Raw message, ${bytes.length} bytes`),
      element("pre", "live-raw", plain(event.raw)),
      element("pre", "live-raw live-hex", hexDump(bytes)),
      element("h3", "", "Before and after, from the same sender"),
      neighbours,
    );
    this.dialog.setAttribute("aria-label", plain(event.words));
    this.body.scrollTop = 0;
  }
}

function link(url, text) {
  const made = element("a", "live-link", text);
  made.href = url;
  return made;
}
