// One clock for everything on the page that says how long ago something was.
import { useSyncExternalStore } from "react";

const TICK_MS = 15_000;
const FRESH_MS = 1_000;

let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const watchers = new Set<() => void>();

function tick() {
  now = Date.now();
  for (const tell of watchers) tell();
}

function watch(tell: () => void) {
  watchers.add(tell);
  timer ??= setInterval(tick, TICK_MS);
  // What has just appeared may have just happened, and must not be said to be ahead.
  if (Date.now() - now > FRESH_MS) tick();
  return () => {
    watchers.delete(tell);
    if (watchers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function read() {
  // Without a running clock the stored time would be old.
  if (!timer) now = Date.now();
  return now;
}

/** The time in milliseconds, renewed every 15 seconds. */
export function useNow(): number {
  return useSyncExternalStore(watch, read);
}
