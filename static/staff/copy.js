// Buttons with `data-copy` put that text on the clipboard and say so.
document.addEventListener("click", async (event) => {
    "use strict";

    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const text = button.dataset.copy;
    if (navigator.clipboard) {
        await navigator.clipboard.writeText(text);
    } else {
        // Plain HTTP from another machine has no clipboard interface.
        const area = document.createElement("textarea");
        area.value = text;
        document.body.append(area);
        area.select();
        document.execCommand("copy");
        area.remove();
    }
    button.dataset.words ??= button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = button.dataset.words; }, 1500);
});
