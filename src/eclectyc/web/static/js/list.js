// Lists: arrows go from row to row, Enter opens one; a tick chooses, the head's tick chooses all.

document.querySelector(".sections [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

const LISTS = "main table.table, main ul.things, main ol.ranked";
const linkOf = (row) => row.querySelector("[data-row]") ?? row.querySelector("th a[href]") ?? row.querySelector("a[href]");
const linksOf = (list) => [...list.querySelectorAll("tbody tr, :scope > li")].map(linkOf).filter(Boolean);

// The list that the arrows mean: the one in focus; from the search field, or from nowhere, the one that is the page.
function listAt(target, search) {
  if (target === search || target === document.body) return document.querySelector("[data-list]");
  return target.closest(LISTS) ?? (target.matches(".table-wrap") ? target.querySelector(LISTS) : null);
}

document.addEventListener("keydown", (event) => {
  if (!["ArrowDown", "ArrowUp"].includes(event.key) || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const search = document.querySelector("form[role=search] input[type=search]");
  const isTick = event.target.matches("[data-list] input[type=checkbox]");
  if (event.target.matches("input, select, textarea") && event.target !== search && !isTick) return;
  const list = listAt(event.target, search);
  const links = list ? linksOf(list) : [];
  const row = list?.contains(event.target) ? event.target.closest("tbody tr, li") : null;
  const at = row ? links.findIndex((link) => row.contains(link)) : -1;
  if (!links.length || (at < 0 && event.key === "ArrowUp")) return;
  event.preventDefault();
  const next = at + (event.key === "ArrowDown" ? 1 : -1);
  if (next < 0) {
    if (list.matches("[data-list]")) search?.focus();
    return;
  }
  const link = links[Math.min(next, links.length - 1)];
  ((isTick && link.closest("tr").querySelector("input[type=checkbox]")) || link).focus();
});

for (const form of document.querySelectorAll("[data-bulk]")) {
  const all = form.querySelector("[data-choose-all]");
  const summary = form.querySelector("[data-chosen]");
  const before = summary?.textContent;
  const ticks = [...form.querySelectorAll("input[name=which]")];
  const count = () => {
    const chosen = ticks.filter((tick) => tick.checked).length;
    all.checked = chosen === ticks.length;
    all.indeterminate = chosen > 0 && chosen < ticks.length;
    if (summary) summary.textContent = chosen ? `${chosen.toLocaleString("en-GB")} selected` : before;
  };
  all?.addEventListener("change", () => {
    for (const tick of ticks) tick.checked = all.checked;
    count();
  });
  for (const tick of ticks) tick.addEventListener("change", count);
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const from = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(from.textContent.trim());
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(from);
      button.textContent = "Selected: press Ctrl+C to copy";
    }
  });
}
