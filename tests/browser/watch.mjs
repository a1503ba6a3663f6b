// Watches the page of a run in progress until its end, and says what was there, as JSON on stdout. Judging is the test's part.
//   node watch.mjs '{"modules": …, "shots": …, "url": …}'
import { listen, open, seen, violations } from "./seen.mjs";

const asked = JSON.parse(process.argv[2]);
const { browser, axe } = await open(asked.modules);

/// Looks at the page again and again until this holds.
async function until(page, what, holds) {
  for (let tries = 0; tries < 600; tries += 1) {
    const found = await page.evaluate(seen);
    if (holds(found)) return found;
    await new Promise((ready) => setTimeout(ready, 100));
  }
  throw new Error(`${what}: not within a minute`);
}

const shown = (page, how) => page.screenshot({ path: `${asked.shots}/live-${how}.png`, fullPage: true });
const table = (found, caption) => found.tables.find((one) => one.caption === caption);
const sent = (found) => table(found, "Requests so far")?.rows.find(([name]) => name.text === "requests sent")?.[1].value ?? 0;

async function watch(how, width, colorScheme, javaScriptEnabled) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, javaScriptEnabled });
  const page = await context.newPage();
  const heard = listen(page, asked.url);
  await page.goto(asked.url, { waitUntil: "domcontentloaded", timeout: 20000 });
  if (!javaScriptEnabled) {
    const stands = await page.evaluate(seen);
    await shown(page, how);
    return { during: stands, ...heard };
  }
  const first = await page.evaluate(seen);
  const during = await until(page, "the page grows", (found) => sent(found) > sent(first) + 20 && table(found, "Failed requests by kind"));
  await shown(page, `${how}-during`);
  const ended = await until(page, "the run ends", (found) => found.text.includes("The command has ended"));
  await shown(page, `${how}-ended`);
  const found = await violations(page, axe);
  return { during, ended, axe: found, ...heard };
}

// A page without scripts shows the run as it is when it is loaded, so it is loaded when there is something.
const later = async () => {
  await new Promise((ready) => setTimeout(ready, 5000));
  return watch("still", 1400, "light", false);
};
const [light, dark, narrow, still] = await Promise.all([
  watch("light", 1400, "light", true),
  watch("dark", 1400, "dark", true),
  watch("narrow", 360, "light", true),
  later(),
]);
await browser.close();
console.log(JSON.stringify({ light, dark, narrow, still }));
