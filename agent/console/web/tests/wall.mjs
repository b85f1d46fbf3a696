// A wall of many cameras in Chromium: its tiles begin one after the other, all of them play, and all come back by themselves,
// after the socket was lost and after the cameras gave nothing for a while.
//
//   node tests/wall.mjs 'http://127.0.0.1:9465/#setup=TOKEN' TILES PID_OF_THE_CAMERAS [FOLDER FOR PICTURES]
import { visit } from "./visit.mjs";

const PATIENCE_MS = 120_000;
/** Cameras that are silent for so long are connected to anew. */
const SILENT_MS = 12_000;
const [link, tiles, cameras, pictures] = process.argv.slice(2);
const desk = await visit(link, pictures, ["--autoplay-policy=no-user-gesture-required"]);
const { page } = await desk.newPage({ locale: "en-GB", viewport: { width: 1920, height: 2400 } }, false);
await page.addInitScript(() => {
  const Real = WebSocket;
  Object.assign(globalThis, { sockets: [], asked: [] });
  globalThis.WebSocket = class extends Real {
    constructor(...of) {
      super(...of);
      globalThis.sockets.push(this);
    }
    send(text) {
      if (JSON.parse(text).is === "watch") globalThis.asked.push(performance.now());
      super.send(text);
    }
  };
});

/** Waits until so many tiles are live; how long that took. */
async function live(n, what) {
  const begun = Date.now();
  const wanted = (n) => document.querySelectorAll('.tile[data-state="live"]').length === n;
  await page.waitForFunction(wanted, n, { timeout: PATIENCE_MS }).catch(async () => {
    const there = await page.locator('.tile[data-state="live"]').count();
    throw new Error(`${what}: ${there} tiles are live, not ${n}`);
  });
  return (Date.now() - begun) / 1000;
}

await desk.enter(page);
await page.click('a[href="/cameras"]');
const first = await live(Number(tiles), "at first");
const asked = await page.evaluate(() => globalThis.asked);
if (asked.length < Number(tiles) || asked[1] - asked[0] < 30) throw new Error(`they were asked for at once: ${asked}`);
const before = await page.$$eval("video", (all) => all.map((video) => video.currentTime));
await page.waitForFunction((before) => [...document.querySelectorAll("video")].every((video, i) => video.currentTime > before[i] + 1), before, { timeout: 30_000 });
await desk.shot(page, "wall-of-many");

await page.evaluate(() => globalThis.sockets.at(-1).close());
await live(0, "when the socket was lost");
const second = await live(Number(tiles), "after the socket was lost");

process.kill(Number(cameras), "SIGSTOP");
await new Promise((done) => setTimeout(done, SILENT_MS));
process.kill(Number(cameras), "SIGCONT");
const stood = await page.$$eval("video", (all) => all.map((video) => video.currentTime));
const begun = Date.now();
await page.waitForFunction(
  (stood) => [...document.querySelectorAll(".tile")].every((tile, i) => tile.dataset.state === "live" && tile.querySelector("video").currentTime !== stood[i]),
  stood,
  { timeout: PATIENCE_MS },
);
const third = (Date.now() - begun) / 1000;
await desk.end();
console.log(`${tiles} tiles: all live after ${first.toFixed(1)} s, ${second.toFixed(1)} s after the socket was lost, and ${third.toFixed(1)} s after cameras that had given nothing for ${SILENT_MS / 1000} s went on`);
