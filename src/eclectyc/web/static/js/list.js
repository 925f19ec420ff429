// Lists: arrows go through the rows from the search field on, a tick chooses, the head's tick chooses all.

document.querySelector(".sections [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

const rows = () => [...document.querySelectorAll("[data-list] [data-row]")];

document.addEventListener("keydown", (event) => {
  if (!["ArrowDown", "ArrowUp"].includes(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
  const search = document.querySelector("form[role=search] input[type=search]");
  const found = rows();
  const row = event.target.closest?.("[data-list] tr");
  const at = row ? found.findIndex((link) => row.contains(link)) : -1;
  const isTick = event.target.matches?.("[data-list] input[type=checkbox]");
  if (at < 0 && event.target !== search && event.target !== document.body && !event.target.matches?.(".table-wrap")) return;
  if (at < 0 && event.key === "ArrowUp") return;
  if (!found.length) return;
  event.preventDefault();
  const next = at + (event.key === "ArrowDown" ? 1 : -1);
  if (next < 0) {
    search?.focus();
    return;
  }
  const link = found[Math.min(next, found.length - 1)];
  (isTick ? link.closest("tr").querySelector("input[type=checkbox]") : link).focus();
});

for (const form of document.querySelectorAll("[data-bulk]")) {
  const all = form.querySelector("[data-choose-all]");
  const said = form.querySelector("[data-chosen]");
  const before = said?.textContent;
  const ticks = [...form.querySelectorAll("input[name=which]")];
  const count = () => {
    const chosen = ticks.filter((tick) => tick.checked).length;
    all.checked = chosen === ticks.length;
    all.indeterminate = chosen > 0 && chosen < ticks.length;
    if (said) said.textContent = chosen ? `${chosen} chosen` : before;
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
      button.textContent = "Selected: copy it with Ctrl C";
    }
  });
}
