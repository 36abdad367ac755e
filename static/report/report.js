// Printing needs a script; without one the button stays hidden and the browser's own menu does it.
for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
}
