// Runs before the page is painted, so that a remembered theme does not flash. Without one, the system's is used.
(() => {
  try {
    const kept = localStorage.getItem("theme");
    if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
  } catch {
    // storage is closed in some private windows: the system's theme it is
  }
})();
