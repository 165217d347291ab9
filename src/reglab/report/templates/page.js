"use strict";
// Sorts a table by a click on a heading. Without this script the table stands as it was written: best first.
for (const table of document.querySelectorAll("table.results")) {
  const body = table.querySelector("tbody:not(.unranked)"); // what diverged is never ranked
  if (!body) continue;
  const heads = table.tHead.querySelectorAll("th");
  table.classList.add("sortable");
  for (const head of heads) {
    const label = head.querySelector(".label");
    const button = document.createElement("button");
    button.type = "button";
    button.append(...label.childNodes);
    label.append(button);
    const words = head.dataset.key === "name";
    const lowFirst = "low" in head.dataset || ["name", "verdict", "new", "test_nll", "test_brier", "test_ece", "gap", "cost"].includes(head.dataset.key);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const rising = now ? now === "descending" : lowFirst;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const value = (row) => row.querySelector(`[data-key="${head.dataset.key}"]`)?.dataset.value ?? "";
      const rows = [...body.rows].map((row) => [value(row), row]);
      rows.sort(([a], [b]) => {
        if (a === "" || b === "") return (a === "") - (b === ""); // what is missing comes last, either way
        const order = words ? a.localeCompare(b) : a - b;
        return rising ? order : -order;
      });
      body.append(...rows.map(([, row]) => row));
    });
  }
}
// Shows the rows that the controls beside a table ask for. Without this script, and in print, all rows are there.
for (const filter of document.querySelectorAll(".filter")) {
  const rows = [...document.getElementById(filter.dataset.table).querySelectorAll("tbody tr")];
  const [text, told, choices] = [filter.querySelector("input"), filter.querySelector("output"), filter.querySelectorAll("select")];
  const update = () => {
    const words = text.value.trim().toLowerCase();
    for (const row of rows) {
      const named = row.cells[0].textContent.toLowerCase().includes(words);
      row.hidden = !named || [...choices].some(({ value, dataset }) => value && row.dataset[dataset.by] !== value);
    }
    told.value = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows shown`;
  };
  filter.addEventListener("input", update);
  filter.hidden = false;
  update();
}
// Opens the folds around what the address points to, and the fold inside it.
const unfold = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  const inside = target.querySelector(":scope > details.fold");
  if (inside) inside.open = true;
  target.scrollIntoView();
};
addEventListener("hashchange", unfold);
document.addEventListener("click", ({ target }) => {
  if (target.closest && target.closest(`a[href="${location.hash}"]`)) unfold(); // a second click on the same link
});
unfold();
// One button for all folds of a page.
const folds = [...document.querySelectorAll("details.fold")];
const all = document.querySelector(".unfold");
if (all && folds.length > 1) {
  const button = all.querySelector("button");
  const closed = () => folds.some((fold) => !fold.open);
  const label = () => { button.textContent = closed() ? "Open all" : "Close all"; };
  button.addEventListener("click", () => { const open = closed(); for (const fold of folds) fold.open = open; });
  for (const fold of folds) fold.addEventListener("toggle", label);
  all.hidden = false;
  label();
}
// On paper every section is open; afterwards all is as it was.
let shut = [];
addEventListener("beforeprint", () => { shut = folds.filter((fold) => !fold.open); for (const fold of shut) fold.open = true; });
addEventListener("afterprint", () => { for (const fold of shut) fold.open = false; });
// Says beside what is wider than the screen that it scrolls.
const wide = document.querySelectorAll(".frame, .figure, .formula");
const mark = () => { for (const box of wide) box.classList.toggle("scrolls", box.scrollWidth > box.clientWidth + 1); };
addEventListener("resize", mark);
for (const fold of folds) fold.addEventListener("toggle", mark);
mark();
