// Shows what Web Push brings while no page is open, and answers by the buttons of a message.

self.addEventListener("push", (event) => event.waitUntil(show(event.data.json())));

self.addEventListener("notificationclick", (event) => {
  const told = event.notification.data;
  event.notification.close();
  const button = told.actions?.find((one) => one.action === event.action);
  event.waitUntil(button ? answer(told, button) : self.clients.openWindow(told.url ?? "/"));
});

function show(told) {
  const { title, body, tag, image, urgent } = told;
  const actions = (told.actions ?? []).map(({ action, title }) => ({ action, title }));
  const more = { body, tag, image, actions, renotify: Boolean(tag), requireInteraction: urgent, icon: "/assets/icon.svg", data: told };
  return self.registration.showNotification(title, more);
}

async function answer(told, button) {
  // Where this browser signed up the console may have another name than in the message.
  const path = new URL(button.url).pathname;
  const failed = await fetch(path, { method: "POST" }).then(
    async (answer) => (answer.ok ? null : await answer.json()),
    (error) => ({ error: String(error), error_zh: String(error) }),
  );
  if (!failed) return;
  const why = self.navigator.language.startsWith("zh") ? failed.error_zh : failed.error;
  await show({ ...told, title: `${button.title}: ${why}`, body: told.title, actions: [] });
}
