// The bar above the live page while it shows a replay: where it stands, hold, speed and position.

import { feed } from "../live/page.js";
import { clock } from "../live/text.js";

const bar = document.querySelector(".replay-bar");
const find = (name) => bar.querySelector(`[data-replay="${name}"]`);
const [pause, speed, seek, form] = ["pause", "speed", "seek", "form"].map(find);

const HOUR = 3_600_000;

let state = null;
let at = 0; // when `state` came
let seeking = false;
let trouble = ""; // with what was pressed last

/** Of a day, with hours: 7:05:09. */
function time(ms) {
  return ms < HOUR ? clock(ms) : `${Math.floor(ms / HOUR)}:${clock(ms % HOUR).padStart(5, "0")}`;
}

function position() {
  if (!state) return 0;
  const gone = state.paused ? 0 : (performance.now() - at) * state.speed;
  return Math.min(state.position + gone, state.duration);
}

function take(now) {
  if (!now) return;
  state = now;
  at = performance.now();
  show();
}

function show() {
  if (!state) return;
  const done = position() >= state.duration;
  if (!seeking) find("time").textContent = `${time(position())} / ${time(state.duration)}`;
  find("note").textContent = trouble || (done ? "At its end" : "");
  if (!form) return;
  pause.textContent = done ? "Play again" : state.paused ? "Go on" : "Hold";
  pause.setAttribute("aria-pressed", state.paused && !done);
  if (document.activeElement !== speed) speed.value = state.speed;
  if (!seeking) seek.value = position();
}

/** Stopped by somebody, or forgotten: there is nothing left to control. */
function end() {
  feed.close();
  feed.setState("ended");
  bar.classList.add("replay-over");
  bar.querySelector(".replay-ended").hidden = false;
}

async function ask(about) {
  trouble = "";
  const body = new URLSearchParams(about);
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  try {
    const answer = await fetch(bar.dataset.control, { method: "POST", body, headers: { "X-CSRFToken": token } });
    if (answer.ok) take({ ...state, ...(await answer.json()) });
    else if (answer.status === 404) end();
    else trouble = "That was not possible";
  } catch {
    trouble = "No connection: try again";
  }
  show();
}

if (form) {
  form.addEventListener("submit", (event) => event.preventDefault());
  pause.addEventListener("click", () => {
    if (state && position() >= state.duration) ask({ position: 0, paused: 0 });
    else ask({ paused: state?.paused ? 0 : 1 });
  });
  speed.addEventListener("change", () => ask({ speed: speed.value }));
  seek.addEventListener("input", () => {
    seeking = true;
    find("time").textContent = `${time(seek.value)} / ${time(state?.duration ?? 0)}`;
  });
  seek.addEventListener("change", async () => {
    await ask({ position: Math.round(seek.value) });
    seeking = false;
  });
}
feed
  .on("snapshot", (message) => take(message.status.replay))
  .on("status", (message) => take(message.replay))
  .on("ended", end);
setInterval(show, 250);
