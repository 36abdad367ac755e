// The front page and the health page draw their changing parts anew every few seconds.
(() => {
    "use strict";

    const page = document.querySelector("#rs-today, #rs-health");
    if (!page) return;

    const INTERVAL_MS = Number(page.dataset.every) || 2000;
    const shown = new Map();
    // Differs in every answer, and means nothing to the eye.
    const withoutToken = (html) => html.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, "");

    // The keyboard's place is kept: the same link or button in the same order gets it back.
    function replace(element, html) {
        const stops = () => [...element.querySelectorAll("a, button, summary")];
        const place = stops().indexOf(document.activeElement);
        const words = document.activeElement.textContent;
        element.innerHTML = html;
        const again = place < 0 ? undefined : stops()[place] ?? stops().find((stop) => stop.textContent === words);
        again?.focus({ preventScroll: true });
    }

    function draw(parts) {
        for (const [id, html] of Object.entries(parts)) {
            const element = document.getElementById(id);
            const text = withoutToken(html);
            if (!element || shown.get(id) === text) continue;
            // What somebody is pressing must not vanish under the finger.
            if (element.matches(":active")) continue;
            replace(element, html);
            shown.set(id, text);
        }
    }

    async function refresh() {
        if (document.hidden) return;
        try {
            const answer = await fetch(page.dataset.url, { headers: { Accept: "application/json" } });
            if (answer.redirected || answer.status === 403) {
                location.reload();
                return;
            }
            if (!answer.ok) return;
            const { started, parts } = await answer.json();
            if (started !== (page.dataset.started === "1")) {
                location.reload();
                return;
            }
            draw(parts);
            page.classList.remove("rs-stale");
        } catch {
            // The web server is gone or starts again; the page says that it is old.
            page.classList.add("rs-stale");
        }
    }

    async function loop() {
        await refresh();
        setTimeout(loop, INTERVAL_MS);
    }
    setTimeout(loop, INTERVAL_MS);
})();
