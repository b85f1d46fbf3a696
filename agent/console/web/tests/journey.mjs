// What an operator does on his first day, in Chromium: sets the console up by its link, judges three incidents by keyboard
// alone in each language, and looks into every view at desk and phone size, in light and dark, which axe-core judges.
//
//   node tests/journey.mjs 'http://127.0.0.1:9465/#setup=TOKEN' [FOLDER FOR PICTURES]
import { PASSWORD, visit } from "./visit.mjs";

const [link, pictures] = process.argv.slice(2);
const desk = await visit(link, pictures);

function fail(what) {
  throw new Error(what);
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

/** The plan with two cells, a camera and a flight; the third cell, which has no outline, is in the table alone. Keys zoom in and back. */
async function walkMap(page, name) {
  await page.locator(".ground .cell").nth(1).waitFor();
  await page.locator(".cells tbody tr").nth(2).waitFor();
  const drawing = page.locator(".ground > svg");
  const marks = [".cell", ".camera", "image"].map((mark) => drawing.locator(mark).count());
  if (String(await Promise.all(marks)) !== "2,1,1") fail(`the map shows ${await Promise.all(marks)} cells, cameras and plans`);
  const whole = await drawing.getAttribute("viewBox");
  await drawing.scrollIntoViewIfNeeded();
  await desk.shot(page, name);
  await drawing.focus();
  const becomes = (isWhole) =>
    page.waitForFunction(([was, is]) => (document.querySelector(".ground > svg").getAttribute("viewBox") === was) === is, [whole, isWhole]);
  await page.keyboard.press("+");
  await becomes(false);
  await page.keyboard.press("0");
  await becomes(true);
}

/** A second tab hears by the ears of the first, and listens itself once that is closed. */
async function secondTab({ context, page }) {
  const isLive = (of) => of.locator(".pulse.on").waitFor({ timeout: 10_000 });
  const isStream = (request) => request.url().endsWith("/api/v1/events");
  await isLive(page);
  const other = await context.newPage();
  const own = [];
  other.on("request", (request) => isStream(request) && own.push(request.url()));
  await other.goto(desk.address("/incidents"));
  await isLive(other);
  if (own.length) fail("a second tab opened a stream of its own");
  const [stream] = await Promise.all([other.waitForRequest(isStream, { timeout: 10_000 }), page.close()]);
  if ((await (await stream.response()).status()) !== 200) fail("the stream of the second tab is refused");
  await isLive(other);
}

/** Sees that each of the texts has Chinese in it. */
async function speaksChinese(texts) {
  const all = await texts.allInnerTexts();
  const english = all.filter((text) => !/\p{Script=Han}/u.test(text));
  if (!all.length || english.length) fail(`the Chinese page says: ${english.join(" | ")}`);
}

/** Sees what the headline of a card says where a warning that was just heard holds for its incident, too. */
async function covered(page, headline) {
  const card = /\/api\/v1\/incidents\/[^/?]+$/;
  await page.route(card, async (route) => {
    const response = await route.fetch();
    const told = await response.json();
    told.found.warnings = 0;
    told.incident.history.at(-1).cause = "covered_by_recent_warning";
    await route.fulfill({ response, json: told });
  });
  await page.goto(desk.address("/incidents"));
  await page.locator(".row").first().click();
  await page.locator(".columns p.muted", { hasText: headline }).waitFor();
  await page.unroute(card);
}

const first = await desk.newPage({ locale: "en-GB", viewport: { width: 1280, height: 800 } });
await desk.enter(first.page, () => desk.look(first.page, "set-up"));
await judge(first.page, { true: "True", false: "False alarm" });
await covered(first.page, "The warning that was played here a moment before holds for this one, too");
const state = await first.context.storageState();
await secondTab(first);
await first.context.close();

const second = await desk.newPage({ locale: "zh-CN", viewport: { width: 1280, height: 800 } });
await second.page.goto(desk.address("/"));
await second.page.locator("input[name=name]").fill("ann");
await second.page.locator("input[name=password]").fill("another three words");
await second.page.keyboard.press("Enter");
const refusal = await second.page.locator("[role=alert]").innerText();
if (refusal !== "用户名或密码错误") fail(`the Chinese page says "${refusal}"`);
await desk.look(second.page, "sign-in");
await second.page.locator("input[name=password]").fill(PASSWORD);
await second.page.keyboard.press("Enter");
await judge(second.page, { true: "属实", false: "误报" });
await covered(second.page, "刚在此处播放的警告同样适用于此事件");
await second.context.close();

const sizes = [
  ["desk", { width: 1440, height: 900 }, ["light", "dark"]],
  ["phone", { width: 360, height: 740 }, ["light", "dark"]],
  ["4k", { width: 3840, height: 2160 }, ["dark"]],
];
for (const [size, viewport, schemes] of sizes) {
  for (const colorScheme of schemes) {
    const { context, page } = await desk.newPage({ locale: colorScheme === "light" ? "en-GB" : "zh-CN", viewport, colorScheme, storageState: state });
    // The first visit's choice of a language is kept, and would be taken here.
    await page.addInitScript((language) => localStorage.setItem("language", language), colorScheme === "light" ? "en" : "zh");
    await page.goto(desk.address("/incidents"));
    await page.locator(".row").first().waitFor();
    await desk.look(page, `incidents-${size}-${colorScheme}`);
    await page.locator(".row").first().click();
    await page.locator(".verdict svg").waitFor();
    const lacks = await page.locator(".card p.muted", { hasText: "escalated.jpg" }).innerText();
    const why = colorScheme === "dark" ? "当时没有可用的画面" : "no frame was at hand in time";
    if (!lacks.includes(why)) fail(`what lacks is told as "${lacks}"`);
    await desk.look(page, `card-${size}-${colorScheme}`);
    for (const view of ["cameras", "numbers", "health", "settings"]) {
      await page.goto(desk.address(`/${view}`));
      await page.locator("main h1").waitFor();
      if (view === "settings") await page.locator(".audit summary").click();
      if (view === "numbers") {
        await page.locator(".figure strong", { hasText: "75 %" }).waitFor();
        await page.locator("select[name=violation] option[value=loitering]").waitFor({ state: "attached" });
        await walkMap(page, `map-${size}-${colorScheme}`);
      }
      if (view === "health") await page.locator("main tbody tr, main .lines li").first().waitFor();
      if (view === "settings") await page.locator(".audit tbody tr").first().waitFor();
      if (colorScheme === "dark" && view === "health") await speaksChinese(page.locator("main td:nth-child(2), main .lines p"));
      if (colorScheme === "dark" && view === "settings") await speaksChinese(page.locator(".audit td:nth-child(3)"));
      await desk.look(page, `${view}-${size}-${colorScheme}`);
    }
    await context.close();
  }
}
// A page that is built small stays so; how quick it is depends on the machine, and is told.
const firstView = await desk.figures({ locale: "en-GB", viewport: { width: 390, height: 844 }, storageState: state });
if (firstView.kB > 150) fail(`the first view takes ${firstView.kB} kB`);
if (firstView.shifts > 0.1) fail(`the first view shifts by ${firstView.shifts}`);
const looks = await desk.end();
const { kB, paintedMs, shifts, blockedMs } = firstView;
console.log(`first view: ${kB.toFixed(0)} kB, painted after ${paintedMs.toFixed(0)} ms, shifts ${shifts.toFixed(3)}, blocked ${blockedMs.toFixed(0)} ms`);
console.log(`six incidents judged by keyboard in two languages, ${looks} looks, nothing serious`);
