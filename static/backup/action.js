// How far a backup or a restore is; the page is read again when it has ended.
(() => {
    "use strict";

    const box = document.getElementById("rs-action");
    if (!box) return;

    const EVERY_MS = 700;
    const what = document.getElementById("rs-action-what");
    const bar = document.getElementById("rs-action-bar");
    const numbers = document.getElementById("rs-action-numbers");
    const count = new Intl.NumberFormat("en");

    function show(state) {
        what.textContent = state.what;
        if (state.total > 0) {
            bar.max = state.total;
            bar.value = state.done;
        } else {
            bar.removeAttribute("value");
        }
        const seconds = Math.max(0, Math.round(Date.now() / 1000 - state.began));
        const rows = state.total > 0 ? `${count.format(state.done)} of ${count.format(state.total)} · ` : "";
        numbers.textContent = `${rows}${seconds} s`;
    }

    function take(state) {
        if (state.state === "running") {
            show(state);
        } else {
            location.reload();
        }
        return state.state === "running";
    }

    // Where no WebSocket comes through: the same by asking again and again.
    async function ask() {
        try {
            const answer = await fetch(box.dataset.url, { headers: { Accept: "application/json" } });
            if (!take(await answer.json())) return;
        } catch {
            numbers.textContent = "The pages do not answer. Trying again.";
        }
        setTimeout(ask, EVERY_MS);
    }

    const url = new URL(box.dataset.socket, window.location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    let running = true;
    const socket = new WebSocket(url);
    socket.addEventListener("message", (message) => { running = take(JSON.parse(message.data)); });
    socket.addEventListener("close", () => { if (running) ask(); });
})();
