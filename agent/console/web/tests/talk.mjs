// Somebody talks over loudspeakers, by a microphone that is held: by mouse and by keyboard, on a desk and on a phone.
//
//   node tests/talk.mjs 'http://127.0.0.1:9465/#setup=TOKEN' SOUND.wav horn,kiosk [FOLDER FOR PICTURES]
//
// What the microphone hears is the sound.
import { visit } from "./visit.mjs";

const [link, sound, names, pictures] = process.argv.slice(2);
const [first, second] = names.split(",");
const microphone = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", `--use-file-for-fake-audio-capture=${sound}`];
const desk = await visit(link, pictures, microphone);

/** Holds the button by `down` until 2.5 s are heard, lets it go by `up`, and waits for what became of it. */
async function talk(page, speaker, [down, up], name) {
  await page.locator("select[name=speaker]").selectOption(speaker);
  await down(page.locator(".hold"));
  await page.locator(".hold[data-stage=hearing]").waitFor({ timeout: 15_000 });
  await page.locator(".talk p", { hasText: /2 (of|\/) 30/ }).waitFor({ timeout: 15_000 });
  await desk.look(page, `${name}-held`);
  await page.waitForTimeout(500);
  await up();
  await page.locator(".hold[data-stage=playing]").waitFor({ timeout: 15_000 });
  await page.locator(".hold[data-stage=idle]").waitFor({ timeout: 60_000 });
  const told = await page.locator(".talk p").innerText();
  await desk.look(page, `${name}-played`);
  if (!/It was played|已播放/.test(told)) throw new Error(`${speaker}: ${told}`);
  return told;
}

const one = await desk.newPage({ locale: "en-GB", viewport: { width: 1280, height: 800 } });
await desk.enter(one.page);
await one.page.goto(desk.address("/cameras"));
await one.page.getByRole("button", { name: "Speak over a loudspeaker" }).click();
const byMouse = [(hold) => hold.hover().then(() => one.page.mouse.down()), () => one.page.mouse.up()];
const told = [await talk(one.page, first, byMouse, "talk-desk")];
await one.page.keyboard.press("Escape");
const state = await one.context.storageState();

const phone = await desk.newPage({ locale: "zh-CN", viewport: { width: 360, height: 740 }, storageState: state, colorScheme: "dark" });
await phone.page.addInitScript(() => localStorage.setItem("language", "zh"));
await phone.page.goto(desk.address("/cameras"));
await phone.page.getByRole("button", { name: "喊话" }).click();
const byKey = [(hold) => hold.focus().then(() => phone.page.keyboard.down(" ")), () => phone.page.keyboard.up(" ")];
told.push(await talk(phone.page, second, byKey, "talk-phone"));
await desk.end();
console.log(`talk: ${told.join("; ")}`);
