// What overlays and the wall share: the connection with the key of the address, and the options.

import { LiveFeed } from "../live/feed.js";
import { plain } from "../live/text.js";

const query = new URLSearchParams(window.location.search);
// On a stream a mark for "something invisible was here" helps nobody.
export const clean = (text) => plain(text).replaceAll("\ufffd", "").trim();

const LIMITS = { size: [25, 300], after: [2, 3600] };
const CHOICES = { stale: ["hide", "dim", "hold"] };

/** The options of the registry with those of the address before them; what makes no sense is left out. */
export function options(registered) {
  const chosen = { ...registered };
  for (const [name, [least, most]] of Object.entries(LIMITS)) {
    const text = query.get(name) ?? "";
    if (/^\d{1,4}$/.test(text) && Number(text) >= least && Number(text) <= most) chosen[name] = Number(text);
  }
  for (const [name, allowed] of Object.entries(CHOICES)) {
    if (allowed.includes(query.get(name))) chosen[name] = query.get(name);
  }
  if (query.has("swap")) chosen.swap = query.get("swap") !== "0";
  return chosen;
}

/** Loads a page, this one too, once the server can give it: an error page would stay on the stream. */
async function go(address) {
  const url = new URL(address, window.location.href);
  for (const [name, value] of query) if (!url.searchParams.has(name)) url.searchParams.set(name, value);
  try {
    const answer = await fetch(url, { method: "HEAD", cache: "no-store" });
    if (answer.ok) window.location.replace(url);
    else throw new Error(`status ${answer.status}`);
  } catch {
    setTimeout(() => go(address), 2000);
  }
}

export class ScreenFeed extends LiveFeed {
  /** `court`: for one who is signed in; a key says itself what it opens. */
  constructor(court) {
    super({ stream: false });
    this.court = court;
    this.page = window.location.href;
    this.on("go", (message) => go(message.url));
    this.on("reload", () => go(window.location.href));
    // What the registry shows there now may need another page: the server leads to it.
    const isWall = document.getElementById("wall") !== null;
    this.on("settings", ({ view }) => (view === "wall") === isWall || go(window.location.href));
  }

  address() {
    const url = new URL("/ws/screen/", window.location.href);
    if (query.has("key")) url.searchParams.set("key", query.get("key"));
    else if (this.court) url.searchParams.set("court", this.court);
    if (query.has("replay")) url.searchParams.set("replay", query.get("replay"));
    return url;
  }
}
