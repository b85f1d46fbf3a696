// What is new, from one stream of events for the whole page.
import { useEffect, useState } from "preact/hooks";

type Tell = (data: unknown) => void;

const listeners = new Map<string, Set<Tell>>();
const states = new Set<(isLive: boolean) => void>();
let source: EventSource | null = null;
let isLive = false;

function set(live: boolean) {
  isLive = live;
  for (const tell of states) tell(live);
}

/** Begins to listen; a browser comes back by itself when a connection ends. */
export function open() {
  if (source) return;
  source = new EventSource("/api/v1/events");
  let wasAway = false;
  source.onopen = () => {
    set(true);
    // What happened while nobody listened is read anew.
    if (wasAway) tell("missed", null);
    wasAway = false;
  };
  source.onerror = () => {
    wasAway = true;
    set(false);
  };
  for (const topic of ["incident", "health", "missed"]) {
    source.addEventListener(topic, (event) => tell(topic, JSON.parse((event as MessageEvent<string>).data)));
  }
}

export function close() {
  source?.close();
  source = null;
  set(false);
}

function tell(topic: string, data: unknown) {
  for (const one of listeners.get(topic) ?? []) one(data);
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
    return () => void states.delete(setLive);
  }, []);
  return live;
}
