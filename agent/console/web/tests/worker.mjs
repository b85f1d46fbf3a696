// What the worker shows of a message of Web Push, and what its buttons do. It is run without a browser: the few things that
// browsers give a worker are written down here.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";

const shown = [];
const asked = [];
const opened = [];
const listeners = {};
let answer = { ok: true };
const self = {
  addEventListener: (name, listener) => (listeners[name] = listener),
  registration: { showNotification: async (title, more) => void shown.push({ title, ...more }) },
  clients: { openWindow: async (url) => void opened.push(url) },
  navigator: { language: "zh-CN" },
};
const fetch = async (path, { method }) => (asked.push(`${method} ${path}`), answer);
runInContext(readFileSync("src/worker.js", "utf8"), createContext({ self, fetch, URL }));

const fire = async (name, event) => {
  let done;
  listeners[name]({ ...event, waitUntil: (promise) => (done = promise) });
  await done;
};
const told = {
  title: "Escalated: illegal parking (gate)",
  body: "Site: north",
  tag: "gate-1",
  url: "https://console.example/incidents/gate-1",
  urgent: true,
  actions: [{ action: "on_site", title: "On site", url: "https://console.example/api/v1/answers/a.b" }],
};
await fire("push", { data: { json: () => told } });
assert.equal(shown[0].title, told.title);
assert.equal(JSON.stringify(shown[0].actions), '[{"action":"on_site","title":"On site"}]');
assert.deepEqual([shown[0].tag, shown[0].body, shown[0].requireInteraction], ["gate-1", "Site: north", true]);

const click = (action) => fire("notificationclick", { action, notification: { data: told, close() {} } });
await click("on_site");
assert.deepEqual(asked, ["POST /api/v1/answers/a.b"]);
assert.equal(shown.length, 1);
answer = { ok: false, json: async () => ({ error: "used", error_zh: "已使用" }) };
await click("on_site");
assert.deepEqual([shown[1].title, shown[1].body], ["On site: 已使用", told.title]);
await click("");
assert.deepEqual(opened, [told.url]);
console.log("the worker shows, answers, tells a refusal and opens");
