// What all journeys share: the browser, the way in, and looks that axe-core judges.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const PASSWORD = "three wise words";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Words, numbers and times of tables that are broken within; runs in the page. A column of one sign a line is Chinese broken so. */
function brokenWords() {
  const broken = [];
  const lines = (text, from, to) => {
    const range = document.createRange();
    range.setStart(text, from);
    range.setEnd(text, to);
    return new Set([...range.getClientRects()].filter(({ width }) => width > 0).map(({ top }) => Math.round(top))).size;
  };
  for (const cell of document.querySelectorAll("th, td")) {
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode;
      if (text.parentElement.closest(".id")) continue;
      for (const { 0: word, index } of text.data.matchAll(/[\p{Script=Latin}\p{Nd}:.,]+/gu)) if (lines(text, index, index + word.length) > 1) broken.push(word);
      const signs = text.data.match(/\p{Script=Han}/gu)?.length ?? 0;
      if (signs > 1 && lines(text, 0, text.length) >= signs) broken.push(text.data);
    }
  }
  return broken;
}

/** A browser that visits the console behind a link; pictures of it go into a folder, where one is named. */
export async function visit(link, pictures, args = []) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", ...args] });
  const complaints = [];
  let looks = 0;
  return {
    address: (path) => new URL(path, link).href,
    complaints,

    /** A page of its own; the policy lets nobody put a script into it, which axe-core is, so that it is off where looks are judged. */
    async newPage(of, bypassCSP = true) {
      // A certificate of the console's own making is one for which nobody vouches.
      const context = await browser.newContext({ bypassCSP, ignoreHTTPSErrors: true, ...of });
      const page = await context.newPage();
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("request", (request) => {
        const url = new URL(request.url());
        const isOwn = url.host === new URL(link).host || url.protocol === "blob:";
        if (!isOwn) complaints.push(`asked elsewhere: ${request.url()}`);
      });
      return { context, page };
    },

    /** Opens the link, and makes the first account where it is the one of the first start. */
    async enter(page, fills = async () => {}) {
      await page.goto(link);
      if (link.includes("#setup")) {
        await page.locator("input[name=name]").fill("ann");
        await fills();
        await page.locator("input[name=password]").fill(PASSWORD);
        await page.keyboard.press("Enter");
      }
      await page.locator("nav").waitFor();
      if (page.url().includes("#")) throw new Error("the token stays in the address");
    },

    /** What Lighthouse would measure of the first view of a browser that was never here: bytes, first paint, shifts, long tasks. */
    async figures(of) {
      const { context, page } = await this.newPage(of, false);
      await page.addInitScript(() => {
        globalThis.measured = { shifts: 0, blockedMs: 0 };
        const watch = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
        watch("layout-shift", (entry) => (globalThis.measured.shifts += entry.hadRecentInput ? 0 : entry.value));
        watch("longtask", (entry) => (globalThis.measured.blockedMs += Math.max(0, entry.duration - 50)));
      });
      await page.goto(this.address("/incidents"));
      await page.locator("nav").waitFor();
      await page.waitForLoadState("networkidle");
      const found = await page.evaluate(() => {
        const files = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].filter((one) => !one.name.includes("/api/"));
        const painted = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
        return { kB: files.reduce((sum, one) => sum + one.transferSize, 0) / 1000, paintedMs: painted, ...globalThis.measured };
      });
      await context.close();
      return found;
    },

    async shot(page, name) {
      if (!pictures) return;
      const session = await page.context().newCDPSession(page);
      // Small, because pages of the documentation show them.
      const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 60 });
      await session.detach();
      writeFileSync(`${pictures}/${name}.webp`, Buffer.from(data, "base64"));
    },

    /** Has axe-core judge what is shown, and sees that it is no wider than the screen, and that no word or number of a table ends in
     * another line than it began. */
    async look(page, name) {
      looks += 1;
      await page.addScriptTag({ content: axe });
      const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
      const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
      for (const one of serious) complaints.push(`${name}: ${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`);
      const wide = await page.evaluate(() => [document.documentElement, document.querySelector("main")].some((part) => part && part.scrollWidth > part.clientWidth + 1));
      if (wide) complaints.push(`${name}: the page is wider than the screen`);
      for (const word of await page.evaluate(brokenWords)) complaints.push(`${name}: "${word}" is broken within`);
      await this.shot(page, name);
    },

    /** Ends the visit; how many looks there were. */
    async end() {
      await browser.close();
      if (complaints.length) throw new Error(complaints.join("\n"));
      return looks;
    },
  };
}
