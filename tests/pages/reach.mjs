// Says of each page, on a phone and on a desk: what is in reach without scrolling, what covers what, what is cut.
//
//   node tests/pages/reach.mjs OUT-FOLDER FILE.html...   writes OUT-FOLDER/NAME-{390,1280}-{light,dark}.png, reach.json
import { writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { browser } from "./browser.mjs";

const [out, ...files] = process.argv.slice(2);

// Runs within the page.
function look() {
  const box = (item) => item.getBoundingClientRect();
  const buttons = [...document.querySelectorAll("button")].map((item) => ({
    text: item.textContent, height: box(item).height, width: box(item).width,
    seen: box(item).top >= 0 && box(item).bottom <= innerHeight && box(item).left >= 0 && box(item).right <= innerWidth
      && document.elementFromPoint(box(item).x + box(item).width / 2, box(item).y + box(item).height / 2) === item }));
  const blocks = [...document.querySelectorAll("main > *, dl > *")].filter((item) => item.tagName !== "DL");
  const overlaps = [];
  for (let place = 1; place < blocks.length; place++)
    if (box(blocks[place]).top < box(blocks[place - 1]).bottom - 1) overlaps.push(blocks[place].textContent.slice(0, 60));
  const cut = [...document.querySelectorAll("h1, h2, p, dd, dt, li, pre, button")].filter((item) =>
    item.scrollWidth > item.clientWidth + 1 || box(item).right > innerWidth + 1).map((item) => item.textContent.slice(0, 60));
  scrollTo(0, document.documentElement.scrollHeight);
  const form = document.querySelector("form"), last = document.querySelector("main").lastElementChild;
  const covered = form ? Math.max(0, box(last).bottom - box(form).top) : 0;
  scrollTo(0, 0);
  return { buttons, overlaps, cut, covered, wider: document.documentElement.scrollWidth - innerWidth };
}

// Goes through the page by the Tab key; returns what it stops at and whether each stop is wholly in sight.
async function stops(page) {
  const found = [];
  for (let place = 0; place < 40; place++) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const item = document.activeElement;
      if (item === document.body) return null;
      const { top, bottom } = item.getBoundingClientRect(), bar = document.querySelector("form");
      const end = bar && !bar.contains(item) ? bar.getBoundingClientRect().top : innerHeight;
      return { tag: item.tagName, text: item.textContent, outline: getComputedStyle(item).outlineStyle,
        hidden: bottom <= 0 || top >= end };
    });
    if (!stop) break;
    found.push(stop);
  }
  return found;
}

const chrome = await browser(), found = {};
try {
  for (const file of files) {
    const name = basename(file, ".html");
    found[name] = {};
    for (const [width, height] of [[390, 844], [1280, 800]]) {
      const page = await chrome.newPage();
      await page.setViewport({ width, height });
      for (const scheme of ["dark", "light"]) {
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
        await page.goto(pathToFileURL(resolve(file)).href, { waitUntil: "load" });
        await page.screenshot({ path: join(out, `${name}-${width}-${scheme}.png`) });
        if (scheme === "light") await page.screenshot({ path: join(out, `${name}-${width}-whole.png`), fullPage: true });
      }
      found[name][width] = { ...await page.evaluate(look), stops: await stops(page) };
      await page.emulateMediaType("print");
      found[name][width].printed = await page.evaluate(() => [...document.querySelectorAll("button")].filter(
        (item) => item.getBoundingClientRect().height > 0).length);
      await page.close();
    }
  }
} finally {
  await chrome.close();
}
writeFileSync(join(out, "reach.json"), JSON.stringify(found, null, 1));
