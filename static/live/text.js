// Words and figures. Names come from outside and are only ever put on a page as text.

// Characters that reorder or hide what stands around them.
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

export const plain = (text) => String(text ?? "").replace(INVISIBLE, "\ufffd");

/** 77000 -> "1:17" */
export function clock(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** How long, in the largest unit that says enough: "8 s", "2 min", "3 h". */
export function duration(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} days`;
}

const formats = new Map();

/** Time of day to the tenth in a time zone, with the date when that is not today. */
export function timeOfDay(ms, zone, now = Date.now()) {
  if (!formats.has(zone)) {
    const options = zone ? { timeZone: zone } : {};
    formats.set(zone, {
      time: new Intl.DateTimeFormat("en-GB", {
        ...options,
        hour: "2-digit",
        minute: "2-digit",
        second: "2-digit",
        fractionalSecondDigits: 1,
      }),
      date: new Intl.DateTimeFormat("en-GB", { ...options, day: "numeric", month: "short" }),
    });
  }
  const { time, date } = formats.get(zone);
  const on = date.format(ms);
  return on === date.format(now) ? time.format(ms) : `${on} ${time.format(ms)}`;
}

const BYTES = { r: 13, n: 10, t: 9, "\\": 92 };

/** The bytes of a stored raw text (the reversible escape of ingest.protocol.escape). */
export function bytesOf(raw) {
  const bytes = [];
  const encoder = new TextEncoder();
  for (const [part, digits, name] of raw.matchAll(/\\(?:x([0-9a-f]{2})|([rnt\\]))|[^\\]+|\\/g)) {
    if (digits) bytes.push(parseInt(digits, 16));
    else if (name) bytes.push(BYTES[name]);
    else bytes.push(...encoder.encode(part));
  }
  return bytes;
}

/** Bytes as lines of eight: offset, hex, text; as wide as a telephone. */
export function hexDump(bytes, limit = 4096) {
  const lines = [];
  for (let at = 0; at < Math.min(bytes.length, limit); at += 8) {
    const row = bytes.slice(at, at + 8);
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
    lines.push(`${at.toString(16).padStart(4, "0")}  ${hex.padEnd(23)}  ${text}`);
  }
  if (bytes.length > limit) lines.push(`… ${bytes.length - limit} more bytes`);
  return lines.join("\n");
}

/** An element with a class, text and children. */
export function element(tag, name = "", ...content) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...content);
  return made;
}
