// Resources of a kind with the draft laid over them.
import { useMemo } from "react";
import { fileOf, type Resource, textOf, useResources } from "@/ui/resources/resources";
import { type Entry, entryOf } from "./entries";
import { useDraft } from "./useDraft";

export interface Edited {
  kind: string;
  name: string;
  file: string;
  /** As it would be; of one that is to be deleted, as it is. */
  text: string;
  state: "same" | "new" | "changed" | "deleted";
  existing?: Resource;
  entry?: Entry;
  /** Somebody else changed it since the draft began. */
  overtaken: boolean;
}

export function useEdited(kind: string) {
  const { query, resources } = useResources(kind);
  const { draft, put, drop } = useDraft();
  const items = useMemo(
    () => resources && laidOver(kind, resources, draft),
    [kind, resources, draft],
  );
  return { query, items, put, drop, draft };
}

export function laidOver(kind: string, resources: Resource[], draft: Entry[]): Edited[] {
  const known = resources.map((existing): Edited => {
    const entry = entryOf(draft, kind, existing.name);
    const now = textOf(existing);
    const file = kind === "Policy" ? existing.name : fileOf(kind, existing.name, existing);
    const state = !entry ? "same" : entry.text === null ? "deleted" : "changed";
    const overtaken = entry !== undefined && entry.base !== now;
    return {
      kind,
      name: existing.name,
      file,
      text: entry?.text ?? now,
      state,
      existing,
      entry,
      overtaken,
    };
  });
  const added = draft
    .filter((e) => e.kind === kind && !resources.some((r) => r.name === e.name) && e.text !== null)
    .map((entry): Edited => {
      const { name, file, text } = entry;
      // It was there when the draft began, and is gone.
      const overtaken = entry.base !== "";
      return { kind, name, file, text: text ?? "", state: "new", entry, overtaken };
    });
  return [...known, ...added].sort((a, b) => a.name.localeCompare(b.name));
}

/** The entry for another text of it; null deletes it. */
export function changed(item: Edited, text: string | null): Entry {
  const { kind, name, file, existing, entry } = item;
  const base = entry?.base ?? (existing ? textOf(existing) : "");
  return { kind, name, file, text, base };
}
