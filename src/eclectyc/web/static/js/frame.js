// The frame of every page: theme, menu, keys that go somewhere, what htmx needs.

const root = document.documentElement;
const darkSystem = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : darkSystem.matches;
}

function toggleTheme() {
  root.dataset.theme = isDark() ? "light" : "dark";
  try {
    localStorage.setItem("theme", root.dataset.theme);
  } catch {
    // it lasts for this page only
  }
  document.dispatchEvent(new CustomEvent("themechange"));
}

darkSystem.addEventListener("change", () => document.dispatchEvent(new CustomEvent("themechange")));
for (const button of document.querySelectorAll("[data-theme-toggle]")) button.addEventListener("click", toggleTheme);

const menu = document.querySelector(".menu-button");
menu?.addEventListener("click", () => {
  const open = document.getElementById("nav").classList.toggle("is-open");
  menu.setAttribute("aria-expanded", String(open));
});

// Keys: "/" searches; an element with data-key is pressed by its key. Never while typing, never with a chart in focus.
const typing = (target) => target.closest("input, select, textarea, [contenteditable], [data-chart-canvas], .table-wrap");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
  if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
    return;
  }
  const pressed = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!pressed || pressed.getAttribute("aria-disabled") === "true") return;
  event.preventDefault();
  pressed.click();
});

// A select or a date that answers at once, without losing the plain form that works with no script.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

// A year that is being typed passes through 0002 and 0020: not yet a date.
document.addEventListener("change", (event) => {
  if (event.target.type === "date" && event.target.value && event.target.value < "1990") event.stopPropagation();
}, true);

// A form's empty fields do not belong in the address.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "get" || event.target.hasAttribute("hx-get")) return;
  for (const field of event.target.elements) if (field.name && field.value === "") field.disabled = true;
});
addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form[method=get] :disabled[name]")) field.disabled = false;
});

document.addEventListener("htmx:configRequest", ({ detail }) => {
  for (const [name, value] of [...detail.formData.entries()]) if (value === "") detail.formData.delete(name);
});

export function announce(text) {
  document.getElementById("announce").textContent = text;
}

function toast(text) {
  document.querySelector(".toast")?.remove();
  const box = document.createElement("div");
  box.className = "toast";
  box.setAttribute("role", "alert");
  box.textContent = text;
  document.body.append(box);
  setTimeout(() => box.remove(), 8000);
}

document.addEventListener("htmx:responseError", (event) => {
  toast(`This part of the page could not be loaded (error ${event.detail.xhr.status}). Reload the page. If it happens again, contact your administrator.`);
});
document.addEventListener("htmx:sendError", () => toast("The server is not responding. Check your connection and try again."));
document.addEventListener("htmx:afterSwap", (event) => {
  const announced = event.detail.target.querySelector?.("[data-announce]");
  if (announced) announce(announced.dataset.announce);
});
