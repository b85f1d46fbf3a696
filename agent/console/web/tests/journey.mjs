// What an operator does on his first day, in Chromium: sets the console up by its link, judges three incidents by keyboard
// alone in each language, and looks into every view at desk and phone size, in light and dark, which axe-core judges.
//
//   node tests/journey.mjs 'http://127.0.0.1:9465/#setup=TOKEN' [FOLDER FOR PICTURES]
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [link, pictures] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const complaints = [];
const foreign = [];

function fail(what) {
  throw new Error(what);
}

async function newPage(of) {
  // The policy of the page lets nobody put a script into it, which axe-core is.
  const context = await browser.newContext({ bypassCSP: true, ...of });
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== new URL(link).origin && url.protocol !== "blob:") foreign.push(request.url());
  });
  return { context, page };
}

async function judge(page, words) {
  await page.locator(".row").first().waitFor();
  await page.keyboard.press("j");
  for (const [key, word] of [["t", words.true], ["f", words.false], ["t", words.true]]) {
    const id = decodeURIComponent(new URL(page.url()).pathname.split("/")[2]);
    await page.locator(".card h2").waitFor();
    await page.locator(".card .id", { hasText: id }).waitFor();
    await page.keyboard.press(key);
    // The next one comes by itself.
    await page.waitForURL((url) => !url.pathname.includes(encodeURIComponent(id)));
    const row = page.locator(`.row[href="/incidents/${encodeURIComponent(id)}"] .judged`);
    await row.waitFor();
    const said = await row.innerText();
    if (said.trim() !== word) fail(`${id} was judged "${said}" in place of "${word}"`);
  }
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

const password = "three wise words";
const first = await newPage({ locale: "en-GB", viewport: { width: 1280, height: 800 } });
await first.page.goto(link);
await first.page.locator("input[name=name]").fill("ann");
await look(first.page, "set-up");
await first.page.locator("input[name=password]").fill(password);
await first.page.keyboard.press("Enter");
await first.page.locator("nav").waitFor();
if (first.page.url().includes("setup")) fail("the token stays in the address");
await judge(first.page, { true: "True", false: "False alarm" });
const state = await first.context.storageState();
await first.context.close();

const second = await newPage({ locale: "zh-CN", viewport: { width: 1280, height: 800 } });
await second.page.goto(new URL("/", link).href);
await second.page.locator("input[name=name]").fill("ann");
await second.page.locator("input[name=password]").fill("another three words");
await second.page.keyboard.press("Enter");
await second.page.locator("[role=alert]").waitFor();
await look(second.page, "sign-in");
await second.page.locator("input[name=password]").fill(password);
await second.page.keyboard.press("Enter");
await judge(second.page, { true: "属实", false: "误报" });
await second.context.close();

for (const [size, viewport] of [["desk", { width: 1440, height: 900 }], ["phone", { width: 360, height: 740 }]]) {
  for (const colorScheme of ["light", "dark"]) {
    const { context, page } = await newPage({ locale: colorScheme === "light" ? "en-GB" : "zh-CN", viewport, colorScheme, storageState: state });
    await page.goto(new URL("/incidents", link).href);
    await page.locator(".row").first().waitFor();
    await look(page, `incidents-${size}-${colorScheme}`);
    await page.locator(".row").first().click();
    await page.locator(".verdict svg").waitFor();
    await look(page, `card-${size}-${colorScheme}`);
    for (const view of ["cameras", "health", "settings"]) {
      await page.goto(new URL(`/${view}`, link).href);
      await page.locator("main h1").waitFor();
      await look(page, `${view}-${size}-${colorScheme}`);
    }
    await context.close();
  }
}
await browser.close();
if (foreign.length) complaints.push(`asked elsewhere: ${foreign}`);
if (complaints.length) fail(complaints.join("\n"));
console.log("six incidents judged by keyboard in two languages, 22 looks, nothing serious");
