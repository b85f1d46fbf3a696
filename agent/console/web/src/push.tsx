// Browsers and phones that are told by Web Push: this one is signed up here, and others are signed off.
import { useEffect, useState } from "preact/hooks";
import { type Session, ask, get, post } from "./api";
import { Register } from "./parts";
import { useToast } from "./toasts";
import { useWords } from "./words";

/** Where the worker lies that shows messages; written in when the page is built. */
declare const WORKER: string;

interface Told {
  key: string | null;
  recipients: { name: string; phones: { id: string; by: string; service: string | null }[] }[];
}

/** What the server calls a phone. */
async function idOf(endpoint: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, 16);
}

async function registration(): Promise<ServiceWorkerRegistration> {
  const made = await navigator.serviceWorker.register(WORKER);
  const coming = made.installing ?? made.waiting;
  if (!made.active && coming)
    await new Promise<void>((done) => coming.addEventListener("statechange", () => coming.state === "activated" && done()));
  return made;
}

/** This browser's subscription, bound to the site's key. */
async function subscribe(key: string): Promise<PushSubscription> {
  const { pushManager } = await registration();
  const wanted = { userVisibleOnly: true, applicationServerKey: key };
  try {
    return await pushManager.subscribe(wanted);
  } catch (error) {
    // One that is bound to another site's key, or to a key that is gone, is in the way.
    const former = await pushManager.getSubscription();
    if (!former) throw error;
    await former.unsubscribe();
    return await pushManager.subscribe(wanted);
  }
}

export function Push({ session }: { session: Session }) {
  const say = useWords();
  const toast = useToast();
  const [told, setTold] = useState<Told>({ key: null, recipients: [] });
  const [own, setOwn] = useState<string | null>(null);
  const read = () => void get<Told>("/push").then(setTold, () => {});
  const can = isSecureContext && "serviceWorker" in navigator && "PushManager" in window;
  useEffect(() => {
    read();
    if (can)
      void navigator.serviceWorker
        .getRegistration(WORKER)
        .then((known) => known?.pushManager.getSubscription())
        .then(async (known) => known && setOwn(await idOf(known.endpoint)), () => {});
  }, []);
  const fail = (error: unknown) => toast(say("failed", say.why(error)), true);
  const signUp = async (name: string, key: string) => {
    const made = await subscribe(key);
    const { id } = await post<{ id: string }>(`/push/${encodeURIComponent(name)}`, made.toJSON());
    setOwn(id);
    toast(say("pushOn"));
    read();
  };
  return (
    <>
      {told.recipients.map(({ name, phones }) => (
        <Register
          key={name}
          title={say("pushTitle", name)}
          hint={can ? say("pushHint") : say("pushNeedsTls")}
          columns={[say("who"), say("pushService")]}
          rows={phones.map(({ id, by, service }) => ({
            name: id === own ? say("pushThis") : id,
            cells: [by === session.name ? say("pushYou") : by, service ?? "–"],
            sure: say("pushOffSure"),
          }))}
          onDelete={(row) => {
            const id = row === say("pushThis") ? own : row;
            void ask("DELETE", `/push/${encodeURIComponent(name)}/${id}`).then(read, fail);
          }}
          addWord={say("pushAdd")}
          onAdd={() => (can && told.key ? void signUp(name, told.key).catch(fail) : toast(say("pushNeedsTls"), true))}
        />
      ))}
    </>
  );
}
