// What an operator does with an incident of a running agent, in Chromium: takes it and settles it by keys, has its clip decided
// again and looks at both side by side, picture by picture, exports it and opens its report; on a desk in English and on a
// phone in Chinese.
//
//   node tests/replay.mjs 'http://127.0.0.1:9465/#setup=TOKEN' [FOLDER FOR PICTURES]
import { visit } from "./visit.mjs";

const [link, pictures] = process.argv.slice(2);
const desk = await visit(link, pictures);
/** What decides again has the processor only while nobody else wants it, and tests run beside it. */
const PATIENCE_MS = 300_000;

function fail(what) {
  throw new Error(what);
}

/** Opens the incident's card, which has a clip, by a link of a message. */
async function open(page, id) {
  await page.goto(desk.address(`/#incident=${id}`));
  await page.locator(".card .id", { hasText: id }).waitFor();
}

/** Has the clip decided again, and steps through it. */
async function replay(page, words, name) {
  await page.getByRole("button", { name: words.again }).click();
  const dialog = page.locator("dialog[open]");
  await dialog.locator("form button.primary").click();
  // What was decided before stands there until it is begun anew.
  await dialog.locator("form button.primary:disabled").waitFor();
  const sights = ["kept", "now"].map((side) => page.waitForResponse((told) => told.url().endsWith(`/again/${side}`), { timeout: PATIENCE_MS }));
  await dialog.locator('[data-side="kept"] .badge.is-complied').waitFor({ timeout: PATIENCE_MS });
  await dialog.locator('[data-side="now"] .badge').waitFor({ timeout: PATIENCE_MS });
  await Promise.all(sights);
  const drawn = (side) => dialog.locator(`[data-side="${side}"] canvas`);
  const on = dialog.getByRole("button", { name: words.on });
  const at = () => dialog.locator(".scrub output").innerText();
  let [boxes, steps] = [0, 0];
  for (; steps < 40 && !boxes; steps++) {
    const was = await at();
    await on.click();
    await page.waitForFunction((was) => document.querySelector(".scrub output").innerText !== was, was);
    boxes = Math.min(...(await Promise.all(["kept", "now"].map((side) => drawn(side).getAttribute("data-boxes")))).map(Number));
  }
  if (!boxes) fail(`nothing is seen in the first ${steps} pictures`);
  const alone = await Promise.all(["kept", "now"].map((side) => drawn(side).getAttribute("data-alone")));
  if (String(alone) !== "0,0") fail(`one setting sees ${alone} alone`);
  await desk.look(page, name);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
}

/** Plays the clip of the confirmation on the card, with what the agent saw in it over the very picture. */
async function watchClip(page, name) {
  await page.locator(".strip button .play").first().click();
  const boxes = page.locator(".screen canvas.boxes");
  await page.waitForFunction(() => Number(document.querySelector(".screen canvas.boxes")?.dataset.boxes) > 0, null, { timeout: 20_000 });
  await page.locator(".paces button", { hasText: "+1" }).click();
  const at = () => page.$eval(".screen video", (video) => video.currentTime);
  const was = await at();
  await page.locator(".paces button", { hasText: "+1" }).click();
  await page.waitForFunction((was) => document.querySelector(".screen video").currentTime > was, was);
  // A few pictures on, so that somebody is in it again.
  for (let n = 0; n < 30 && Number(await boxes.getAttribute("data-boxes")) === 0; n++) await page.locator(".paces button", { hasText: "+1" }).click();
  const drawn = await boxes.evaluate((one) => one.getContext("2d").getImageData(0, 0, one.width, one.height).data.some((value) => value > 0));
  if (!drawn) fail("boxes are counted, and none is drawn over the clip");
  await desk.look(page, name);
  await page.locator(".paces button[aria-pressed]").click();
  await page.waitForFunction(() => document.querySelector(".screen canvas.boxes").dataset.boxes === "0");
}

/** The words of the warning stand on the card, and sound again. */
async function hearAgain(page) {
  const said = page.locator(".said li").first();
  if ((await said.locator("blockquote").innerText()) !== "Go.") fail("the words of the warning are not told");
  const lasts = await said.locator("audio").evaluate(async (audio) => {
    audio.muted = true;
    await audio.play();
    await new Promise((done) => audio.addEventListener("timeupdate", () => audio.currentTime > 0.2 && done()));
    return audio.duration;
  });
  if (!(lasts > 0.3 && lasts < 30)) fail(`the warning sounds for ${lasts} s`);
}

async function takeOut(page, context) {
  const [taken] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("e")]);
  if (!taken.suggestedFilename().endsWith(".zip")) fail(`the export is ${taken.suggestedFilename()}`);
  const [report] = await Promise.all([context.waitForEvent("page"), page.keyboard.press("r")]);
  await report.locator("h1").waitFor();
  await report.close();
}

const first = await desk.newPage({ locale: "en-GB", viewport: { width: 1440, height: 960 }, acceptDownloads: true });
await desk.enter(first.page);
// The oldest that was escalated: its clips are all there.
const ready = () =>
  first.page.evaluate(async () => {
    const list = await (await fetch("/api/v1/incidents?state=escalated")).json();
    for (const { id } of list.incidents) {
      const told = await (await fetch(`/api/v1/incidents/${id}`)).json();
      const clips = told.evidence?.record?.clips ?? [];
      if (clips.some((clip) => clip.moment === "confirmed") && told.evidence.bundle.seal) return id;
    }
    return "";
  });
let id = await ready();
for (const until = Date.now() + PATIENCE_MS; !id && Date.now() < until; id = await ready()) await first.page.waitForTimeout(1000);
if (!id) fail("no incident was escalated and sealed");
await open(first.page, id);
await first.page.locator(".stage img").first().waitFor();
await desk.shot(first.page, "incident-desk-light");
await watchClip(first.page, "incident-clip");
await hearAgain(first.page);
for (const [key, word] of [["A", "Received"], ["s", "Settled"]]) {
  await first.page.keyboard.press(key);
  await first.page.locator(".timeline strong", { hasText: word }).waitFor();
}
await replay(first.page, { again: "Decide again", on: "+1" }, "again-desk-light");
await takeOut(first.page, first.context);
const state = await first.context.storageState();
await first.context.close();

const second = await desk.newPage({ locale: "zh-CN", viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, colorScheme: "dark", storageState: state, acceptDownloads: true });
await second.page.addInitScript(() => localStorage.setItem("language", "zh"));
await open(second.page, id);
await second.page.locator(".stage img").first().waitFor();
await desk.shot(second.page, "incident-phone-dark");
await replay(second.page, { again: "重新判定", on: "+1" }, "again-phone-dark");
await takeOut(second.page, second.context);
await desk.end();
console.log("an incident was settled by keys, decided again, looked at side by side, exported and reported, in two languages");
