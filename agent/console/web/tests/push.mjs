// A browser signs up for messages as far as it gets, and its worker shows what comes and answers by the buttons.
//
//   node tests/push.mjs 'http://127.0.0.1:9465/#setup=TOKEN' [FOLDER FOR PICTURES]
//
// No push service is reached here, so that the browser's own subscription fails at it; the message is handed to the worker by the
// browser's tools, as the browser hands over what its service brought and what it has decrypted.
import assert from "node:assert/strict";
import { visit } from "./visit.mjs";

const [link, pictures] = process.argv.slice(2);
const desk = await visit(link, pictures);
const { context, page } = await desk.newPage({ locale: "en-GB" });
const origin = new URL(link).origin;
await context.grantPermissions(["notifications"], { origin });
await desk.enter(page);
await page.goto(desk.address("/settings"));
await page.getByRole("button", { name: "Tell this browser" }).click();
// The worker is registered before the browser is asked for a subscription.
const ready = () => page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).some((one) => one.active));
while (!(await ready())) await page.waitForTimeout(100);
const failed = await page.locator(".toast").first().innerText({ timeout: 5000 }).catch(() => "no answer within 5 s");

const tools = await context.newCDPSession(page);
const known = new Promise((found) =>
  tools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
    const own = registrations.find((one) => one.scopeURL.startsWith(origin) && !one.isDeleted);
    if (own) found(own.registrationId);
  }),
);
await tools.send("ServiceWorker.enable");
const registrationId = await known;
const told = {
  title: "Escalated: illegal parking (gate)",
  body: "Site: north",
  tag: "gate-1",
  url: `${origin}/incidents/gate-1`,
  urgent: true,
  actions: [{ action: "on_site", title: "On site", url: `${origin}/api/v1/answers/a.b` }],
};
await tools.send("ServiceWorker.deliverPushMessage", { origin, registrationId, data: JSON.stringify(told) });
const shown = () =>
  page.evaluate(async () => {
    const [one] = await navigator.serviceWorker.getRegistrations();
    const plain = ({ title, body, tag, requireInteraction, actions, data }) => ({ title, body, tag, requireInteraction, actions, data });
    return (await one.getNotifications()).map(plain);
  });
let all = [];
while (!all.length) {
  all = await shown();
  if (!all.length) await page.waitForTimeout(100);
}
assert.equal(all.length, 1);
const { title, body, tag, requireInteraction, data } = all[0];
assert.deepEqual({ title, body, tag, requireInteraction }, { title: told.title, body: told.body, tag: told.tag, requireInteraction: true });
assert.deepEqual(data, told);
// A later message of the same incident takes its place.
await tools.send("ServiceWorker.deliverPushMessage", { origin, registrationId, data: JSON.stringify({ ...told, title: "Over" }) });
while ((await shown())[0]?.title !== "Over") await page.waitForTimeout(100);
assert.equal((await shown()).length, 1);
await desk.end();
console.log(`push: the worker shows what it is handed, and replaces it; the subscription: ${failed}`);
