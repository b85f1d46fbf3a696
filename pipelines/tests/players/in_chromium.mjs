// Plays each file that is named in Chromium, and prints for each how far it got, as JSON.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [web, ...files] = process.argv.slice(2);
const { chromium } = createRequire(join(web, "package.json"))("playwright-core");

const page = join(mkdtempSync(join(tmpdir(), "plays-")), "page.html");
writeFileSync(page, "<!doctype html><title>plays</title><video muted></video>");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const file of files) {
  const tab = await browser.newPage();
  await tab.goto(pathToFileURL(page).href);
  const seen = await tab.evaluate(async (address) => {
    const video = document.querySelector("video");
    const over = new Promise((resolve) => ["ended", "error"].forEach((kind) => video.addEventListener(kind, () => resolve(kind))));
    video.src = address;
    video.playbackRate = 4;
    video.play().catch(() => {});
    const end = await over;
    const { totalVideoFrames, corruptedVideoFrames } = video.getVideoPlaybackQuality();
    return { end, s: video.duration, at: video.currentTime, pictures: totalVideoFrames, broken: corruptedVideoFrames, why: video.error?.message };
  }, pathToFileURL(file).href);
  console.log(JSON.stringify(seen));
  await tab.close();
}
await browser.close();
