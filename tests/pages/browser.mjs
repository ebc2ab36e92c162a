// The headless Chromium that looks at pages: the system's own, or the one that is installed with the tests.
import { existsSync } from "node:fs";
import puppeteer from "puppeteer-core";

export async function browser() {
  const own = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
  if (own) return puppeteer.launch({ executablePath: own, args: ["--no-sandbox"], headless: true });
  const { default: chromium } = await import("@sparticuz/chromium");
  return puppeteer.launch({ executablePath: await chromium.executablePath(), args: chromium.args, headless: "shell" });
}
