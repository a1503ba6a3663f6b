// What can be seen of a page, for the scripts next to this one.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

/// The browser, and axe as a text, from the modules in this folder.
export async function open(modules) {
  const require = createRequire(modules + "/");
  const { chromium } = require("playwright-core");
  const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
  const executablePath = execFileSync("which", ["chromium"], { encoding: "utf8" }).trim();
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  return { browser, axe };
}

/// Notes what a page says on the console and what it asks for.
export function listen(page, url) {
  const said = [], requests = [];
  page.on("console", (message) => { if (message.type() === "error") said.push(message.text()); });
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("request", (request) => {
    const asked = request.url();
    if (asked !== url && !asked.startsWith("data:")) requests.push(asked);
  });
  return { said, requests };
}

/// What axe finds that keeps readers from reading.
export async function violations(page, axe) {
  // The policy of the page forbids strange scripts; this one comes past it.
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  return found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.length} × ${one.nodes[0].html.slice(0, 160)}: ${one.nodes[0].failureSummary}`);
}

/// Opens what is folded, so that it is looked at, too.
export function unfold() {
  for (const details of document.querySelectorAll("details")) details.open = true;
}

/// Everything that can be seen of a page. Synchronous, so that it works where scripts of the page do not.
export function seen() {
  const text = (node) => node.textContent.trim().replace(/\s+/g, " ");
  const cell = (cell) => {
    const data = cell.querySelector("data");
    const number = data ? data.value : text(cell);
    return number !== "" && isFinite(number) ? { text: text(cell), value: Number(number) } : { text: text(cell) };
  };
  const tables = [...document.querySelectorAll("table")].map((table) => ({
    caption: text(table.caption),
    head: [...table.tHead.rows[0].cells].map(text),
    rows: [...table.tBodies[0].rows].map((row) => [...row.cells].map(cell)),
  }));
  // Texts of a drawing that lie over each other or leave it.
  const crowded = (svg) => {
    const box = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].map((node) => [text(node), node.getBoundingClientRect()]);
    const over = (a, b) =>
      Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
    const found = texts
      .filter(([, at]) => at.left < box.left - 1 || at.right > box.right + 1 || at.top < box.top - 1 || at.bottom > box.bottom + 1)
      .map(([words]) => `${words} leaves the drawing`);
    texts.forEach(([words, at], place) => {
      for (const [others, there] of texts.slice(place + 1)) if (over(at, there)) found.push(`${words} / ${others}`);
    });
    return found;
  };
  const charts = [...document.querySelectorAll("svg[role=img]")].map((svg) => {
    const box = svg.getBoundingClientRect();
    const mark = svg.querySelector(".s, .f");
    const style = mark && getComputedStyle(mark);
    return {
      id: svg.id, title: text(svg.querySelector("title")), width: box.width, height: box.height, crowded: crowded(svg),
      colour: style && (mark.classList.contains("f") ? style.fill : style.stroke),
    };
  });
  const root = document.documentElement;
  return {
    title: document.title,
    text: document.body.innerText,
    headings: [...document.querySelectorAll("h1, h2, h3")].map(text),
    width: root.scrollWidth, room: root.clientWidth,
    background: getComputedStyle(document.body).backgroundColor,
    tables, charts,
    buttons: document.querySelectorAll("th button").length,
  };
}
