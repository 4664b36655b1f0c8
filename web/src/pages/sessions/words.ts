// What the pages of sessions say in more than one place.
import type { LanguageName } from "@/code/languages";

const LANGUAGES: Record<string, LanguageName> = { postgres: "sql", http: "http" };

/** The language that operations of a protocol are written in. */
export function languageOf(protocol: string | undefined): LanguageName | undefined {
  return protocol === undefined ? undefined : LANGUAGES[protocol];
}
