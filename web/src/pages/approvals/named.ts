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

/** The values of an approval, as they are named there. */
export function valuesOf({ parameters }: Approval): Value[] {
  // The fields of a request come one by one, and read as one block.
  const fields = parameters.filter((p) => p.name === "header").map((p) => p.value ?? "");
  const header = fields.length > 0 ? [{ name: "Header", text: fields.join("\n") }] : [];
  const others = parameters.filter((p) => p.name !== "header");
  const named = others.map(({ name, value = null }) =>
    name === "body" ? bodyOf(value) : { name, text: value },
  );
  return [...header, ...named];
}

function bodyOf(text: string | null): Value {
  const json = text === null ? null : laidOut(text);
  return json === null ? { name: "Body", text } : { name: "Body", text: json, language: "json" };
}
