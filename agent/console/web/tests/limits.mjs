// An administrator limits an account to one camera, in Chromium; whoever signs in by it sees that one alone.
//
//   node tests/limits.mjs 'http://127.0.0.1:9465/#setup=TOKEN' [FOLDER FOR PICTURES]
import { PASSWORD, visit } from "./visit.mjs";

const [link, pictures] = process.argv.slice(2);
const desk = await visit(link, pictures);

const admin = await desk.newPage({ locale: "en-GB", viewport: { width: 1280, height: 900 } });
await desk.enter(admin.page);
await admin.page.goto(desk.address("/settings"));
await admin.page.getByRole("button", { name: "Add account" }).click();
const form = admin.page.locator("dialog form");
await form.locator("input[name=name]").fill("guard");
await form.locator("select[name=role]").selectOption("operator");
await form.locator("input[name=password]").fill(PASSWORD);
await form.getByLabel("All cameras").uncheck();
await form.getByLabel("gate").check();
await desk.look(admin.page, "limits-desk");
await form.locator("button.primary").click();
const row = admin.page.locator("tr", { hasText: "guard" });
await row.locator("td", { hasText: /^gate$/ }).waitFor();
await row.getByRole("button", { name: "Cameras…" }).click();
if (await admin.page.locator("dialog").getByLabel("yard").isChecked()) throw new Error("the yard was not ticked");
await admin.page.locator("dialog").getByRole("button", { name: "Cancel" }).click();

const guard = await desk.newPage({ locale: "en-GB", viewport: { width: 1280, height: 900 } });
await guard.page.goto(desk.address("/cameras"));
await guard.page.locator("input[name=name]").fill("guard");
await guard.page.locator("input[name=password]").fill(PASSWORD);
await guard.page.keyboard.press("Enter");
await guard.page.locator(".tile", { hasText: "gate" }).first().waitFor();
if (await guard.page.locator(".tile", { hasText: "yard" }).count()) throw new Error("the yard is seen");
for (const [path, words] of [["/cameras/yard", "There is no camera yard for this account."], ["/cameras/%zz", "There is no camera %zz"], ["/stats", "The console has no page /stats."]]) {
  await guard.page.goto(desk.address(path));
  await guard.page.locator("main .empty", { hasText: words }).waitFor();
  await desk.look(guard.page, "nothing-there");
  await guard.page.locator("main .empty button").click();
  await guard.page.locator("main .empty", { hasText: words }).waitFor({ state: "detached" });
}
await desk.end();
console.log("an account was limited to one camera and saw no other");
