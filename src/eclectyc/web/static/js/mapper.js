// Naming a file's columns: what is being typed and where a strip was scrolled to outlast each new look at the file.

const form = document.querySelector("[data-mapper]");
let typed = null;
let scrolled = [];
let opened = [];

form?.addEventListener("htmx:beforeSwap", () => {
  const at = document.activeElement;
  const isText = at?.id && form.contains(at) && at.matches("input:not([type=radio], [type=checkbox]), textarea");
  typed = isText ? { id: at.id, value: at.value } : null;
  opened = [...form.querySelectorAll("[data-keep-open][open]")].map((part) => part.dataset.keepOpen);
  scrolled = [...form.querySelectorAll("[data-keep-scroll]")].map((strip) => [strip.id, strip.scrollLeft, strip.scrollTop]);
});

document.addEventListener("htmx:afterSettle", () => {
  for (const name of opened) form.querySelector(`[data-keep-open="${CSS.escape(name)}"]`)?.setAttribute("open", "");
  for (const [id, left, top] of scrolled) {
    const strip = document.getElementById(id);
    if (strip) [strip.scrollLeft, strip.scrollTop] = [left, top];
  }
  const field = typed && document.getElementById(typed.id);
  if (field && field.value !== typed.value) {
    field.value = typed.value;
    field.addEventListener("blur", () => field.dispatchEvent(new Event("change", { bubbles: true })), { once: true });
  }
  typed = null;
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
