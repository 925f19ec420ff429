// A form of files: dropped files are put into its field, and the chosen files are listed.

for (const form of document.querySelectorAll("[data-drop]")) {
  const input = form.querySelector("input[type=file]");
  const summary = form.querySelector("[data-drop-summary]");
  input.multiple = true;
  const list = () => {
    const names = [...input.files].map((file) => file.name);
    if (names.length) summary.textContent = `${names.length === 1 ? "One file" : `${names.length} files`}: ${names.slice(0, 5).join(", ")}${names.length > 5 ? " …" : ""}`;
  };
  input.addEventListener("change", list);
  form.querySelector("[data-drop-zone]")?.addEventListener("click", () => input.click());
  for (const name of ["dragover", "dragenter"]) {
    form.addEventListener(name, (event) => {
      event.preventDefault();
      form.classList.add("dropping");
    });
  }
  for (const name of ["dragleave", "drop"]) form.addEventListener(name, () => form.classList.remove("dropping"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer?.files.length) {
      input.files = event.dataTransfer.files;
      list();
    }
  });
}
