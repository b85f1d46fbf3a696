// Draws over a camera's picture, in Chromium: a zone by mouse, its corner by keyboard, a line by touch, undo and redo; looks at
// what changes in the site file, saves it, and sees that the agent goes by it.
//
//   node tests/draw.mjs 'http://127.0.0.1:9465/#setup=TOKEN' CAMERA [FOLDER FOR PICTURES]
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [link, camera, pictures] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const complaints = [];

async function newPage(of) {
  // The policy of the page lets nobody put a script into it, which axe-core is.
  const context = await browser.newContext({ bypassCSP: true, ...of });
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(error.message));
  return { context, page };
}

async function look(page, name) {
  await page.addScriptTag({ content: axe });
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
  for (const one of serious) complaints.push(`${name}: ${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1);
  if (wide) complaints.push(`${name}: the page is wider than the screen`);
  if (pictures) await page.screenshot({ path: `${pictures}/${name}.png` });
}

async function open(page) {
  await page.locator("nav").waitFor();
  await page.goto(new URL(`/cameras/${camera}/draw`, link).href);
  await page.locator(".canvas img").waitFor();
  await page.locator(".canvas svg").scrollIntoViewIfNeeded();
  return async (x, y) => {
    const box = await page.locator(".canvas svg").boundingBox();
    return [box.x + x * box.width, box.y + y * box.height];
  };
}

const first = await newPage({ locale: "en-GB", viewport: { width: 1280, height: 900 } });
await first.page.goto(link);
if (link.includes("#setup")) {
  await first.page.locator("input[name=name]").fill("ann");
  await first.page.locator("input[name=password]").fill("three wise words");
  await first.page.keyboard.press("Enter");
}
const { page } = first;
let at = await open(page);
const shapes = () => page.locator(".shapes li").count();
const before = await shapes();

await page.getByRole("button", { name: "New zone" }).click();
for (const [x, y] of [[0.2, 0.3], [0.45, 0.3], [0.45, 0.6]]) await page.mouse.click(...(await at(x, y)));
await page.mouse.click(...(await at(0.003, 0.6)));
await page.keyboard.press("Backspace");
await page.mouse.click(...(await at(0.2, 0.6)));
await page.keyboard.press("Enter");
if ((await shapes()) !== before + 1) throw new Error("no zone was made");
await page.locator(".shapes input").fill("forecourt");

await page.locator(".corner").first().focus();
await page.keyboard.press("Shift+ArrowRight");
await page.keyboard.press("Control+z");
await page.keyboard.press("Control+Shift+z");
await look(page, "draw-desk");
const [from, to] = [await at(0.45, 0.6), await at(0.5, 0.7)];
await page.mouse.move(...from);
await page.mouse.down();
await page.mouse.move(...to, { steps: 4 });
await page.mouse.up();

await page.getByRole("button", { name: "Save…" }).click();
const diff = await page.locator(".diff").innerText();
if (!diff.includes("forecourt")) throw new Error(`the change is not told: ${diff}`);
await look(page, "draw-diff");
await page.locator("dialog .primary").click();
await page.locator(".toasts", { hasText: "goes by it now" }).waitFor({ timeout: 30_000 });
const state = await first.context.storageState();
await first.context.close();

const second = await newPage({ locale: "zh-CN", viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, storageState: state, colorScheme: "dark" });
await second.page.addInitScript(() => localStorage.setItem("language", "zh"));
await second.page.goto(new URL("/", link).href);
at = await open(second.page);
await second.page.getByRole("button", { name: "新警戒线" }).tap();
await second.page.locator(".canvas svg").scrollIntoViewIfNeeded();
for (const [x, y] of [[0.1, 0.9], [0.7, 0.8]]) await second.page.touchscreen.tap(...(await at(x, y)));
await second.page.getByRole("button", { name: "完成" }).tap();
await second.page.locator(".shapes input").fill("phone-line");
await look(second.page, "draw-phone");
await second.page.getByRole("button", { name: "保存…" }).tap();
await second.page.locator(".diff", { hasText: "phone-line" }).waitFor();
await second.page.locator("dialog .primary").tap();
await second.page.locator(".toasts", { hasText: "已保存并生效" }).waitFor({ timeout: 30_000 });
await browser.close();
if (complaints.length) throw new Error(complaints.join("\n"));
console.log("drawn by mouse, keyboard and touch, seen, saved and taken up");
