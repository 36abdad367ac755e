// The page about the API in the colours that were chosen for the admin, or else those of the system.
(() => {
    "use strict";

    const system = matchMedia("(prefers-color-scheme: dark)");

    function show() {
        const chosen = JSON.parse(localStorage.getItem("adminTheme") ?? '"auto"');
        document.documentElement.classList.toggle("dark-mode", chosen === "auto" ? system.matches : chosen === "dark");
    }

    system.addEventListener("change", show);
    show();
})();
