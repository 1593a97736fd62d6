// Light or dark: as the system says, until the reader chooses; the choice holds for all pages of this folder.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const store = { get: () => { try { return localStorage.getItem("llmviz-theme"); } catch { return null; } },
    set: (theme) => { try { localStorage.setItem("llmviz-theme", theme); } catch { /* the choice holds for this page */ } } };
  const root = document.documentElement;
  let chosen = store.get();
  const show = () => {
    root.dataset.theme = chosen ?? (dark.matches ? "dark" : "light");
    root.dataset.jpThemeLight = String(root.dataset.theme === "light");
  };
  show();
  dark.addEventListener("change", show);
  // What is wider than its place scrolls there, with the arrow keys, too.
  const reachable = () => {
    for (const one of document.querySelectorAll("pre, table, p, li, .input, .output")) {
      if (one.scrollWidth > one.clientWidth && getComputedStyle(one).overflowX === "auto") one.tabIndex = 0;
      else one.removeAttribute("tabindex");
    }
  };
  addEventListener("resize", reachable);
  // A long table of a text, such as the glossary, gets a box that shows only the rows with what is typed.
  const searchable = () => {
    for (const table of document.querySelectorAll(".text table")) {
      const rows = [...table.tBodies[0].rows];
      if (rows.length < 40) continue;
      const label = document.createElement("label");
      const box = Object.assign(document.createElement("input"), { type: "search", placeholder: "part of a word" });
      const count = Object.assign(document.createElement("output"), { value: `${rows.length} rows` });
      label.append("Search: ", box, " ", count);
      label.className = "search";
      table.before(label);
      box.addEventListener("input", () => {
        const wanted = box.value.trim().toLowerCase();
        for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
        count.value = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
      });
    }
  };
  // Paper is light.
  addEventListener("beforeprint", () => { root.dataset.theme = "light"; });
  addEventListener("afterprint", show);
  addEventListener("DOMContentLoaded", () => {
    searchable();
    reachable();
    const button = document.getElementById("theme");
    button.hidden = false;
    button.addEventListener("click", () => {
      chosen = root.dataset.theme === "dark" ? "light" : "dark";
      store.set(chosen);
      show();
    });
  });
})();
