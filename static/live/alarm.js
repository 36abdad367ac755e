// Rings while an urgent alert waits for somebody. Browsers let a page make no sound before a person has
// touched it, so it is silent until it was switched on, says so when it has to be touched again after a
// reload, and remembers what was chosen on this machine.

const REMEMBERED = "restrike.sound";
const AGAIN_MS = 8000;
const TONES = [880, 660, 880];
const TONE_S = 0.18;

const LABELS = {
  off: "Alarm sound is off",
  blocked: "Alarm sound: touch the page to allow it",
  on: "Alarm sound is on",
};

export class Alarm {
  constructor(button) {
    this.button = button;
    this.ringing = [];
    this.told = new Set();
    this.wanted = this.remembered();
    button.addEventListener("click", () => this.toggle());
    // After a reload the first touch of anything is the permission that the browser waits for.
    for (const type of ["pointerdown", "keydown"]) {
      document.addEventListener(type, () => this.wanted && this.resume(), { capture: true });
    }
    if (this.wanted) this.resume();
    this.show();
  }

  /** The keys of the alerts to ring for; a new one rings at once, the others again after a while. */
  update(keys) {
    const isNew = keys.some((key) => !this.told.has(key));
    this.ringing = keys;
    this.told = new Set(keys);
    if (!keys.length) {
      clearTimeout(this.timer);
      this.timer = null;
    } else if (isNew || !this.timer) this.ring();
  }

  get state() {
    if (!this.wanted) return "off";
    return this.audio?.state === "running" ? "on" : "blocked";
  }

  toggle() {
    // The click that allows the sound is not the one that switches it off.
    if (this.wanted && this.state === "blocked") {
      this.resume();
      return;
    }
    this.wanted = !this.wanted;
    try {
      localStorage.setItem(REMEMBERED, this.wanted ? "on" : "off");
    } catch {
      // Nothing can be kept on this machine; it holds until the page is left.
    }
    if (!this.wanted) this.audio?.suspend();
    else {
      this.confirms = true;
      this.resume();
    }
    this.show();
  }

  remembered() {
    try {
      return localStorage.getItem(REMEMBERED) === "on";
    } catch {
      return false;
    }
  }

  /** Asks the browser; `started` hears of its answer, which without permission never comes. */
  resume() {
    if (!this.audio) {
      this.audio = new AudioContext();
      this.audio.addEventListener("statechange", () => this.started());
      // Some browsers begin it at once, and say nothing.
      if (this.audio.state === "running") this.started();
    }
    this.audio.resume().catch(() => {});
  }

  started() {
    this.show();
    if (this.state !== "on") return;
    if (this.ringing.length) this.ring();
    else if (this.confirms) this.play(TONES.slice(0, 1));
    this.confirms = false;
  }

  ring() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ring(), AGAIN_MS);
    if (this.state === "on") this.play(TONES);
  }

  play(tones) {
    const begin = this.audio.currentTime + 0.02;
    for (const [place, tone] of tones.entries()) {
      const at = begin + place * TONE_S * 1.4;
      const oscillator = new OscillatorNode(this.audio, { type: "triangle", frequency: tone });
      const volume = new GainNode(this.audio, { gain: 0 });
      volume.gain.setValueAtTime(0, at);
      volume.gain.linearRampToValueAtTime(0.5, at + 0.01);
      volume.gain.linearRampToValueAtTime(0, at + TONE_S);
      oscillator.connect(volume).connect(this.audio.destination);
      oscillator.start(at);
      oscillator.stop(at + TONE_S);
    }
  }

  show() {
    const { state } = this;
    this.button.dataset.sound = state;
    if (this.button.textContent !== LABELS[state]) this.button.textContent = LABELS[state];
    this.button.setAttribute("aria-pressed", state !== "off");
  }
}
