// A language for colours, once it is loaded. Without it the code is still there to read.
import type { Language } from "@codemirror/language";
import { useEffect, useState } from "react";
import { type LanguageName, loadLanguage } from "./languages";

export function useLanguage(name: LanguageName | undefined): Language | null {
  const [found, setFound] = useState<{ name: LanguageName; language: Language } | null>(null);
  useEffect(() => {
    if (!name) return;
    let wanted = true;
    loadLanguage(name).then(
      (language) => wanted && setFound({ name, language }),
      () => {},
    );
    return () => {
      wanted = false;
    };
  }, [name]);
  return found?.name === name ? (found?.language ?? null) : null;
}
