// The page of an archive says how far it is, once a second, and is read anew when that is over.
(() => {
    "use strict";

    const place = document.getElementById("rs-archive");
    const isRunning = () => place?.querySelector('[data-running="1"]');
    if (!isRunning()) return;

    async function refresh() {
        try {
            const answer = await fetch(place.dataset.url);
            if (answer.redirected || answer.status === 403) {
                location.reload();
                return;
            }
            if (answer.ok) {
                place.innerHTML = await answer.text();
                place.classList.remove("rs-stale");
                if (!isRunning()) {
                    location.reload();
                    return;
                }
            }
        } catch {
            // The web server is gone or starts again; what is shown is old.
            place.classList.add("rs-stale");
        }
        setTimeout(refresh, 1000);
    }
    setTimeout(refresh, 1000);
})();
