// Boxes are drawn over the very picture in which they were seen, in Chromium: the camera shows a person who is where a number
// that is burnt into each picture says; both are read from what is on the screen.
//
//   node tests/sync.mjs 'http://127.0.0.1:9465/#setup=TOKEN' FIRST_X_PX STEP_PX ROW_PX mse|webrtc [FOLDER FOR PICTURES]
import { visit } from "./visit.mjs";

/** Pictures at which the agent looked, by its own word, that are wanted, and how long they are waited for. */
const [WANTED, PATIENCE_MS] = [5, 120_000];
const [link, ...of] = process.argv.slice(2);
const [firstPx, stepPx, rowPx] = of.slice(0, 3).map(Number);
const desk = await visit(link, of[4], ["--autoplay-policy=no-user-gesture-required"]);
const { page } = await desk.newPage({ locale: "en-GB", viewport: { width: 1280, height: 800 } }, false);
await desk.enter(page);
await page.goto(desk.address("/cameras/gate"));
await page.locator('.tile[data-state="live"]').waitFor({ timeout: 30_000 });
if (of[3] === "webrtc") {
  await page.locator(".tile select").selectOption("webrtc");
  await page.locator('.tile[data-by="webrtc"][data-state="live"]').waitFor({ timeout: 30_000 });
}

const found = await page.evaluate(
  ({ firstPx, stepPx, rowPx, wanted, patienceMs }) =>
    new Promise((done) => {
      const [video, boxes] = [document.querySelector("video"), document.querySelector("canvas.boxes")];
      const begun = performance.now();
      const found = [];
      /** The number that is burnt into the picture that is shown: a square is a bit. */
      const number = () => {
        const copy = new OffscreenCanvas(video.videoWidth, video.videoHeight);
        const pen = copy.getContext("2d");
        pen.drawImage(video, 0, 0);
        let n = 0;
        for (let bit = 0; bit < 7; bit++) if (pen.getImageData(28 + 32 * bit, 28, 1, 1).data[0] > 180) n |= 1 << bit;
        return n;
      };
      /** Where the middle of the only box is that is drawn across the row, in pixels of the picture. */
      const middle = () => {
        const scale = Math.min(boxes.width / video.videoWidth, boxes.height / video.videoHeight);
        const [left, top] = [(boxes.width - video.videoWidth * scale) / 2, (boxes.height - video.videoHeight * scale) / 2];
        const row = boxes.getContext("2d").getImageData(0, Math.round(top + rowPx * scale), boxes.width, 1).data;
        const edges = [];
        for (let x = 0; x < boxes.width; x++) if (row[4 * x + 3] > 60 && !(x && row[4 * x - 1] > 60)) edges.push(x);
        return edges.length === 2 ? ((edges[0] + edges[1]) / 2 + 0.5 - left) / scale : null;
      };
      const shown = () => {
        const n = number();
        // What the page draws when this picture is shown, it has drawn by then.
        requestAnimationFrame(() => {
          const x = middle();
          // At the border somebody has just come, and is not known for long.
          if (x !== null && n >= 10 && n < 70) found.push({ n, offMs: Number(boxes.dataset.off), by: (x - firstPx) / stepPx - n });
          const ofLooks = found.filter((one) => one.offMs === 0).length;
          if (ofLooks >= wanted || performance.now() - begun > patienceMs) done(found);
          else video.requestVideoFrameCallback(shown);
        });
      };
      video.requestVideoFrameCallback(shown);
    }),
  { firstPx, stepPx, rowPx, wanted: WANTED, patienceMs: PATIENCE_MS },
);
await desk.shot(page, "sync");
await desk.end();
const looked = found.filter((one) => one.offMs === 0);
if (looked.length < WANTED) throw new Error(`${looked.length} of ${found.length} pictures were looked at`);
const far = looked.filter((one) => Math.abs(one.by) > 1);
if (far.length) throw new Error(`boxes are of other pictures: ${JSON.stringify(far)}`);
const most = Math.max(...looked.map((one) => Math.abs(one.by)));
const near = found.filter((one) => Math.abs(one.by) <= 1).length;
console.log(`by ${of[3]}, boxes of ${looked.length} pictures that were looked at are off by ${most.toFixed(2)} pictures at most; of all ${found.length}, ${near} are off by one or less`);
