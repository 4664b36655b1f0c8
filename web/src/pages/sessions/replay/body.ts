// Bodies of requests and answers, put together from their parts and made readable.
import type { LanguageName } from "@/code/languages";
import type { Side } from "../record/events";
import { valueText } from "../record/events";
import { fieldOf } from "../record/har";
import type { Operation, Part } from "../record/record";

export interface Body {
  text: string;
  language: LanguageName | undefined;
  /** More of it was not kept. */
  capped: boolean;
}

// Laying out more than this takes longer than it helps.
const MAX_LAID_OUT = 512 * 1024;

/** One body out of the parts of one side; null where there is none. */
export function bodyOf(parts: Part[], side: Side, type: string): Body | null {
  const own = parts.filter((part) => part.side === side);
  if (own.length === 0) return null;
  const text = own.map((part) => (part.content === "null" ? "" : valueText(part.content))).join("");
  const capped = own.some((part) => part.capped);
  const laidOut = looksLikeJson(type, text) ? layOut(text) : null;
  if (laidOut !== null) return { text: laidOut, language: "json", capped };
  return { text, language: looksLikeJson(type, text) ? "json" : undefined, capped };
}

function looksLikeJson(type: string, text: string): boolean {
  return /[/+]json\b/i.test(type) || (type === "" && /^\s*[[{]/.test(text));
}

/** JSON with one member a line. What is cut off or no JSON stays as it is: null. */
function layOut(text: string): string | null {
  if (text.length > MAX_LAID_OUT) return null;
  try {
    return JSON.stringify(JSON.parse(text), (_, value) => exact(value, text), 2);
  } catch {
    return null;
  }
}

/** A number that JavaScript cannot hold would be shown as another one; then the text stays as it is. */
function exact(value: unknown, text: string): unknown {
  if (typeof value !== "number") return value;
  if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) throw new Error(text);
  return value;
}

/** Whether it is a conversation rather than one request and one answer. */
export function isStream(op: Operation): boolean {
  if (op.target?.line.startsWith("101")) return true;
  const type = fieldOf(op.target?.fields, "content-type");
  return /^(text\/event-stream|application\/grpc)/i.test(type) && op.parts.length > 0;
}
