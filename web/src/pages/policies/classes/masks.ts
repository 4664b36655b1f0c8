// Masks as the form shows them: a kind, and what it takes.
import { isFields, type Json } from "@/ui/resources/yaml";

export const MASKS = [
  { value: "redact", label: "Redact: a fixed text, or the type's neutral value" },
  { value: "null", label: "Null: nothing at all" },
  { value: "constant", label: "A text of yours" },
  { value: "keep_first", label: "Keep the first letters and digits" },
  { value: "keep_last", label: "Keep the last letters and digits" },
  { value: "hash", label: "Hash: equal values stay equal" },
];

export interface Mask {
  kind: string;
  text?: string;
  count?: number;
}

const DEFAULT_KEPT = 4;

export function maskOf(value: Json | undefined): Mask {
  // `mask: null` is read as the mask of that name as well, and one that is not there redacts.
  if (typeof value === "string") return { kind: value };
  if (!isFields(value)) return { kind: "redact" };
  const [entry] = Object.entries(value);
  if (!entry) return { kind: "redact" };
  const [kind, content] = entry;
  if (typeof content === "number") return { kind, count: content };
  return { kind, text: typeof content === "string" ? content : "" };
}

export function toValue({ kind, text = "", count = DEFAULT_KEPT }: Mask): Json {
  if (kind === "constant") return { constant: text };
  if (kind === "keep_first" || kind === "keep_last") return { [kind]: count };
  return kind;
}

/** In a few words, for lists. */
export function maskWords(value: Json | undefined): string {
  const { kind, text, count } = maskOf(value);
  if (kind === "constant") return `becomes ${JSON.stringify(text)}`;
  if (kind === "keep_first") return `keeps the first ${count}`;
  if (kind === "keep_last") return `keeps the last ${count}`;
  return kind === "null" ? "becomes NULL" : kind === "hash" ? "hashed" : "redacted";
}
