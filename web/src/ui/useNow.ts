// One clock for everything on the page that says how long ago something was.
import { useSyncExternalStore } from "react";

const TICK_MS = 15_000;

let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const watchers = new Set<() => void>();

function watch(tell: () => void) {
  watchers.add(tell);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const w of watchers) w();
  }, TICK_MS);
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
