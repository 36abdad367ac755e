// The WebSocket of live pages: connects, reconnects, acknowledges, and says how far behind it is.

const SHORTEST_WAIT = 250;
const LONGEST_WAIT = 5000;
// The server says something every second; a line silent for longer is dead.
const SILENCE = 6000;
const ACK_EVERY = 10;
const ACK_AFTER = 500;

export class LiveFeed {
  /** `stream`: false asks for cards and status only; `replay`: the key of one, instead of what is live. */
  constructor({ stream = true, replay = null } = {}) {
    this.stream = stream;
    this.replay = replay;
    this.page = replay ? `/replays/${replay}/` : "/live/"; // says whether one who is refused may come at all
    this.state = "connecting";
    this.lastId = null;
    this.skew = null; // this machine's clock minus the server's, at its least, in ms
    this.delay = null; // of the newest event, ms from received to here
    this.handlers = new Map();
    this.attempts = 0;
    this.reconnects = 0;
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
    window.addEventListener("online", () => this.hurry());
    window.addEventListener("pagehide", () => this.close());
    window.addEventListener("pageshow", (event) => event.persisted && this.open());
  }

  /** Types: snapshot, events, gap, status as the server names them, and state when `state` changed. */
  on(type, handler) {
    this.handlers.set(type, [...(this.handlers.get(type) ?? []), handler]);
    return this;
  }

  /** The server's time now, epoch ms. */
  now() {
    return Date.now() - (this.skew ?? 0);
  }

  address() {
    if (this.replay) return new URL(`/ws/replay/${this.replay}/`, window.location.href);
    const url = new URL("/ws/live/", window.location.href);
    if (!this.stream) url.searchParams.set("stream", "0");
    else if (this.lastId !== null) url.searchParams.set("after", this.lastId);
    return url;
  }

  open() {
    this.closed = false;
    clearTimeout(this.timer);
    const url = this.address();
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.socket = socket;
    this.received = this.acked = 0;
    this.opened = false;
    this.setState("connecting");
    socket.onopen = () => {
      this.opened = true;
      this.watch();
    };
    socket.onmessage = (event) => socket === this.socket && this.receive(event.data);
    socket.onclose = (event) => socket === this.socket && this.lost(event.code);
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  /** Tries again at once instead of waiting out the pause. */
  hurry() {
    if (this.state === "waiting") {
      this.attempts = 0;
      this.open();
    }
  }

  watch() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      const socket = this.socket;
      this.lost(1006);
      socket?.close();
    }, SILENCE);
  }

  receive(text) {
    const message = JSON.parse(text);
    this.watch();
    this.received += 1;
    if (this.received - this.acked >= ACK_EVERY || performance.now() - (this.ackedAt ?? 0) > ACK_AFTER) {
      this.acked = this.received;
      this.ackedAt = performance.now();
      this.socket.send(JSON.stringify({ ack: this.received }));
    }
    if (message.now) {
      const away = Date.now() - message.now;
      // Follows a clock that is set, and forgets one lucky message after a while.
      this.skew = this.skew === null || away < this.skew || away > this.skew + 2000 ? away : this.skew + 0.05;
    }
    const events = message.events ?? [];
    if (events.length) {
      const newest = events[events.length - 1];
      this.lastId = newest.id;
      if (message.type === "events") this.delay = Math.max(0, this.now() - newest.time);
    }
    if (message.type === "snapshot") {
      if (message.after === null) this.lastId = message.last;
      this.attempts = 0;
      this.setState("open");
    }
    for (const handler of this.handlers.get(message.type) ?? []) handler(message);
  }

  lost(code) {
    clearTimeout(this.silence);
    this.socket = null;
    if (this.closed) return;
    if (code === 4401 || code === 4403) {
      this.setState("refused");
      return;
    }
    if (this.opened) this.reconnects += 1;
    const longest = Math.min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** this.attempts);
    this.attempts += 1;
    // Jitter, so that a hall full of pages does not come back in the same instant.
    this.timer = setTimeout(() => this.open(), longest * (0.5 + Math.random() / 2));
    this.setState("waiting");
    if (!this.opened && this.attempts > 1) this.checkSession();
  }

  /** A refused handshake looks like a lost line; the page itself says which it is. */
  async checkSession() {
    try {
      const answer = await fetch(this.page, { method: "HEAD", redirect: "manual", cache: "no-store" });
      if (answer.type === "opaqueredirect" || [403, 404].includes(answer.status)) {
        clearTimeout(this.timer);
        this.setState("refused");
      }
    } catch {
      // No answer at all: the line is down, and the next attempt will tell.
    }
  }

  setState(state) {
    this.state = state;
    for (const handler of this.handlers.get("state") ?? []) handler(state);
  }
}
