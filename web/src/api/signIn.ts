// What a page does once its sign-in has ended: at the start it goes to sign in at once, later it says so and stays.
import { useSyncExternalStore } from "react";

let everIn = false;
let out = false;
const watchers = new Set<() => void>();

function become(next: boolean) {
  if (out === next) return;
  out = next;
  for (const tell of watchers) tell();
}

/** Where to sign in, to come back to what is shown now. */
export function signInHere(): string {
  return `/signin?next=${encodeURIComponent(location.pathname + location.search)}`;
}

/** The gateway knew who asked. */
export function noteSignedIn() {
  everIn = true;
  become(false);
}

/** The gateway knew nobody. True where the page goes away to sign in, so that nobody needs an error in the meantime. */
export function noteSignedOut(): boolean {
  if (everIn) become(true);
  else location.assign(signInHere());
  return !everIn;
}

function watch(tell: () => void) {
  watchers.add(tell);
  return () => watchers.delete(tell);
}

export function useSignedOut(): boolean {
  return useSyncExternalStore(watch, () => out);
}
