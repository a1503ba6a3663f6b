// Opens pages in Chromium and says what is there, as JSON on stdout. Judging is the test's part.
//   node look.mjs '{"modules": …, "shots": …, "pages": [{"name": …, "path": …}]}'
import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const asked = JSON.parse(process.argv[2]);
const require = createRequire(asked.modules + "/");
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/// Everything that can be seen of a page. Synchronous, so that it works where scripts of the page do not.
function seen() {
  const text = (node) => node.textContent.trim().replace(/\s+/g, " ");
  const tables = [...document.querySelectorAll("table")].map((table) => ({
    caption: text(table.caption),
    head: [...table.tHead.rows[0].cells].map(text),
    rows: [...table.tBodies[0].rows].map((row) =>
      [...row.cells].map((cell) => {
        const data = cell.querySelector("data");
        return data ? { text: text(cell), value: Number(data.value) } : { text: text(cell) };
      })),
  }));
  const charts = [...document.querySelectorAll("svg[role=img]")].map((svg) => {
    const box = svg.getBoundingClientRect();
    const mark = svg.querySelector("path.s, path.f");
    const style = mark && getComputedStyle(mark);
    return {
      id: svg.id, title: text(svg.querySelector("title")), width: box.width, height: box.height,
      colour: style && (mark.classList.contains("f") ? style.fill : style.stroke),
    };
  });
  const root = document.documentElement;
  return {
    title: document.title,
    text: document.body.innerText,
    width: root.scrollWidth, room: root.clientWidth,
    background: getComputedStyle(document.body).backgroundColor,
    tables, charts,
    buttons: document.querySelectorAll("th button").length,
    policy: !!document.querySelector("meta[http-equiv=Content-Security-Policy]"),
  };
}

const executablePath = execFileSync("which", ["chromium"], { encoding: "utf8" }).trim();
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });

async function look(page, url, how) {
  const said = [], requests = [];
  page.on("console", (message) => { if (message.type() === "error") said.push(message.text()); });
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("request", (request) => { if (request.url() !== url) requests.push(request.url()); });
  await page.goto(url, { waitUntil: "load", timeout: 20000 });
  const what = await page.evaluate(seen);
  await page.screenshot({ path: `${asked.shots}/${how}.png`, fullPage: true });
  return { ...what, said, requests: requests.filter((one) => !one.startsWith("data:")) };
}

const served = new Map();
const server = createServer((request, response) => {
  const page = served.get(request.url);
  response.writeHead(page ? 200 : 404, {
    "content-type": "text/html; charset=utf-8",
    // What Jenkins sends with artifacts, without its exceptions for the same origin.
    "content-security-policy": "sandbox; default-src 'none'",
  });
  response.end(page ?? "");
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));

const answer = {};
for (const { name, path } of asked.pages) {
  const views = answer[name] = {};
  for (const [how, width, colorScheme] of [["light", 1400, "light"], ["dark", 1400, "dark"], ["narrow", 360, "light"]]) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const page = await context.newPage();
    views[how] = await look(page, "file://" + path, `${name}-${how}`);
    if (how !== "narrow") {
      // The policy of the page forbids strange scripts; this one comes past it.
      await page.evaluate(axe);
      const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
      views[how].axe = found.violations
        .filter((one) => ["serious", "critical"].includes(one.impact))
        .map((one) => `${one.id}: ${one.nodes.length} × ${one.nodes[0].html.slice(0, 160)}: ${one.nodes[0].failureSummary}`);
      const button = page.locator("th button").first();
      if (how === "light" && await button.count()) {
        await button.click();
        views[how].sorted = await page.evaluate(() => document.querySelector("th[aria-sort]")?.getAttribute("aria-sort"));
      }
    }
    await context.close();
  }
  const still = await browser.newContext({ viewport: { width: 1400, height: 900 }, javaScriptEnabled: false });
  views.still = await look(await still.newPage(), "file://" + path, `${name}-still`);
  served.set("/" + name, readFileSync(path));
  const url = `http://127.0.0.1:${server.address().port}/${name}`;
  views.sandboxed = await look(await still.newPage(), url, `${name}-sandboxed`);
  await still.close();
}
await browser.close();
server.close();
console.log(JSON.stringify(answer));
