// Mapping a file's columns: each change is sent, and the answer replaces the questions, unless the form was changed again
// meanwhile: then the next change brings the next answer. Scroll positions and opened parts are kept.

const form = document.querySelector("[data-mapper]");
const answers = () => new URLSearchParams(new FormData(form)).toString();
let sent = "";
let isSwapping = false;
let scrolled = [];
let opened = [];

form?.addEventListener("htmx:beforeRequest", () => {
  sent = answers();
});

form?.addEventListener("htmx:beforeSwap", (event) => {
  if (answers() !== sent) {
    event.detail.shouldSwap = false;
    return;
  }
  isSwapping = true;
  opened = [...form.querySelectorAll("[data-keep-open][open]")].map((part) => part.dataset.keepOpen);
  scrolled = [...form.querySelectorAll("[data-keep-scroll]")].map((strip) => [strip.id, strip.scrollLeft, strip.scrollTop]);
});

// A field that goes while it is in focus says that it changed: it was sent already.
document.addEventListener("change", (event) => {
  if (isSwapping && form?.contains(event.target)) event.stopPropagation();
}, true);

document.addEventListener("htmx:afterSettle", () => {
  isSwapping = false;
  for (const name of opened) form?.querySelector(`[data-keep-open="${CSS.escape(name)}"]`)?.setAttribute("open", "");
  for (const [id, left, top] of scrolled) {
    const strip = document.getElementById(id);
    if (strip) [strip.scrollLeft, strip.scrollTop] = [left, top];
  }
  scrolled = [];
});

// Enter in a field looks at the file again; it does not save what is not ready.
form?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("input:not([type=submit])")) return;
  event.preventDefault();
  event.target.dispatchEvent(new Event("change", { bubbles: true }));
});

// A sentence that is still open leads to its question.
form?.addEventListener("click", (event) => {
  const link = event.target.closest?.(".open a");
  const place = link && document.querySelector(link.getAttribute("href"));
  if (!place) return;
  event.preventDefault();
  place.scrollIntoView({ block: "center" });
  (place.matches("input, select, textarea") ? place : place.querySelector("input, select, textarea"))?.focus({ preventScroll: true });
});
