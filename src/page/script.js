"use strict";
// Sorts a table by the column whose heading is pressed. The page says the same without it.
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  if (body.rows.length < 2) continue;
  heads.forEach((head, column) => {
    if (!head.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => {
        const cell = row.cells[column];
        const words = cell.querySelector("data")?.value ?? cell.textContent;
        return words.trim() && isFinite(words) ? Number(words) : words;
      };
      const compare = (a, b) =>
        typeof a === "number" && typeof b === "number" ? a - b
        : typeof a === "number" ? -1 : typeof b === "number" ? 1 : a.localeCompare(b);
      const rows = [...body.rows].sort((a, b) => (down ? -1 : 1) * compare(key(a), key(b)));
      body.append(...rows);
    });
  });
}

// Says what the lines of a chart have where the pointer is. Values are read off the drawing, so they are as exact as it is.
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);
const to = { linear: (v) => v, log: Math.log10, nines: (v) => -Math.log10(1 - v) };
const back = { linear: (v) => v, log: (v) => 10 ** v, nines: (v) => 1 - 10 ** -v };
const axis = (words) => {
  const [spread, ...ends] = words.split(" ");
  const [low, high, from, until] = ends.map(Number);
  const [first, last] = [to[spread](low), to[spread](high)];
  return (px) => back[spread](first + ((px - from) / (until - from)) * (last - first));
};
const points = (path) => {
  let x = 0, y = 0;
  return [...path.getAttribute("d").matchAll(/([Mlhv])([^Mlhv]*)/g)].map(([, how, by]) => {
    const [a, b] = by.replaceAll("-", " -").trim().split(" ").map(Number);
    if (how === "M") [x, y] = [a, b];
    else if (how === "v") y += a;
    else [x, y] = [x + a, y + (b ?? 0)];
    return [x, y, how === "M"];
  });
};
const short = (v) => Number(v.toPrecision(3)).toString();
for (const chart of document.querySelectorAll("svg[data-x]")) {
  const [x, y] = [axis(chart.dataset.x), axis(chart.dataset.y)];
  const lines = [...chart.querySelectorAll("path[data-name]")].map((path) => [path.dataset.name, points(path)]);
  chart.addEventListener("pointerleave", () => { tip.hidden = true; });
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * chart.viewBox.baseVal.width;
    const said = [];
    for (const [name, all] of lines) {
      const after = all.findIndex(([px]) => px >= at);
      if (after < 1 || all[after][2]) continue;
      const [[x0, y0], [x1, y1]] = [all[after - 1], all[after]];
      const height = x1 > x0 ? y0 + ((at - x0) / (x1 - x0)) * (y1 - y0) : y1;
      said.push(`${name}: ${short(y(height))}`);
    }
    tip.hidden = said.length === 0;
    tip.textContent = [`at ${short(x(at))}`, ...said].join("\n");
    tip.style.left = `${Math.min(event.pageX + 14, document.documentElement.clientWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${event.pageY + 14}px`;
  });
}
