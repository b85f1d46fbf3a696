// What is new, from one stream of events for all tabs of a browser, which opens no more than six connections to a host.
import { useEffect, useState } from "preact/hooks";
import { get } from "./api";

type Tell = (data: unknown) => void;

interface News {
  topic: string;
  data: unknown;
}

/** A stream that was refused is asked for again after so long. */
const AGAIN_MS = 5000;

const listeners = new Map<string, Set<Tell>>();
const states = new Set<(isLive: boolean) => void>();
let isLive = false;
let source: EventSource | null = null;
let channel: BroadcastChannel | null = null;
let release: (() => void) | null = null;
let isOpen = false;

function take({ topic, data }: News) {
  if (topic === "state") {
    isLive = data as boolean;
    for (const tell of states) tell(isLive);
  }
  if (topic === "asked") tell({ topic: "state", data: isLive }, source !== null);
  for (const one of listeners.get(topic) ?? []) one(data);
}

/** Tells this tab, and the others where this one listens for them. */
function tell(news: News, isForAll = true) {
  if (isForAll) channel?.postMessage(news);
  if (news.topic !== "asked") take(news);
}

function connect() {
  source = new EventSource("/api/v1/events");
  source.onopen = () => {
    tell({ topic: "state", data: true });
    // What happened while nobody listened is read anew.
    tell({ topic: "missed", data: null });
  };
  source.onerror = () => {
    tell({ topic: "state", data: false });
    if (source?.readyState !== EventSource.CLOSED) return;
    // Refused, and not merely interrupted: perhaps the session is over, which any question finds out.
    setTimeout(() => void get("/health").then(() => isOpen && source && connect(), () => {}), AGAIN_MS);
  };
  for (const topic of ["incident", "health", "missed"]) {
    source.addEventListener(topic, (event) => tell({ topic, data: JSON.parse((event as MessageEvent<string>).data) }));
  }
}

/** Begins to listen, in this tab or by another one's ears; a browser comes back by itself when a connection ends. */
export function open() {
  if (isOpen) return;
  isOpen = true;
  if (!navigator.locks) return connect();
  channel = new BroadcastChannel("forewarn-live");
  channel.onmessage = (event: MessageEvent<News>) => take(event.data);
  channel.postMessage({ topic: "asked", data: null });
  void navigator.locks.request("forewarn-live", () => {
    if (!isOpen) return;
    connect();
    return new Promise<void>((done) => (release = done));
  });
}

export function close() {
  isOpen = false;
  source?.close();
  source = null;
  channel?.close();
  channel = null;
  release?.();
  release = null;
  take({ topic: "state", data: false });
}

/** Calls `tell` with each piece of news about a topic while the component is shown. */
export function useNews<T>(topic: string, tell: (data: T) => void) {
  useEffect(() => {
    const of = listeners.get(topic) ?? new Set();
    listeners.set(topic, of);
    of.add(tell as Tell);
    return () => void of.delete(tell as Tell);
  }, [topic, tell]);
}

export function useIsLive(): boolean {
  const [live, setLive] = useState(isLive);
  useEffect(() => {
    states.add(setLive);
    // Another tab answers sooner than this page is painted, which is when it begins to listen.
    setLive(isLive);
    return () => void states.delete(setLive);
  }, []);
  return live;
}
