// Draws over a camera's picture, in Chromium: a zone and an exclusion by mouse, their corners and its classes by keyboard, a line and
// other classes by touch, undo and redo; looks at what changes in the site file, saves it, and tries it on footage, saves it, and sees that the
// agent goes by it.
//
//   node tests/draw.mjs 'http://127.0.0.1:9465/#setup=TOKEN' CAMERA [FOLDER FOR PICTURES]
import { visit } from "./visit.mjs";

const [link, camera, pictures] = process.argv.slice(2);
const desk = await visit(link, pictures);

async function open(page) {
  await page.locator("nav").waitFor();
  await page.goto(desk.address(`/cameras/${camera}/draw`));
  await page.locator(".canvas img").waitFor();
  await page.locator(".canvas svg").scrollIntoViewIfNeeded();
  return async (x, y) => {
    const box = await page.locator(".canvas svg").boundingBox();
    return [box.x + x * box.width, box.y + y * box.height];
  };
}

const first = await desk.newPage({ locale: "en-GB", viewport: { width: 1280, height: 900 } });
await desk.enter(first.page);
const { page } = first;
let at = await open(page);
const shapes = () => page.locator(".shapes li").count();
const before = await shapes();

await page.getByRole("button", { name: "New zone" }).click();
for (const [x, y] of [[0.2, 0.3], [0.45, 0.3], [0.45, 0.6]]) await page.mouse.click(...(await at(x, y)));
await page.mouse.click(...(await at(0.003, 0.6)));
await page.keyboard.press("Backspace");
await page.mouse.click(...(await at(0.2, 0.6)));
await page.keyboard.press("Enter");
if ((await shapes()) !== before + 1) throw new Error("no zone was made");
await page.locator(".shapes input").fill("forecourt");

await page.locator(".corner").first().focus();
await page.keyboard.press("Shift+ArrowRight");
await page.keyboard.press("Control+z");
await page.keyboard.press("Control+Shift+z");
await desk.look(page, "draw-desk");
const [from, to] = [await at(0.45, 0.6), await at(0.5, 0.7)];
await page.mouse.move(...from);
await page.mouse.down();
await page.mouse.move(...to, { steps: 4 });
await page.mouse.up();

await page.keyboard.press("Escape");
await page.getByRole("button", { name: "New exclusion" }).click();
await page.getByRole("status").filter({ hasText: "In an exclusion nothing is detected" }).waitFor();
for (const [x, y] of [[0.7, 0.7], [0.8, 0.7], [0.8, 0.85], [0.7, 0.85]]) await page.mouse.click(...(await at(x, y)));
await page.keyboard.press("Enter");
await page.keyboard.press("Control+z");
if ((await shapes()) !== before + 1) throw new Error("the exclusion was not taken back");
await page.keyboard.press("Control+Shift+z");
await page.locator(".shapes li", { hasText: "Exclusion" }).locator("input").fill("poster");
await page.locator(".is-exclusion .corner").first().focus();
await page.keyboard.press("Shift+ArrowLeft");
const fill = await page.locator(".shape.is-exclusion polygon").evaluate((one) => getComputedStyle(one).fill);
if (!fill.includes("#hatch")) throw new Error(`an exclusion looks like a zone: ${fill}`);
const poster = page.locator(".shapes li").last();
await poster.getByText("nothing is detected").waitFor();
const choice = poster.getByRole("combobox");
await choice.focus();
await choice.selectOption("person");
await choice.selectOption("new_object");
await page.keyboard.press("Control+z");
await page.keyboard.press("Control+Shift+z");
await poster.getByRole("button", { name: "Detect new_object again" }).focus();
await page.keyboard.press("Enter");
if ((await poster.locator(".classes button").count()) !== 1) throw new Error("a class that was taken out is still there");
await desk.look(page, "draw-exclusion");

await page.getByRole("button", { name: "Save…" }).click();
const diff = await page.locator(".diff").innerText();
for (const name of ["forecourt", "poster", 'classes = ["person"]']) if (!diff.includes(name)) throw new Error(`${name} is not told: ${diff}`);
await page.getByRole("button", { name: "Try it on the last hour" }).click();
await page.getByRole("button", { name: "Stop" }).click();
await page.getByRole("button", { name: "Try it on the last hour" }).waitFor();
await desk.look(page, "draw-diff");
await page.locator("dialog .primary").click();
await page.locator(".toasts", { hasText: "goes by it now" }).waitFor({ timeout: 30_000 });
const state = await first.context.storageState();
await first.context.close();

const second = await desk.newPage({ locale: "zh-CN", viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, storageState: state, colorScheme: "dark" });
await second.page.addInitScript(() => localStorage.setItem("language", "zh"));
await second.page.goto(desk.address("/"));
at = await open(second.page);
const there = second.page.locator(".shapes li", { hasText: "poster" }).filter({ hasText: "排除区域" });
await there.getByRole("combobox", { name: "仅限部分类别…" }).selectOption("car");
await there.getByRole("button", { name: "重新检测 person" }).tap();
await second.page.getByRole("button", { name: "新警戒线" }).tap();
await second.page.locator(".canvas svg").scrollIntoViewIfNeeded();
for (const [x, y] of [[0.1, 0.9], [0.7, 0.8]]) await second.page.touchscreen.tap(...(await at(x, y)));
await second.page.getByRole("button", { name: "完成" }).tap();
await second.page.locator(".shapes input").fill("phone-line");
await desk.look(second.page, "draw-phone");
await second.page.getByRole("button", { name: "保存…" }).tap();
await second.page.locator(".diff", { hasText: "phone-line" }).filter({ hasText: 'classes = ["car"]' }).waitFor();
await second.page.getByRole("button", { name: "用最近一小时的录像试运行" }).waitFor();
await second.page.locator("dialog .primary").tap();
await second.page.locator(".toasts", { hasText: "已保存并生效" }).waitFor({ timeout: 30_000 });
await desk.end();
console.log("drawn by mouse, keyboard and touch, seen, tried, saved and taken up");
