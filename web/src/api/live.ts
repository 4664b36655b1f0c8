// Live updates: one event stream per tab. Each event refreshes the queries of its topic.
import { useEffect, useSyncExternalStore } from "react";
import { queryClient } from "@/app/queryClient";
import { listen } from "./eventStream";
import { queryKey } from "./query";
import { noteSignedOut } from "./signIn";
import { isTopic, type Topic } from "./topics";

export type LiveState = "connecting" | "open" | "reconnecting";
type Listener = (data: unknown) => void;

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
// A busy gateway sends many events; a page is refreshed at most this often.
const GATHER_MS = 400;

let state: LiveState = "connecting";
let failures = 0;
let stop: (() => void) | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;
let gathering: ReturnType<typeof setTimeout> | undefined;
const touched = new Set<Topic>();
const watchers = new Set<() => void>();
const listeners = new Map<Topic, Set<Listener>>();

/** 1 s, 2 s, 4 s ... 30 s, each up to half longer so that consoles do not come back all at once. */
export function backOff(failed: number, random = Math.random()): number {
  const base = Math.min(FIRST_RETRY_MS * 2 ** Math.max(failed - 1, 0), LAST_RETRY_MS);
  return base * (1 + random / 2);
}

function become(next: LiveState) {
  state = next;
  for (const tell of watchers) tell();
}

function refresh(topic: Topic) {
  touched.add(topic);
  if (gathering) return;
  gathering = setTimeout(() => {
    gathering = undefined;
    for (const t of touched) void queryClient.invalidateQueries({ queryKey: [t] });
    touched.clear();
  }, GATHER_MS);
}

function receive(topic: string, text: string) {
  if (!isTopic(topic)) return;
  refresh(topic);
  const hearing = listeners.get(topic);
  if (!hearing?.size) return;
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    // The event still says that something changed, and that was acted on.
    return;
  }
  for (const hear of hearing) hear(data);
}

function open() {
  stop = listen("/v1/events", { onOpen, onEvent: receive, onEnd });
}

function onOpen() {
  // Events were missed while away, so everything on screen may be old.
  if (failures > 0) void queryClient.invalidateQueries();
  failures = 0;
  become("open");
}

function onEnd(status?: number) {
  if (status === 401) noteSignedOut();
  failures += 1;
  become("reconnecting");
  // A stream that had begun does not say why it ended; if we were signed out, this question will.
  void queryClient.invalidateQueries({ queryKey: queryKey("/v1/whoami") });
  retry = setTimeout(open, backOff(failures));
}

function close() {
  stop?.();
  clearTimeout(retry);
}

/** Holds the stream open while the shell is shown. */
export function useLiveStream() {
  useEffect(() => {
    open();
    return close;
  }, []);
}

function watch(tell: () => void) {
  watchers.add(tell);
  return () => watchers.delete(tell);
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(watch, () => state);
}

/** Hears the data of a topic's events. `hear` must be stable (`useCallback`). */
export function useLive(topic: Topic, hear: Listener) {
  useEffect(() => {
    const hearing = listeners.get(topic) ?? new Set<Listener>();
    listeners.set(topic, hearing.add(hear));
    return () => {
      hearing.delete(hear);
    };
  }, [topic, hear]);
}
