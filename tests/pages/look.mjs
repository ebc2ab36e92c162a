// Opens pages in headless Chromium and says what is wrong with each, as its readers meet it: on a phone and on a screen,
// in light and dark, and on paper.
//
//   node tests/pages/look.mjs OUT-FOLDER [--axe=N] FILE.html...   writes OUT-FOLDER/look.json
//
// With --axe=N axe-core reads the first N files alone: it takes as long as all else together.
//
// For each page: requests that left it, errors in its console, its scripts, what axe-core finds, its headings, and for
// each layout: pixels to scroll sideways; texts that lie on each other in an SVG; texts and pictures that are cut; texts
// that are too small or too faint to read. With LOOK_PICTURES set, NAME-LAYOUT.png and NAME.pdf stand beside look.json.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { browser } from "./browser.mjs";

const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [out, ...rest] = process.argv.slice(2);
const files = rest.filter((word) => !word.startsWith("--"));
const axed = Number(rest.find((word) => word.startsWith("--axe="))?.slice("--axe=".length) ?? files.length);
const pictures = Boolean(process.env.LOOK_PICTURES);
// A4 less its margins is 718 x 1047 pixels, at 96 pixels an inch.
const LAYOUTS = [
  { name: "phone, light", width: 390, height: 844, scheme: "light" },
  { name: "phone, dark", width: 390, height: 844, scheme: "dark" },
  { name: "screen, light", width: 1280, height: 900, scheme: "light" },
  { name: "screen, dark", width: 1280, height: 900, scheme: "dark" },
  { name: "paper", width: 718, height: 1047, scheme: "light", media: "print" },
];
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const PDF = { format: "A4", margin: { top: "12mm", bottom: "12mm", left: "10mm", right: "10mm" } };

