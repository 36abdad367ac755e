// The open alerts are drawn anew every three seconds, but never under somebody's fingers.
(() => {
    "use strict";

    const box = document.getElementById("rs-alerts-open");
    if (!box) return;

    const EVERY_MS = 3000;
    // Differs in every answer, and means nothing to the eye.
    const withoutToken = (html) => html.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, "");
    let shown = withoutToken(box.innerHTML);

    const isInUse = () =>
        box.contains(document.activeElement) || [...box.querySelectorAll("input[name=note]")].some((note) => note.value);

    async function refresh() {
        if (document.hidden || isInUse()) return;
        const answer = await fetch(box.dataset.url);
        if (answer.redirected || answer.status === 403) {
            location.reload();
            return;
        }
        const html = await answer.text();
        if (!answer.ok || isInUse() || withoutToken(html) === shown) return;
        box.innerHTML = html;
        shown = withoutToken(html);
    }

    async function loop() {
        try {
            await refresh();
            box.classList.remove("rs-stale");
        } catch {
            // The web server is gone or starts again; the page says that it is old.
            box.classList.add("rs-stale");
        }
        setTimeout(loop, EVERY_MS);
    }
    setTimeout(loop, EVERY_MS);
})();
