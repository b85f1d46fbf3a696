// A shift's incidents reviewed in Chromium: a link of a message leads through the sign-in to its incident, a hundred are judged
// by keyboard alone on a desk, twenty by touch alone on a phone in Chinese, and one is exported and reported, on both.
//
//   node tests/review.mjs 'http://127.0.0.1:9465/#setup=TOKEN' [FOLDER FOR PICTURES]
import { PASSWORD, visit } from "./visit.mjs";

const INCIDENTS = 100;
const BY_TOUCH = 20;
/** Nobody judges a picture in less. */
const LOOK_MS = 150;
/** Five minutes for a hundred, of which a person needs most for looking. */
const MOST_S = 300;
const [link, pictures] = process.argv.slice(2);
const desk = await visit(link, pictures);

function fail(what) {
  throw new Error(what);
}

async function signIn(page) {
  await page.locator("input[name=name]").fill("ann");
  await page.locator("input[name=password]").fill(PASSWORD);
  await page.keyboard.press("Enter");
}

/** Has the page measure how long it takes from a key to the frame in which the next card is there with its picture. */
async function watch(page) {
  await page.evaluate(() => {
    globalThis.took = [];
    const shown = () => document.querySelector(".card:not([aria-busy]) .id")?.textContent;
    const keyed = (event) => {
      if (!"jtf".includes(event.key)) return;
      const [at, was] = [performance.now(), shown()];
      const look = () => {
        const picture = document.querySelector(".card .large img");
        if (shown() && shown() !== was && picture?.complete && picture.naturalWidth) globalThis.took.push(performance.now() - at);
        else requestAnimationFrame(look);
      };
      look();
    };
    addEventListener("keydown", keyed, true);
  });
}

const first = await desk.newPage({ locale: "en-GB", viewport: { width: 1920, height: 1080 } });
await desk.enter(first.page);
await first.context.close();

// By a link, as a message has it, without a session.
const { context, page } = await desk.newPage({ locale: "en-GB", viewport: { width: 1920, height: 1080 } });
await page.goto(desk.address("/#incident=gate-loitering-50"));
await signIn(page);
await page.locator(".card .id", { hasText: "gate-loitering-50" }).waitFor();
if (!page.url().endsWith("/incidents/gate-loitering-50")) fail(`the link led to ${page.url()}`);
await page.evaluate(() => (location.hash = "#incident=yard-loitering-51"));
await page.locator(".card .id", { hasText: "yard-loitering-51" }).waitFor();
await desk.look(page, "review-desk");

await page.keyboard.press("Escape");
await page.waitForURL(/\/incidents$/);
await page.locator(".row").first().waitFor();
await watch(page);
const until = (n) => page.waitForFunction((n) => globalThis.took.length >= n, n, { timeout: 10_000 });
// What the page itself computes does not depend on who else wants the processor.
const session = await context.newCDPSession(page);
await session.send("Performance.enable", { timeDomain: "threadTicks" });
const computedMs = async () => {
  const { metrics } = await session.send("Performance.getMetrics");
  return ["TaskDuration", "ScriptDuration", "LayoutDuration"].map((of) => metrics.find(({ name }) => name === of).value * 1000);
};
const before = await computedMs();
const begun = Date.now();
await page.keyboard.press("j");
await until(1);
for (let n = 1; n < INCIDENTS; n++) {
  await page.waitForTimeout(LOOK_MS);
  await page.keyboard.press(n % 3 ? "t" : "f");
  await until(n + 1);
}
await page.keyboard.press("t");
await page.locator(".counts span", { hasText: new RegExp(`^${BY_TOUCH} to judge`) }).waitFor();
const wholeS = (Date.now() - begun) / 1000;
if (wholeS > MOST_S) fail(`${INCIDENTS} incidents took ${wholeS} s`);
const eachMs = (await computedMs()).map((ms, n) => ((ms - before[n]) / INCIDENTS).toFixed(0));
const took = (await page.evaluate(() => globalThis.took)).slice(1).sort((a, b) => a - b);
await context.close();

// The rest on the way, by a thumb.
const phone = await desk.newPage({ locale: "zh-CN", viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
await phone.page.goto(desk.address("/incidents"));
await signIn(phone.page);
await phone.page.getByRole("button", { name: "未判断", exact: true }).tap();
await phone.page.waitForFunction((n) => document.querySelectorAll(".row").length === n, BY_TOUCH);
await phone.page.locator(".row").first().tap();
const begunByTouch = Date.now();
for (let n = 0; n < BY_TOUCH; n++) {
  const was = await phone.page.locator(".card:not([aria-busy]) .id").innerText();
  // A tap becomes a click later; what was asked for is kept from then on, though the page is left before the answer.
  const isAsked = phone.page.waitForRequest((request) => request.url().endsWith(`/${was}/opinion`));
  await Promise.all([isAsked, phone.page.locator(n % 3 ? ".deeds .yes" : ".deeds .no").tap()]);
  if (n + 1 < BY_TOUCH) await phone.page.locator(".card:not([aria-busy]) .id").filter({ hasNotText: was }).waitFor();
}
await phone.page.goto(desk.address("/incidents"));
await phone.page.locator(".counts span", { hasText: "0 个待判断" }).waitFor();
const byTouchS = (Date.now() - begunByTouch) / 1000;
await phone.context.close();

for (const [locale, viewport] of [
  ["en-GB", { width: 1920, height: 1080 }],
  ["zh-CN", { width: 360, height: 740 }],
]) {
  const { context, page } = await desk.newPage({ locale, viewport, acceptDownloads: true });
  await page.goto(desk.address("/#incident=gate-loitering-20"));
  await signIn(page);
  await page.locator(".card .id", { hasText: "gate-loitering-20" }).waitFor();
  const [taken] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("e")]);
  if (!taken.suggestedFilename().endsWith(".zip")) fail(`the export is ${taken.suggestedFilename()}`);
  await page.keyboard.press("x");
  await page.locator("dialog[open]").waitFor();
  await desk.look(page, `redacted-${viewport.width}`);
  await page.keyboard.press("Escape");
  const [report] = await Promise.all([context.waitForEvent("page"), page.keyboard.press("r")]);
  await report.waitForLoadState();
  if (!report.url().includes(`lang=${locale.slice(0, 2)}`)) fail(`the report is ${report.url()}`);
  await context.close();
}
await desk.end();
const within = (share) => took[Math.floor(took.length * share)].toFixed(0);
console.log(`${INCIDENTS} incidents judged by keyboard in ${wholeS.toFixed(1)} s; the next card with its picture after ${within(0.5)} ms (half of them), ${within(0.95)} ms (95 of 100), ${took.at(-1).toFixed(0)} ms (the slowest); the page computes ${eachMs[0]} ms for each (${eachMs[1]} in scripts, ${eachMs[2]} in layout); ${BY_TOUCH} by touch in ${byTouchS.toFixed(1)} s`);
