// Looks at cameras by WebRTC, in Chromium: one whose profile it takes plays, with boxes, after its session was lost, too; one of
// another profile is refused in words, and goes on by Media Source; and where there is no Media Source, both come as they can.
//
//   node tests/webrtc.mjs 'http://127.0.0.1:9465/#setup=TOKEN' [FOLDER FOR PICTURES]
import { ages, delays } from "./shown.mjs";
import { visit } from "./visit.mjs";

/** What 95 of 100 pictures may take to the screen. */
const MOST_MS = 500;
const [link, pictures] = process.argv.slice(2);
const desk = await visit(link, pictures, ["--autoplay-policy=no-user-gesture-required"]);
const { page, context } = await desk.newPage({ locale: "en-GB", viewport: { width: 1280, height: 800 } }, false);
page.on("console", (message) => {
  if (/Content Security Policy/.test(message.text())) desk.complaints.push(message.text());
});
const counted = () => {
  const Real = RTCPeerConnection;
  globalThis.peers = [];
  globalThis.RTCPeerConnection = class extends Real {
    constructor(...of) {
      super(...of);
      globalThis.peers.push(this);
    }
  };
};
await page.addInitScript(counted);

const tile = (page, camera) => page.locator(".tile", { has: page.locator(`button[aria-label^="${camera}"]`) });

/** Waits until a camera plays so, and goes on playing. */
async function plays(page, camera, by, what) {
  const one = tile(page, camera);
  await one.and(page.locator(`[data-by="${by}"][data-state="live"]`)).waitFor({ timeout: 30_000 });
  const goesOn = (video) =>
    new Promise((done) => {
      let n = 0;
      const shown = () => (++n > 10 ? done(video.videoWidth) : video.requestVideoFrameCallback(shown));
      video.requestVideoFrameCallback(shown);
      setTimeout(() => done(0), 15_000);
    });
  const width = await one.locator("video").evaluate(goesOn);
  if (!width || !(await one.and(page.locator(`[data-by="${by}"]`)).count())) throw new Error(`${what}: there is no picture`);
}

await desk.enter(page);
await page.goto(desk.address("/cameras/plain"));
await plays(page, "plain", "mse", "at first");
await page.locator(".tile select").selectOption("webrtc");
await plays(page, "plain", "webrtc", "as was chosen");
await page.waitForFunction(() => Number(document.querySelector("canvas.boxes").dataset.boxes) > 0, null, { timeout: 30_000 });
const offs = await ages(page, 50);
const { half, most } = await delays(page);
await desk.shot(page, "webrtc");

await page.evaluate(() => globalThis.peers.at(-1).close());
await page.waitForFunction(() => globalThis.peers.length > 1, null, { timeout: 15_000 });
await plays(page, "plain", "webrtc", "after the session was lost");

// What is chosen of one camera is chosen of that one.
await page.locator(".view header button").first().click();
await plays(page, "high", "mse", "on the wall");
await tile(page, "high").locator("> button").click();
await page.waitForURL(/cameras\/high/);
await plays(page, "high", "mse", "the other camera");
await page.locator(".tile select").selectOption("webrtc");
await page.locator(".tile .word", { hasText: /sends H\.264 High, and this browser takes H\.264 Baseline/ }).waitFor({ timeout: 10_000 });
await plays(page, "high", "mse", "after it was refused");
const state = await context.storageState();
await context.close();

// An iPhone of before 2023.
const phone = await desk.newPage({ locale: "en-GB", viewport: { width: 360, height: 740 }, storageState: state });
await phone.page.addInitScript(counted);
await phone.page.addInitScript(() => {
  delete globalThis.MediaSource;
  delete globalThis.ManagedMediaSource;
});
await phone.page.goto(desk.address("/cameras"));
await plays(phone.page, "plain", "webrtc", "without Media Source");
const still = tile(phone.page, "high");
await still.and(phone.page.locator('[data-state="still"]')).waitFor({ timeout: 30_000 });
const word = await still.locator(".word").innerText();
if (!/H\.264 High/.test(word) || !/2 s/.test(word)) throw new Error(`no word of it: ${word}`);
await desk.look(phone.page, "webrtc-phone");
await desk.end();
if (most[10] > MOST_MS) throw new Error(`95 of 100 pictures take ${most[10]} ms: ${most}`);
console.log(`webrtc: as chosen, after a lost session, refused, and without Media Source; median delay ${half[10]} ms; 95 of 100 pictures within ${most[10]} ms in the middle of 20 seconds, ${most[19]} ms in the worst; boxes are of the very picture in ${offs.filter((off) => off === 0).length} of 50`);
