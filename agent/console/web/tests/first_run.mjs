// From a box with nothing to a watched zone, in Chromium: the first account, a camera found on the network, a look at what it
// shows, saved, a zone drawn, a violation chosen for it, a loudspeaker heard and added; then on a phone, in Chinese and dark, the
// same pages, and somebody speaks. The site has a loudspeaker `horn`; a camera of the NAME answers by ONVIF.
//
//   node tests/first_run.mjs 'http://127.0.0.1:9465/#setup=TOKEN' ADDRESS:PORT OF AN RTP HORN NAME [FOLDER FOR PICTURES]
import { visit } from "./visit.mjs";

const [link, horn, name, pictures] = process.argv.slice(2);
const desk = await visit(link, pictures);
const { page, context } = await desk.newPage({ locale: "en-GB", viewport: { width: 1280, height: 900 }, colorScheme: "light" });
const began = performance.now();
await desk.enter(page);

/** Saves what a dialog shows as a change of the site file, and waits until the agent goes by it. */
async function save(page, words, expected) {
  const diff = await page.locator(".diff").innerText();
  if (!diff.includes(expected)) throw new Error(`"${expected}" is not told: ${diff}`);
  await page.locator("dialog .primary").click();
  await page.locator(".toasts", { hasText: words }).last().waitFor({ timeout: 30_000 });
}

/** Fills a field with what cannot be, and sees that it is said beside it what would do. */
async function doubt(field, text, words) {
  await field.fill(text);
  const beside = field.page().locator(`[id="${await field.getAttribute("aria-describedby")}"]`);
  await beside.filter({ hasText: words }).waitFor({ timeout: 10_000 });
  if ((await field.getAttribute("aria-invalid")) !== "true") throw new Error(`"${text}" is not told as wrong`);
}

await page.locator(".queue").getByRole("button", { name: "Add the first camera" }).click();
await desk.look(page, "add-camera");
await doubt(page.locator("input[name=id]"), "大门", "Latin letters");
await doubt(page.locator("input[name=url]"), "http//bad", "rtsp:// or http:// comes first");
await desk.look(page, "add-camera-wrong");
// An address that leads nowhere is told, and a camera is found.
await page.locator("input[name=id]").fill("nobody");
await page.locator("input[name=url]").fill("rtsp://127.0.0.1:9/none");
await page.getByRole("button", { name: "Look", exact: true }).click();
await page.locator(".toasts .bad").waitFor({ timeout: 40_000 });
await page.locator("input[name=id]").fill("yard-1");
await page.getByRole("button", { name: "Find cameras" }).click();
const found = page.locator(".finding li", { hasText: name });
await found.getByRole("button", { name: "Its streams" }).click({ timeout: 15_000 });
await page.locator(".finding .problem", { hasText: "users of their own" }).waitFor();
await page.locator("input[name=camera-user]").fill("viewer");
await page.locator("input[name=camera-password]").fill("s3cret");
await desk.look(page, "find-cameras");
await page.getByRole("button", { name: "Ask again" }).click();
const streams = page.locator(".finding li", { hasText: "H264" });
await streams.nth(1).waitFor();
if (!(await streams.first().innerText()).includes("768×576")) throw new Error("the largest stream is not the first");
await streams.first().getByRole("button").click();
await page.locator("img.found").waitFor({ timeout: 40_000 });
await desk.look(page, "found-camera");
await page.getByRole("button", { name: "Save…" }).click();
await save(page, "goes by it now", "[[camera]]");

await page.waitForURL(/yard-1\/draw/);
await page.locator(".canvas img").waitFor({ timeout: 30_000 });
await page.getByRole("button", { name: "New zone" }).click();
await page.locator(".canvas svg").scrollIntoViewIfNeeded();
const box = await page.locator(".canvas svg").boundingBox();
for (const [x, y] of [[0.2, 0.3], [0.7, 0.3], [0.7, 0.8], [0.2, 0.8]]) await page.mouse.click(box.x + x * box.width, box.y + y * box.height);
await page.keyboard.press("Enter");
await page.locator(".shapes input").fill("forecourt");
await page.getByRole("button", { name: "Save…" }).click();
await save(page, "goes by it now", "forecourt");