// Runs in the page.
function measure(paper) {
  const LEAST_PIXELS = 11, LEAST_CONTRAST = 4.5, SLACK = 1;
  const width = document.documentElement.clientWidth;
  const visible = (item) => item.checkVisibility({ contentVisibilityAuto: true });
  const said = (item) => `“${item.textContent.trim().slice(0, 60)}”`;

  const colour = (text) => (text.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const over = (front, alpha, back) => front.slice(0, 3).map((part, place) => part * alpha + back[place] * (1 - alpha));
  const light = (rgb) => rgb.slice(0, 3).map((part) => part / 255).map(
    (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)).reduce(
    (sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const contrast = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const paperColour = () => {
    const own = colour(getComputedStyle(document.body).backgroundColor);
    return own[3] === 0 ? [255, 255, 255] : own;
  };
  // What is behind a point of an SVG: the page, and each rectangle there over the one before.
  const behind = (rects, x, y) => rects.filter(({ box }) => box.left <= x && x <= box.right && box.top <= y && y <= box.bottom)
    .reduce((back, { style }) => {
      const fill = colour(style.fill);
      return over(fill, (fill[3] ?? 1) * Number(style.fillOpacity) * Number(style.opacity), back);
    }, paperColour());

  const overlaps = [], cut = [], small = [], faint = [];
  const svgs = [...document.querySelectorAll("svg")].filter(visible);
  for (const svg of svgs) {
    const frame = svg.getBoundingClientRect(), scale = svg.getScreenCTM().a;
    if (frame.left < -SLACK || frame.right > width + SLACK) cut.push(`an SVG of ${Math.round(frame.width)} pixels`);
    if (paper && frame.height > window.innerHeight) cut.push(`an SVG ${Math.round(frame.height)} pixels high`);
    const rects = [...svg.querySelectorAll("rect")].map((item) => ({ box: item.getBoundingClientRect(), style: getComputedStyle(item) }));
    const texts = [...svg.querySelectorAll("text")].map((item) => ({ item, box: item.getBoundingClientRect(), style: getComputedStyle(item) }));
    texts.forEach(({ item, box, style }, place) => {
      for (const other of texts.slice(place + 1)) {
        if (box.left < other.box.right - SLACK && other.box.left < box.right - SLACK
            && box.top + 2 * SLACK < other.box.bottom - SLACK && other.box.top + 2 * SLACK < box.bottom - SLACK) {
          overlaps.push(`${said(item)} and ${said(other.item)}`);
        }
      }
      if (box.left < frame.left - SLACK || box.right > frame.right + SLACK || box.top < frame.top - SLACK
          || box.bottom > frame.bottom + SLACK) cut.push(said(item));
      const pixels = parseFloat(style.fontSize) * scale;
      if (!paper && pixels < LEAST_PIXELS - 0.05) small.push(`${said(item)}: ${pixels.toFixed(1)} pixels`);
      const backs = [[box.left, box.top], [box.right, box.top], [box.left, box.bottom], [box.right, box.bottom],
        [(box.left + box.right) / 2, (box.top + box.bottom) / 2]].map(([x, y]) => behind(rects, x, y));
      const least = Math.min(...backs.map((back) => contrast(colour(style.fill), back)));
      if (least < LEAST_CONTRAST) faint.push(`${said(item)}: ${least.toFixed(1)}`);
    });
  }

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const item = node.parentElement;
    if (!node.textContent.trim() || item.closest("svg, style, script, title") || !visible(item)) continue;
    const style = getComputedStyle(item), pixels = parseFloat(style.fontSize);
    if (!paper && pixels < LEAST_PIXELS) small.push(`${said(item)}: ${pixels.toFixed(1)} pixels`);
    // What scrolls by itself may be wider; on paper nothing scrolls.
    const scroller = item.closest(".wide, pre, .scrolls");
    if (scroller && !paper && ["auto", "scroll"].includes(getComputedStyle(scroller).overflowX)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    if ([...range.getClientRects()].some((box) => box.left < -SLACK || box.right > width + SLACK)) cut.push(said(item));
  }
  for (const item of document.querySelectorAll("table, pre, img")) {
    const scroller = item.closest(".wide, .scrolls");
    if (visible(item) && (paper || !scroller) && item.getBoundingClientRect().right > width + SLACK) cut.push(`a ${item.tagName.toLowerCase()}`);
  }
  const closed = paper ? [...document.querySelectorAll("details > :not(summary)")].filter((item) => !item.checkVisibility()
    || item.getBoundingClientRect().height === 0 || getComputedStyle(item.parentElement, "::details-content").contentVisibility === "hidden") : [];
  const scrollers = [...document.querySelectorAll(".wide, pre, .scrolls")].filter((item) => visible(item)
    && item.scrollWidth > item.clientWidth + SLACK).map((item) => item.getAttribute("aria-label") ?? item.tagName.toLowerCase());
  return { scrollers, sideways: document.documentElement.scrollWidth - window.innerWidth, overlaps, cut: [...cut, ...closed.map(said)],
    small, faint, pictures: svgs.length };
}

async function judged(chrome, address) {
  // The page forbids scripts, so axe is brought in past its policy; in a page of its own, so that it changes nothing else.
  const page = await chrome.newPage();
  const found = [];
  await page.setBypassCSP(true);
  await page.goto(address, { waitUntil: "load" });
  await page.evaluate(axe);
  for (const scheme of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    const result = await page.evaluate((rules) => axe.run(document, { runOnly: rules, resultTypes: ["violations"] }), RULES);
    found.push(...result.violations.map((item) => `${scheme}: ${item.id}: ${item.nodes.slice(0, 3).map((node) => node.html.slice(0, 120)).join(" | ")}`));
  }
  await page.close();
  return found;
}

async function looked(chrome, file, withAxe) {
  const name = basename(file, ".html"), address = pathToFileURL(resolve(file)).href;
  const requests = [], errors = [], layouts = {};
  const page = await chrome.newPage();
  page.on("request", (request) => { if (request.url() !== address && !request.url().startsWith("data:")) requests.push(request.url()); });
  page.on("console", (message) => { if (message.type() === "error") errors.push(message.text()); });
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(address, { waitUntil: "load" });
  for (const { name: layout, width, height, scheme, media } of LAYOUTS) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.emulateMediaType(media ?? null);
    await page.setViewport({ width, height });
    layouts[layout] = await page.evaluate(measure, Boolean(media));
    if (pictures) await page.screenshot({ path: join(out, `${name}-${layout.replace(", ", "-")}.png`), fullPage: true });
  }
  if (pictures) await page.pdf({ path: join(out, `${name}.pdf`), ...PDF });
  const sections = await page.evaluate(() => [...document.querySelectorAll("h2")].map((item) => item.textContent));
  const scripts = await page.evaluate(() => document.scripts.length);
  await page.close();
  return { requests, errors, scripts, sections, layouts, violations: withAxe ? await judged(chrome, address) : [] };
}

const chrome = await browser();
const found = {};
try {
  for (const [place, file] of files.entries()) found[basename(file, ".html")] = await looked(chrome, file, place < axed);
} finally {
  await chrome.close();
}
writeFileSync(join(out, "look.json"), JSON.stringify(found, null, 1));
