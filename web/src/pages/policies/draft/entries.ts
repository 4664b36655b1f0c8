// What is changed and not applied yet, and how it is sent: several resources of one file as one file.
import type { Problem } from "@/ui/resources/problems";
import type { Sent } from "@/ui/resources/useCheck";

export interface Entry {
  kind: string;
  name: string;
  /** The file that it goes into. */
  file: string;
  /** Null: it is to be deleted. */
  text: string | null;
  /** What it was when the change began; empty for a new one. */
  base: string;
}

export type Draft = Entry[];

export const keyOf = ({ kind, name }: Pick<Entry, "kind" | "name">) => `${kind}/${name}`;

export function entryOf(draft: Draft, kind: string, name: string): Entry | undefined {
  return draft.find((e) => e.kind === kind && e.name === name);
}

/** The draft with another entry; one that is as it was goes. */
export function withEntry(draft: Draft, entry: Entry): Draft {
  const others = draft.filter((e) => keyOf(e) !== keyOf(entry));
  const isNew = entry.base === "";
  const same = isNew ? entry.text === null : entry.text === entry.base;
  return same ? others : [...others, entry];
}

export function without(draft: Draft, entry: Pick<Entry, "kind" | "name">): Draft {
  return draft.filter((e) => keyOf(e) !== keyOf(entry));
}

const BETWEEN = "---\n";

export interface Packed {
  sent: Sent;
  /** Problems with the key of their entry as the file, and the line within it. */
  home: (problem: Problem) => Problem;
}

/** All of it, as it is sent. */
export function pack(draft: Draft): Packed {
  const files = new Map<string, { text: string; parts: { key: string; first: number }[] }>();
  for (const entry of draft) {
    if (entry.text === null) continue;
    const file = files.get(entry.file) ?? { text: "", parts: [] };
    if (file.parts.length > 0) file.text += BETWEEN;
    file.parts.push({ key: keyOf(entry), first: lines(file.text) });
    file.text += entry.text.endsWith("\n") ? entry.text : `${entry.text}\n`;
    files.set(entry.file, file);
  }
  const deleted = draft.filter((e) => e.text === null).map(({ kind, name }) => ({ kind, name }));
  const home = (problem: Problem): Problem => {
    const parts = files.get(problem.file)?.parts ?? [];
    const part = parts.findLast((p) => problem.line > p.first) ?? parts[0];
    if (!part) return problem;
    return { ...problem, file: part.key, line: Math.max(problem.line - part.first, 0) };
  };
  const sent: Sent = { files: [...files].map(([name, { text }]) => ({ name, text })) };
  if (deleted.length > 0) sent.delete = deleted;
  return { sent, home };
}

function lines(text: string): number {
  return text.split("\n").length - 1;
}
