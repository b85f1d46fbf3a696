// Looks at cameras live, in Chromium: the wall plays, boxes are drawn over it, one camera is shown large, and all of it comes
// back by itself when the socket is lost.
//
//   node tests/live.mjs 'http://127.0.0.1:9465/#setup=TOKEN' [FOLDER FOR PICTURES]
import { ages, delays } from "./shown.mjs";
import { visit } from "./visit.mjs";

const [link, pictures] = process.argv.slice(2);
const desk = await visit(link, pictures, ["--autoplay-policy=no-user-gesture-required"]);
const { page, context } = await desk.newPage({ locale: "en-GB", viewport: { width: 1280, height: 800 } }, false);
page.on("console", (message) => {
  if (/Content Security Policy/.test(message.text())) desk.complaints.push(message.text());
});
await page.addInitScript(() => {
  const Real = WebSocket;
  globalThis.sockets = [];
  globalThis.WebSocket = class extends Real {
    constructor(...of) {
      super(...of);
      globalThis.sockets.push(this);
    }
  };
});

const shot = (name) => desk.shot(page, name);

/** Waits until every tile plays, and goes on playing. */
async function plays(page, what) {
  await page.waitForFunction(
    () => {
      const tiles = [...document.querySelectorAll(".tile")];
      return tiles.length > 0 && tiles.every((tile) => tile.dataset.state === "live");
    },
    null,
    { timeout: 30_000 },
  );
  const before = await page.$$eval("video", (all) => all.map((video) => video.currentTime));
  await page.waitForFunction(
    (before) => [...document.querySelectorAll("video")].every((video, i) => video.currentTime > before[i] + 1),
    before,
    { timeout: 15_000 },
  );
  const size = await page.$eval("video", (video) => video.videoWidth);
  if (!size) throw new Error(`${what}: there is no picture`);
}

await desk.enter(page);
await page.click('a[href="/cameras"]');
await plays(page, "the wall");
await page.waitForFunction(() => [...document.querySelectorAll("canvas.boxes")].some((one) => Number(one.dataset.boxes) > 0), null, { timeout: 30_000 });
const drawn = await page.$$eval("canvas.boxes", (all) =>
  all.some((one) => one.getContext("2d").getImageData(0, 0, one.width, one.height).data.some((value) => value > 0)),
);
if (!drawn) throw new Error("boxes are counted, and none is drawn");
await shot("wall");

await page.locator(".tile > button").first().click();
await page.waitForURL(/cameras\/./);
await plays(page, "one camera");
const offs = await ages(page, 100);
const { half, most } = await delays(page);
await shot("live");

await page.evaluate(() => globalThis.sockets.at(-1).close());
await page.waitForFunction(() => globalThis.sockets.length > 1, null, { timeout: 15_000 });
await plays(page, "after the socket was lost");

const state = await context.storageState();
await context.close();
const phone = await desk.newPage({ locale: "zh-CN", viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, colorScheme: "dark", storageState: state });
// The first visit's choice of a language is kept, and would be taken here.
await phone.page.addInitScript(() => localStorage.setItem("language", "zh"));
await phone.page.goto(desk.address("/cameras"));
await plays(phone.page, "a phone");
await desk.look(phone.page, "wall-phone");
await phone.page.locator(".tile > button").first().tap();
await phone.page.waitForURL(/cameras\/./);
await plays(phone.page, "one camera on a phone");
await desk.look(phone.page, "live-phone");
await desk.end();
console.log(`live: wall, one camera, after a lost socket, and on a phone; median delay ${half[10]} ms; 95 of 100 pictures within ${most[10]} ms in the middle of 20 seconds, ${most[19]} ms in the worst; boxes are of the very picture in ${offs.filter((off) => off === 0).length} of 100`);
