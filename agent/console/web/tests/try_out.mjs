// Tries a rule on footage before it is saved, in Chromium, on a desk in English and on a phone in Chinese, where one camera keeps no
// footage.
//
//   node tests/try_out.mjs 'http://127.0.0.1:9465/#setup=TOKEN' [FOLDER FOR PICTURES]
import { visit } from "./visit.mjs";

const [link, pictures] = process.argv.slice(2);
const desk = await visit(link, pictures);

/** Opens the dialog in which a rule more is seen before it is saved. */
async function add(page, camera, word) {
  await page.locator("nav").waitFor();
  await page.goto(desk.address(`/cameras/${camera}/rules`));
  await page.locator("select[name=violation]").selectOption("intrusion");
  await page.locator("select[name=zone]").selectOption("whole");
  await page.getByRole("button", { name: word }).click();
  await page.locator(".diff").waitFor();
}

const first = await desk.newPage({ locale: "en-GB", viewport: { width: 1280, height: 900 } });
await desk.enter(first.page);
const { page } = first;
await add(page, "gate", "Add rule…");
await page.getByRole("button", { name: "Try it on the last hour" }).click();
await page.locator(".try-out", { hasText: "1 would have been raised; 0 of them were. 0 that were raised would not have been. Footage of" }).waitFor();
const own = await page.locator(".try-out > .try-rows li").allInnerTexts();
if (own.length !== 1) throw new Error(`what other rules raise is told as of this one: ${own}`);
await page.locator("summary", { hasText: "2 incidents of other rules" }).click();
const rows = await page.locator(".try-rows li").allInnerTexts();
const of = (words) => rows.filter((row) => row.includes(words)).map((row) => row.split("\n")[0]);
await page.locator(".try-out", { hasText: "It is interrupted in 1 place." }).waitFor();
const told = JSON.stringify([of("new"), of("was raised, too"), of("no longer")]);
if (told !== JSON.stringify([["Intrusion Whole picture"], ["Loitering Square"], ["Loitering Square"]])) throw new Error(`${told}: ${rows}`);
await page.waitForFunction(() => document.querySelector(".try-rows img")?.naturalWidth > 0);
await desk.look(page, "try-out-desk");
await page.getByRole("button", { name: "Cancel" }).click();
const state = await first.context.storageState();
await first.context.close();

const second = await desk.newPage({ locale: "zh-CN", viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, storageState: state, colorScheme: "dark" });
await second.page.addInitScript(() => localStorage.setItem("language", "zh"));
await second.page.goto(desk.address("/"));
await add(second.page, "gate", "添加规则…");
await second.page.getByRole("button", { name: "用最近一小时的录像试运行" }).tap();
await second.page.locator(".try-rows li", { hasText: "闯入禁区" }).locator(".badge", { hasText: "新增" }).waitFor();
await desk.look(second.page, "try-out-phone");
await add(second.page, "yard", "添加规则…");
await second.page.locator("dialog", { hasText: "yard 没有保存录像" }).waitFor();
await desk.end();
console.log("a rule was tried on footage before it was saved, in two languages");
