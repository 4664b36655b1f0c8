// What an operation brings along, each with a name: bound parameters by number, the fields and the body of a request.
import type { LanguageName } from "@/code/languages";
import type { Approval } from "./approval";
import { laidOut } from "./json";

export interface Value {
  name: string;
  /** Null is SQL's NULL. */
  text: string | null;
  /** What it is written in, where it is worth a block of its own. */
  language?: LanguageName;
}

// `content-type: application/json`, one in each line.
const FIELDS = /^[\w!#$%&'*+.^`|~-]+: .*(\n[\w!#$%&'*+.^`|~-]+: .*)*$/;

/** The values of an approval, as they are named there. */
export function valuesOf({ protocol, parameters }: Approval): Value[] {
  if (protocol !== "http") return parameters.map((text, at) => ({ name: `$${at + 1}`, text }));
  return parameters.map((text, at) => {
    const isHeader = at === 0 && (parameters.length > 1 || FIELDS.test(text ?? ""));
    return isHeader ? { name: "Header", text } : bodyOf(text);
  });
}

function bodyOf(text: string | null): Value {
  const json = text === null ? null : laidOut(text);
  return json === null ? { name: "Body", text } : { name: "Body", text: json, language: "json" };
}
