// Opens pages in headless Chromium and says what was wrong with each: requests that left it, errors in its console,
// what axe-core finds, content wider than the page on paper. Screenshots go beside the answer.
//
//   node tests/pages/look.mjs OUT-FOLDER FILE.html...   writes OUT-FOLDER/NAME-{light,dark,phone}.png, NAME.pdf, look.json
import { createRequire } from "node:module";
import { readFileSync, writeFileSync, existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [out, ...files] = process.argv.slice(2);

async function browser() {
  const own = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
  if (own) return puppeteer.launch({ executablePath: own, args: ["--no-sandbox"], headless: true });
  const { default: chromium } = await import("@sparticuz/chromium");
  return puppeteer.launch({ executablePath: await chromium.executablePath(), args: chromium.args, headless: "shell" });
}

const chrome = await browser();
const found = {};
try {
  for (const file of files) {
    const name = basename(file, ".html"), address = pathToFileURL(resolve(file)).href;
    const left = [], errors = [];
    const page = await chrome.newPage();
    page.on("request", (request) => { if (request.url() !== address && !request.url().startsWith("data:")) left.push(request.url()); });
    page.on("console", (message) => { if (message.type() === "error") errors.push(message.text()); });
    page.on("pageerror", (error) => errors.push(String(error)));
    const shoot = async (kind, width, scheme) => {
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await page.setViewport({ width, height: 900 });
      await page.goto(address, { waitUntil: "load" });
      await page.screenshot({ path: join(out, `${name}-${kind}.png`), fullPage: true });
    };
    await shoot("dark", 1100, "dark");
    await shoot("phone", 390, "light");
    const phone = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    await shoot("light", 1100, "light");
    const sections = await page.evaluate(() => [...document.querySelectorAll("h2")].map((item) => item.textContent));
    // Of what is printed nothing may be wider than the page: A4 less its margins, at 96 pixels an inch.
    await page.emulateMediaType("print");
    await page.setViewport({ width: 718, height: 1000 });
    const cut = await page.evaluate(() => [...document.querySelectorAll("svg, table")].filter(
      (item) => item.getBoundingClientRect().right > window.innerWidth + 1).map((item) => item.tagName));
    await page.pdf({ path: join(out, `${name}.pdf`), format: "A4", margin: { top: "12mm", bottom: "12mm", left: "10mm", right: "10mm" } });
    await page.emulateMediaType(null);
    const console_errors = [...errors], requests = [...left];
    const checked = [];
    for (const scheme of ["light", "dark"]) {
      // The page forbids scripts, so axe is brought in past its policy; in a page of its own, so that it changes nothing above.
      const judged = await chrome.newPage();
      await judged.setBypassCSP(true);
      await judged.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await judged.goto(address, { waitUntil: "load" });
      await judged.evaluate(axe);
      const result = await judged.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
      checked.push(...result.violations.map((item) => `${scheme}: ${item.id}: ${item.nodes.slice(0, 3).map((node) => node.html.slice(0, 120)).join(" | ")}`));
      await judged.close();
    }
    await page.close();
    found[name] = { requests, errors: console_errors, violations: checked, sections, cut, phone };
  }
} finally {
  await chrome.close();
}
writeFileSync(join(out, "look.json"), JSON.stringify(found, null, 1));
