// The form of a new tournament: what this browser knows better than the server does.

document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("#tournament_form");
  if (!form || !location.pathname.endsWith("/add/")) return;

  // The server may well run on UTC; the laptop in the hall is set to the hall's time.
  const zone = form.elements.time_zone;
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone?.value === "UTC" && !form.querySelector(".errorlist") && [...zone.options].some((one) => one.value === here)) {
    zone.value = here;
  }

  const { start_date: first, end_date: last } = form.elements;
  first?.addEventListener("change", () => {
    if (first.value && (!last.value || last.value < first.value)) last.value = first.value;
  });
});
