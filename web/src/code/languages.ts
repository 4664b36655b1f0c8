// The languages that can be shown, each loaded when it is first needed.
import type { Language } from "@codemirror/language";

export type LanguageName = "sql" | "http" | "json" | "yaml" | "cedar";

const LOADERS: Record<LanguageName, () => Promise<Language>> = {
  sql: async () => (await import("./sql")).sqlLanguage,
  json: async () => (await import("@codemirror/lang-json")).jsonLanguage,
  yaml: async () => (await import("@codemirror/lang-yaml")).yamlLanguage,
  cedar: async () => (await import("./cedar")).cedarLanguage,
  http: async () => {
    const [{ StreamLanguage }, { http }] = await Promise.all([
      import("@codemirror/language"),
      import("@codemirror/legacy-modes/mode/http"),
    ]);
    return StreamLanguage.define(http);
  },
};

const loaded = new Map<LanguageName, Promise<Language>>();

export function loadLanguage(name: LanguageName): Promise<Language> {
  const known = loaded.get(name);
  if (known) return known;
  const language = LOADERS[name]();
  loaded.set(name, language);
  // A failed download may be tried again.
  language.catch(() => loaded.delete(name));
  return language;
}