await page.getByRole("button", { name: "Rules and speakers" }).click();
await page.locator(".notice", { hasText: "Nothing is looked for" }).waitFor();
await page.locator("select[name=zone] option[value=forecourt]").waitFor({ state: "attached", timeout: 15_000 });
await page.locator("select[name=violation]").selectOption("loitering");
await page.locator("select[name=zone]").selectOption("forecourt");
await page.locator("input[name=from]").fill("07:00");
await page.locator("input[name=to]").fill("20:00");
await page.locator("input[name=mon]").check();
await page.getByRole("button", { name: "Add rule…" }).click();
await save(page, "goes by it now", 'schedule = { days = ["mon"], from = "07:00", to = "20:00" }');
await page.locator(".rules li", { hasText: "Forecourt" }).waitFor();

await page.getByRole("button", { name: "Add a loudspeaker…" }).click();
const kiosk = page.getByRole("form", { name: "Add a loudspeaker" });
await kiosk.locator("select[name=kind]").selectOption("rtp");
await kiosk.locator("input[name=speaker-id]").fill("kiosk");
await doubt(kiosk.locator("input[name=speaker-address]"), "192.168.1.30", "write 192.168.1.30:5004");
await doubt(kiosk.locator("input[name=speaker-address]"), "horn", "no IP address with a port");
await kiosk.locator("input[name=speaker-address]").fill(horn);
await kiosk.getByRole("button", { name: "Hear a test" }).click();
await page.locator(".toasts", { hasText: "It was played" }).waitFor({ timeout: 30_000 });
await desk.look(page, "add-speaker");
await kiosk.getByRole("button", { name: "Use here…" }).click();
await save(page, "goes by it now", 'speakers = ["kiosk"]');
await page.locator(".rules li", { hasText: "tried first" }).waitFor();
const tookS = ((performance.now() - began) / 1000).toFixed(0);

await page.locator(".rules li", { hasText: "horn" }).getByRole("button", { name: "Hear a test" }).click();
await page.locator(".toasts", { hasText: "It was played" }).last().waitFor({ timeout: 30_000 });
await page.locator(".rules li", { hasText: "horn" }).getByRole("button", { name: "Use here…" }).click();
await save(page, "goes by it now", 'speakers = ["kiosk", "horn"]');
await desk.look(page, "rules-desk");
const state = await context.storageState();
await context.close();

const phone = await desk.newPage({ locale: "zh-CN", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, storageState: state, colorScheme: "dark" });
await phone.page.addInitScript(() => localStorage.setItem("language", "zh"));
await phone.page.goto(desk.address("/cameras/yard-1/rules"));
await phone.page.locator("select[name=violation] option").first().waitFor({ state: "attached" });
await desk.look(phone.page, "rules-phone");
await phone.page.goto(desk.address("/cameras/+/add"));
await phone.page.locator("input[name=id]").waitFor();
await doubt(phone.page.locator("input[name=id]"), "大门", "拉丁字母");
await desk.look(phone.page, "add-camera-phone");
await phone.page.goto(desk.address("/cameras/yard-1"));
await phone.page.getByRole("button", { name: "喊话" }).tap();
await phone.page.locator("select[name=speaker] option").first().waitFor({ state: "attached" });
await phone.page.locator("input[name=text]").fill("请勿停留");
await desk.look(phone.page, "talk-phone");
await phone.page.getByRole("button", { name: "播放", exact: true }).tap();
await phone.page.locator(".toasts", { hasText: "已播放" }).waitFor({ timeout: 30_000 });
await desk.end();
console.log(`a camera, a zone, a rule and a loudspeaker by the page alone, in ${tookS} s; spoken from a phone`);
