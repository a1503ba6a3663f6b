// Opens pages in Chromium and says what is there, as JSON on stdout. Judging is the test's part.
//   node look.mjs '{"modules": …, "shots": …, "pages": [{"name": …, "path": …}]}'
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { listen, open, seen, unfold, violations } from "./seen.mjs";

const asked = JSON.parse(process.argv[2]);
const { browser, axe } = await open(asked.modules);

async function look(page, url, how) {
  const heard = listen(page, url);
  await page.goto(url, { waitUntil: "load", timeout: 20000 });
  await page.screenshot({ path: `${asked.shots}/${how}.png`, fullPage: true });
  const folded = await page.evaluate(seen);
  await page.evaluate(unfold);
  const { width } = await page.evaluate(seen);
  return { ...folded, unfolded: width, ...heard };
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
      views[how].axe = await violations(page, axe);
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
