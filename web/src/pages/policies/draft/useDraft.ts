// The draft of the reader: kept in this browser until it is applied or discarded.
import { useCallback, useSyncExternalStore } from "react";
import { useMe } from "@/api/me";
import { type Draft, type Entry, keyOf, withEntry, without } from "./entries";

const drafts = new Map<string, Draft>();
const watchers = new Set<() => void>();
const EMPTY: Draft = [];
const TEXTS = ["kind", "name", "file", "base"] as const;

const keyFor = (principal: string) => `sluice-draft:${principal}`;

function isEntry(value: unknown): value is Entry {
  if (typeof value !== "object" || value === null) return false;
  const entry = value as Record<string, unknown>;
  const text = entry.text;
  return (
    TEXTS.every((t) => typeof entry[t] === "string") && (text === null || typeof text === "string")
  );
}

function read(principal: string): Draft {
  const known = drafts.get(principal);
  if (known) return known;
  let found = EMPTY;
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(keyFor(principal)) ?? "[]");
    if (Array.isArray(stored) && stored.every(isEntry)) found = stored;
  } catch {
    // Nothing is kept where the browser forbids it, or where it was not ours.
  }
  drafts.set(principal, found);
  return found;
}

function write(principal: string, draft: Draft) {
  drafts.set(principal, draft);
  try {
    if (draft.length > 0) localStorage.setItem(keyFor(principal), JSON.stringify(draft));
    else localStorage.removeItem(keyFor(principal));
  } catch {
    // It still lives as long as the page does.
  }
  for (const tell of watchers) tell();
}

function watch(tell: () => void) {
  watchers.add(tell);
  return () => watchers.delete(tell);
}

// Another tab may have applied or discarded it.
addEventListener("storage", (event) => {
  if (!event.key?.startsWith("sluice-draft:")) return;
  drafts.delete(event.key.slice("sluice-draft:".length));
  for (const tell of watchers) tell();
});

export function useDraft() {
  const { principal } = useMe();
  const draft = useSyncExternalStore(watch, () => read(principal));
  const put = useCallback(
    (entry: Entry) => write(principal, withEntry(read(principal), entry)),
    [principal],
  );
  const drop = useCallback(
    (entry: Pick<Entry, "kind" | "name">) => write(principal, without(read(principal), entry)),
    [principal],
  );
  /** What was applied goes; what was typed meanwhile stays. */
  const applied = useCallback(
    (sent: Draft) => {
      const done = new Map(sent.map((e) => [keyOf(e), e.text]));
      write(
        principal,
        read(principal).filter((e) => done.get(keyOf(e)) !== e.text),
      );
    },
    [principal],
  );
  const clear = useCallback(() => write(principal, EMPTY), [principal]);
  return { draft, put, drop, applied, clear };
}
